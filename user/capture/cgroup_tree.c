/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/cgroup_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/cgroup.h"
#include "snapshot/snapshot.h"

/* Who may make cgroups can make many: after some 5 s of looking, what was not found stays unknown. */
#define MAX_LOOKS  500000
#define MAX_DEPTH  32
#define PATH_BYTES 4096

struct walk {
	struct kf_snapshot *s;
	size_t room; /* of s->cgroups */
	uint64_t *ids;
	size_t n_ids, room_ids;
	size_t n_left; /* ids that were not found yet */
	size_t n_looks;
	char path[PATH_BYTES]; /* of the folder that is being listed */
};

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int add_id(struct walk *w, uint64_t id)
{
	if (!id)
		return 0;
	if (KF_GROW(w->ids, w->n_ids, w->room_ids))
		return -1;
	w->ids[w->n_ids++] = id;
	return 0;
}

/* Sorted, each once. */
static void order_ids(struct walk *w)
{
	size_t n = 0;

	if (w->n_ids)
		qsort(w->ids, w->n_ids, sizeof(*w->ids), compare_ids);
	for (size_t i = 0; i < w->n_ids; i++)
		if (!n || w->ids[n - 1] != w->ids[i])
			w->ids[n++] = w->ids[i];
	w->n_ids = w->n_left = n;
}

/* Groups of all threads, and those whose quota was used up: their threads may be gone by now. */
static int find_wanted(struct walk *w)
{
	const struct kf_snapshot *s = w->s;

	for (size_t i = 0; i < s->n_tasks; i++)
		if (add_id(w, s->tasks[i].cgroup_id))
			return -1;
	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		const struct kf_ring_copy *ring = &s->rings[KF_CLASS_TAKEN][cpu];

		for (size_t i = 0; i < ring->n_slots; i++)
			if (ring->slots[i].kind == KF_THROTTLE && add_id(w, ring->slots[i].cgroup_id))
				return -1;
	}
	order_ids(w);
	return 0;
}

static bool read_text(int folder, const char *file, char *text, size_t len)
{
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, len - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* cgroup v2: "max 100000" or "50000 100000", in us; v1: two files, quota -1 is none. The root has neither. */
static void read_quota(int folder, struct kf_cgroup *group)
{
	char text[64], period[32];
	long long quota_us = 0, period_us = 0;

	if (read_text(folder, "cpu.max", text, sizeof(text))) {
		if (sscanf(text, "%lld %lld", &quota_us, &period_us) != 2)
			return;
	} else if (read_text(folder, "cpu.cfs_quota_us", text, sizeof(text)) &&
		   read_text(folder, "cpu.cfs_period_us", period, sizeof(period))) {
		quota_us = strtoll(text, NULL, 10);
		period_us = strtoll(period, NULL, 10);
	}
	if (quota_us <= 0 || period_us <= 0)
		return;
	group->quota_ns = (uint64_t)quota_us * 1000;
	group->period_ns = (uint64_t)period_us * 1000;
}

/* The group at w->path; its folder is -1 if that went away a moment ago. */
static void keep(struct walk *w, uint64_t id, uint64_t parent_id, int folder)
{
	struct kf_cgroup group = { .id = id, .parent_id = parent_id };
	struct kf_snapshot *s = w->s;

	group.path = strdup(w->path[0] ? w->path : "/");
	if (!group.path || KF_GROW(s->cgroups, s->n_cgroups, w->room)) {
		free(group.path);
		return;
	}
	if (folder >= 0)
		read_quota(folder, &group);
	s->cgroups[s->n_cgroups++] = group;
}

static bool look(struct walk *w, uint64_t id, uint64_t parent_id, int folder, int depth);

/* What is below a group; true if any of it is kept. */
static bool look_below(struct walk *w, uint64_t id, DIR *dir, int depth)
{
	size_t len = strlen(w->path);
	struct dirent *entry;
	bool kept = false;

	while (depth < MAX_DEPTH && w->n_left && w->n_looks < MAX_LOOKS && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || len + strlen(entry->d_name) + 2 > PATH_BYTES)
			continue;
		sprintf(w->path + len, "/%s", entry->d_name);
		kept |= look(w, entry->d_ino, id,
			     openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), depth);
		w->path[len] = '\0';
	}
	return kept;
}

/* Keeps the group whose folder this is (and closes it), if it or one below is wanted. */
static bool look(struct walk *w, uint64_t id, uint64_t parent_id, int folder, int depth)
{
	bool kept = w->n_ids && bsearch(&id, w->ids, w->n_ids, sizeof(*w->ids), compare_ids);
	DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;

	w->n_looks++;
	w->n_left -= kept;
	if (dir)
		kept |= look_below(w, id, dir, depth + 1);
	if (kept)
		keep(w, id, parent_id, folder);
	if (dir)
		closedir(dir);
	else if (folder >= 0)
		close(folder);
	return kept;
}

void kf_cgroup_tree_add_from(struct kf_snapshot *s, const char *point)
{
	int folder = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct walk w = { .s = s };
	struct stat st;

	if (folder < 0)
		return;
	if (fstat(folder, &st) || find_wanted(&w))
		close(folder);
	else
		look(&w, st.st_ino, 0, folder, 0);
	free(w.ids);
}

void kf_cgroup_tree_add(struct kf_snapshot *s)
{
	struct kf_cgroup_mount mount;

	if (kf_cgroup_mount_find_cpu("/proc/self/mountinfo", &mount))
		kf_cgroup_tree_add_from(s, mount.point);
}
