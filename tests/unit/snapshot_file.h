/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot_file.h - a small snapshot, a folder to write it to, its bytes, and what a changed file of it reads as. */
#ifndef KF_TESTS_SNAPSHOT_FILE_H
#define KF_TESTS_SNAPSHOT_FILE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "snapshot/format.h"
#include "snapshot/snapshot.h"

#define N_CPUS 3

static inline void add_slots(struct kf_ring_copy *ring, size_t n)
{
	ring->slots = calloc(n, sizeof(*ring->slots));
	assert_non_null(ring->slots);
	ring->n_slots = n;
	for (size_t i = 0; i < n; i++)
		ring->slots[i] = (struct kf_slot){ .ts_ns = 5000 + 7 * i,
						   .seq = (uint32_t)i + 1,
						   .tid = 40 + i % 3,
						   .peer = 50,
						   .kind = KF_WAKING,
						   .nr = 202 };
	ring->written = n + 100;
	ring->overwritten = 100;
	ring->dropped = 3;
	ring->torn = 2;
	ring->oldest_ns = 5000;
	ring->drop_first_ns = 6000;
	ring->drop_last_ns = 4000;
}

/* What the recorder did: sections since 1.2. */
static inline void add_recorder(struct kf_snapshot *s)
{
	const struct kf_rule_counts none = { 0 }, counts = { 1, 20, 3, 4, 5 }, recent = { 1, 2, 3, 4, 0 };

	assert_int_equal(kf_snapshot_add_rule(s, "a\x1b", "", &none, &none), 0);
	assert_int_equal(kf_snapshot_add_rule(s, "runq-5ms", "runq>5ms{comm=\xff}", &counts, &recent), 0);
	s->suppressed_since_ns = 4000;
	s->snapshots_before = 12;
	s->cost_ppm = 4200;
	s->budget_ppm = 20000;
	s->requester = (struct kf_requester){ .pid = 77, .uid = 1000, .comm = "checkout" };
	s->sheds = calloc(2, sizeof(*s->sheds));
	assert_non_null(s->sheds);
	s->n_sheds = 2;
	s->sheds[0] = (struct kf_shed){ 3000, 21000, KF_SHED_NOTHING, KF_SHED_SYSCALLS };
	s->sheds[1] = (struct kf_shed){ 3500, 4200, KF_SHED_SYSCALLS, KF_SHED_NOTHING };
}

