/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/go_program.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/opener.h"
#include "snapshot/snapshot.h"

#define HEAD_BYTES    4096
#define MIN_THREADS   3
#define MAX_PROCESSES 256
#define MAX_DEPTH     32

#define GO_NOTE_NAME	"Go"
#define GO_NOTE_BUILDID 4

/* Copies n bytes at `at`, if they are all there. */
static bool get(const void *bytes, size_t len, uint64_t at, void *out, size_t n)
{
	if (at > len || n > len - at)
		return false;
	memcpy(out, (const char *)bytes + at, n);
	return true;
}

/* Notes of 4-byte alignment, one behind the other. */
static bool has_go_note(const void *bytes, size_t len, uint64_t at, uint64_t end)
{
	Elf64_Nhdr note;
	char name[sizeof(GO_NOTE_NAME) + 1];

	while (at < end && get(bytes, len, at, &note, sizeof(note))) {
		at += sizeof(note);
		if (note.n_type == GO_NOTE_BUILDID && note.n_namesz == sizeof(name) &&
		    get(bytes, len, at, name, sizeof(name)) && !memcmp(name, GO_NOTE_NAME "\0", sizeof(name)))
			return true;
		at += ((uint64_t)note.n_namesz + 3) / 4 * 4 + ((uint64_t)note.n_descsz + 3) / 4 * 4;
	}
	return false;
}

bool kf_is_go_program(const void *bytes, size_t len)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;

	if (!get(bytes, len, 0, &head, sizeof(head)) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(part))
		return false;
	for (unsigned int i = 0; i < head.e_phnum; i++) {
		if (!get(bytes, len, head.e_phoff + (uint64_t)i * sizeof(part), &part, sizeof(part)))
			return false;
		if (part.p_type == PT_NOTE && part.p_offset < len &&
		    has_go_note(bytes, len, part.p_offset,
				part.p_filesz < len - part.p_offset ? part.p_offset + part.p_filesz : len))
			return true;
	}
	return false;
}

static bool runs_go(struct kf_opener *opener, uint32_t pid)
{
	char head[HEAD_BYTES];
	ssize_t n;
	int fd;

	fd = kf_opener_exe(opener, (pid_t)pid);
	if (fd < 0)
		return false;
	n = read(fd, head, sizeof(head));
	close(fd);
	return n > 0 && kf_is_go_program(head, (size_t)n);
}

static const struct kf_cgroup *find_group(const struct kf_snapshot *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_cgroups; i++)
		if (s->cgroups[i].id == id)
			return &s->cgroups[i];
	return NULL;
}

static bool has_quota(const struct kf_snapshot *s, uint64_t cgroup_id)
{
	const struct kf_cgroup *group = find_group(s, cgroup_id);

	for (int depth = 0; group && depth < MAX_DEPTH; depth++) {
		if (group->quota_ns)
			return true;
		group = find_group(s, group->parent_id);
	}
	return false;
}

static int by_process(const void *va, const void *vb)
{
	const struct kf_task *a = *(struct kf_task *const *)va, *b = *(struct kf_task *const *)vb;

	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

void kf_go_programs_mark(struct kf_snapshot *s, struct kf_opener *opener)
{
	struct kf_task **tasks = calloc(s->n_tasks + 1, sizeof(struct kf_task *));
	size_t next, asked = 0;

	if (!tasks)
		return;
	for (size_t i = 0; i < s->n_tasks; i++)
		tasks[i] = &s->tasks[i];
	if (s->n_tasks)
		qsort(tasks, s->n_tasks, sizeof(tasks[0]), by_process); /* NOLINT(bugprone-sizeof-expression) */
	for (size_t i = 0; i < s->n_tasks && asked < MAX_PROCESSES; i = next) {
		for (next = i + 1; next < s->n_tasks && tasks[next]->tgid == tasks[i]->tgid;)
			next++;
		if (next - i < MIN_THREADS || !has_quota(s, tasks[i]->cgroup_id))
			continue;
		asked++;
		for (size_t k = runs_go(opener, tasks[i]->tgid) ? i : next; k < next; k++)
			tasks[k]->flags |= KF_TASK_GO;
	}
	free(tasks);
}