static inline struct kf_snapshot *example(void)
{
	struct kf_snapshot *s = kf_snapshot_new(N_CPUS);

	assert_non_null(s);
	s->mono_ns = 1000000000;
	s->real_ns = 1763711702000000000;
	s->boot_ns = 1000000500;
	s->started_ns = 10;
	s->floor_ns = 5000;
	s->end_ns = 9000;
	s->window_ns = 10000000000;
	s->after_ns = 100;
	s->syscall_mode = KF_SYSCALLS_SLOW;
	kf_snapshot_set(&s->version, "0.1.0");
	kf_snapshot_set(&s->host, "h\xff\x01st");
	kf_snapshot_set(&s->filter, "-p 2144, a=b\nc");
	kf_snapshot_set(&s->triggers, "runq>5ms, futex>50ms");
	kf_snapshot_set(&s->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
	kf_snapshot_set(&s->span_id, "00f067aa\x1b");
	s->trigger = (struct kf_trigger){ .ts_ns = 8000,
					  .since_ns = 7000,
					  .kind = KF_TRIGGER_RUNQ,
					  .tid = 41,
					  .tgid = 40,
					  .cpu = 1,
					  .nr = KF_NR_USER,
					  .rule = 2,
					  .threshold_ns = 500,
					  .comm = "nginx" };
	s->counts[KF_TRIGGER_RUNQ] = (struct kf_trigger_counts){ 1, 2, 3 };
	s->losses = (struct kf_losses){ 4, 5, 6, 7, 8 };
	add_recorder(s);
	add_slots(&s->rings[KF_CLASS_SCHED][0], 20);
	add_slots(&s->rings[KF_CLASS_SCHED][2], 5);
	add_slots(&s->rings[KF_CLASS_LIFE][1], 1);
	add_slots(&s->rings[KF_CLASS_TAKEN][0], 3);
	s->rings[KF_CLASS_SYSCALL][1].written = 77;
	s->tasks = calloc(2, sizeof(*s->tasks));
	assert_non_null(s->tasks);
	s->n_tasks = 2;
	s->tasks[0] = (struct kf_task){
		.tid = 41, .tgid = 40, .comm = "nginx", .cgroup_id = 7, .allowed = { 5, [KF_ALLOWED_WORDS - 1] = 6 }
	};
	s->tasks[1] = (struct kf_task){ .tid = 2, .flags = KF_TASK_KTHREAD, .comm = "kthreadd" };
	s->cgroups = calloc(2, sizeof(*s->cgroups));
	assert_non_null(s->cgroups);
	s->n_cgroups = 2;
	s->cgroups[0] = (struct kf_cgroup){ .id = 1, .path = strdup("/") };
	s->cgroups[1] = (struct kf_cgroup){ 7, 50000000, 100000000, 1, strdup("/w\xff\neb") };
	kf_snapshot_set(&s->irqs, "24 virtio0-input.0\n");
	return s;
}

struct folder {
	char path[64];
	int fd;
};

static inline void folder_make(struct folder *f)
{
	strcpy(f->path, "/tmp/kflight-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

static inline size_t folder_entries(const struct folder *f)
{
	DIR *d = opendir(f->path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static inline void folder_remove(struct folder *f)
{
	unlinkat(f->fd, "x.kfl", 0);
	unlinkat(f->fd, "target", 0);
	close(f->fd);
	if (rmdir(f->path))
		fail_msg("%s is not empty", f->path);
}

struct bytes {
	unsigned char *at;
	size_t len;
};

/* The example as a file in memory. */
static inline struct bytes example_bytes(void)
{
	struct kf_snapshot *s = example();
	struct bytes b = { malloc(1 << 16), 0 };
	struct kf_error e = { 0 };
	struct folder f;
	int fd;

	folder_make(&f);
	if (kf_snapshot_write(s, f.fd, "x.kfl", &e))
		fail_msg("not written: %s", e.message);
	fd = openat(f.fd, "x.kfl", O_RDONLY);
	b.len = (size_t)read(fd, b.at, 1 << 16);
	close(fd);
	folder_remove(&f);
	kf_snapshot_free(&s);
	assert_in_range(b.len, 500, 10000);
	return b;
}

/* The length is exact, so that the sanitizer sees a read behind the end. */
static inline struct bytes copy_of(struct bytes b, size_t len)
{
	struct bytes c = { malloc(len ? len : 1), len };

	memcpy(c.at, b.at, len < b.len ? len : b.len);
	return c;
}

static inline int parse(struct bytes b, struct kf_snapshot **s, struct kf_error *e)
{
	*s = NULL;
	memset(e, 0, sizeof(*e));
	return kf_snapshot_parse(s, b.at, b.len, "x.kfl", e);
}

static inline void refused(struct bytes b, const char *part)
{
	struct kf_snapshot *s;
	struct kf_error e;

	if (!parse(b, &s, &e))
		fail_msg("accepted, but expected: %s", part);
	assert_null(s);
	if (!strstr(e.message, part))
		fail_msg("message '%s' lacks '%s'", e.message, part);
	if (!e.hint[0])
		fail_msg("no hint for '%s'", e.message);
	assert_int_equal(e.status, KF_USAGE);
}

/* Makes the checksums of header and sections right again after a change. */
static inline void seal(struct bytes b)
{
	struct kf_file_header h;
	size_t at;

	memcpy(&h, b.at, sizeof(h));
	if (h.header_bytes < sizeof(h) || h.header_bytes > b.len)
		return;
	h.crc = kf_file_header_crc(&h, b.at + sizeof(h), h.header_bytes - sizeof(h));
	memcpy(b.at, &h, sizeof(h));
	at = h.header_bytes;
	while (at + sizeof(struct kf_file_section) <= b.len) {
		struct kf_file_section s;

		memcpy(&s, b.at + at, sizeof(s));
		if (s.stored_bytes > b.len - at - sizeof(s))
			return;
		s.crc = kf_file_section_crc(&s, (uint32_t)crc32_z(0, b.at + at + sizeof(s), s.stored_bytes));
		memcpy(b.at + at, &s, sizeof(s));
		at += sizeof(s) + s.stored_bytes;
	}
}

/* Offset of the first section of this type. */
static inline size_t find(struct bytes b, uint32_t type)
{
	size_t at = sizeof(struct kf_file_header);

	while (at < b.len) {
		struct kf_file_section s;

		memcpy(&s, b.at + at, sizeof(s));
		if (s.type == type)
			return at;
		at += sizeof(s) + s.stored_bytes;
	}
	fail_msg("no section of type %u", type);
	return 0;
}

#define PUT(b, base, type, field, value)                                                                               \
	do {                                                                                                           \
		struct type t_;                                                                                        \
		memcpy(&t_, (b).at + (base), sizeof(t_));                                                              \
		t_.field = (value);                                                                                    \
		memcpy((b).at + (base), &t_, sizeof(t_));                                                              \
	} while (0)

static inline void same_ring(const struct kf_ring_copy *a, const struct kf_ring_copy *b)
{
	assert_int_equal(a->n_slots, b->n_slots);
	if (a->n_slots)
		assert_memory_equal(a->slots, b->slots, a->n_slots * sizeof(*a->slots));
	assert_int_equal(a->written, b->written);
	assert_int_equal(a->overwritten, b->overwritten);
	assert_int_equal(a->dropped, b->dropped);
	assert_int_equal(a->torn, b->torn);
	assert_int_equal(a->oldest_ns, b->oldest_ns);
	assert_int_equal(a->drop_first_ns, b->drop_first_ns);
	assert_int_equal(a->drop_last_ns, b->drop_last_ns);
}

static inline void same_cgroups(const struct kf_snapshot *a, const struct kf_snapshot *b)
{
	assert_int_equal(a->n_cgroups, b->n_cgroups);
	for (size_t i = 0; i < a->n_cgroups; i++) {
		assert_int_equal(a->cgroups[i].id, b->cgroups[i].id);
		assert_int_equal(a->cgroups[i].quota_ns, b->cgroups[i].quota_ns);
		assert_int_equal(a->cgroups[i].period_ns, b->cgroups[i].period_ns);
		assert_int_equal(a->cgroups[i].parent_id, b->cgroups[i].parent_id);
		assert_string_equal(a->cgroups[i].path, b->cgroups[i].path);
	}
}

static inline void same_recorder(const struct kf_snapshot *a, const struct kf_snapshot *b)
{
	assert_int_equal(a->n_rules, b->n_rules);
	for (size_t i = 0; i < a->n_rules; i++) {
		assert_string_equal(a->rules[i].name, b->rules[i].name);
		assert_string_equal(a->rules[i].text, b->rules[i].text);
		assert_memory_equal(&a->rules[i].counts, &b->rules[i].counts, sizeof(a->rules[i].counts));
		assert_memory_equal(&a->rules[i].recent, &b->rules[i].recent, sizeof(a->rules[i].recent));
	}
	assert_int_equal(a->suppressed_since_ns, b->suppressed_since_ns);
	assert_int_equal(a->snapshots_before, b->snapshots_before);
	assert_int_equal(a->cost_ppm, b->cost_ppm);
	assert_int_equal(a->budget_ppm, b->budget_ppm);
	assert_memory_equal(&a->requester, &b->requester, sizeof(a->requester));
	assert_int_equal(a->n_sheds, b->n_sheds);
	if (a->n_sheds)
		assert_memory_equal(a->sheds, b->sheds, a->n_sheds * sizeof(*a->sheds));
}

static inline void same_snapshot(struct kf_snapshot *a, struct kf_snapshot *b)
{
	assert_int_equal(a->mono_ns, b->mono_ns);
	assert_int_equal(a->real_ns, b->real_ns);
	assert_int_equal(a->boot_ns, b->boot_ns);
	assert_int_equal(a->started_ns, b->started_ns);
	assert_int_equal(a->floor_ns, b->floor_ns);
	assert_int_equal(a->end_ns, b->end_ns);
	assert_int_equal(a->window_ns, b->window_ns);
	assert_int_equal(a->after_ns, b->after_ns);
	assert_int_equal(a->syscall_mode, b->syscall_mode);
	for (int id = 1; id < KF_STRING_IDS; id++)
		assert_string_equal(*kf_snapshot_string(a, id), *kf_snapshot_string(b, id));
	assert_memory_equal(&a->trigger, &b->trigger, sizeof(a->trigger));
	assert_memory_equal(a->counts, b->counts, sizeof(a->counts));
	assert_memory_equal(&a->losses, &b->losses, sizeof(a->losses));
	assert_int_equal(a->n_cpus, b->n_cpus);
	for (int c = 0; c < KF_CLASSES; c++)
		for (uint32_t cpu = 0; cpu < a->n_cpus; cpu++)
			same_ring(&a->rings[c][cpu], &b->rings[c][cpu]);
	assert_int_equal(a->n_tasks, b->n_tasks);
	assert_memory_equal(a->tasks, b->tasks, a->n_tasks * sizeof(*a->tasks));
	same_cgroups(a, b);
	same_recorder(a, b);
}

static inline void accepted_as_example(struct bytes b)
{
	struct kf_snapshot *s, *want = example();
	struct kf_error e;

	if (parse(b, &s, &e))
		fail_msg("refused: %s", e.message);
	same_snapshot(s, want);
	kf_snapshot_free(&s);
	kf_snapshot_free(&want);
}

/* The section of this type in place of the one that b has, plain. */
static inline struct bytes with_section(struct bytes b, uint32_t type, const void *bytes, size_t len)
{
	size_t at = find(b, type);
	struct kf_file_section s;
	struct bytes c;

	memcpy(&s, b.at + at, sizeof(s));
	c.len = b.len - s.stored_bytes + len;
	c.at = malloc(c.len);
	memcpy(c.at, b.at, at);
	memcpy(c.at + at + sizeof(s) + len, b.at + at + sizeof(s) + s.stored_bytes,
	       b.len - at - sizeof(s) - s.stored_bytes);
	s.encoding = KF_ENCODING_PLAIN;
	s.bytes = s.stored_bytes = len;
	memcpy(c.at + at, &s, sizeof(s));
	memcpy(c.at + at + sizeof(s), bytes, len);
	PUT(c, 0, kf_file_header, file_bytes, c.len);
	seal(c);
	return c;
}

#endif
