/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "snapshot/format.h"
#include "snapshot/snapshot.h"

#define N_CPUS 3

/* ---- a small snapshot, a folder to write it to, and its bytes ---- */

static void add_slots(struct kf_ring_copy *ring, size_t n)
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

static struct kf_snapshot *example(void)
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
	kf_snapshot_set(&s->triggers, "runq>5ms");
	s->trigger = (struct kf_trigger){ .ts_ns = 8000,
					  .since_ns = 7000,
					  .kind = KF_TRIGGER_RUNQ,
					  .tid = 41,
					  .tgid = 40,
					  .cpu = 1,
					  .nr = KF_NR_USER,
					  .threshold_ns = 500,
					  .comm = "nginx" };
	s->counts[KF_TRIGGER_RUNQ] = (struct kf_trigger_counts){ 1, 2, 3 };
	s->losses = (struct kf_losses){ 4, 5, 6, 7 };
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

static void folder_make(struct folder *f)
{
	strcpy(f->path, "/tmp/kflight-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

static size_t folder_entries(const struct folder *f)
{
	DIR *d = opendir(f->path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void folder_remove(struct folder *f)
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
static struct bytes example_bytes(void)
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
static struct bytes copy_of(struct bytes b, size_t len)
{
	struct bytes c = { malloc(len ? len : 1), len };

	memcpy(c.at, b.at, len < b.len ? len : b.len);
	return c;
}

static int parse(struct bytes b, struct kf_snapshot **s, struct kf_error *e)
{
	*s = NULL;
	memset(e, 0, sizeof(*e));
	return kf_snapshot_parse(s, b.at, b.len, "x.kfl", e);
}

static void refused(struct bytes b, const char *part)
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
static void seal(struct bytes b)
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
static size_t find(struct bytes b, uint32_t type)
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

/* ---- equality ---- */

static void same_ring(const struct kf_ring_copy *a, const struct kf_ring_copy *b)
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

static void same_cgroups(const struct kf_snapshot *a, const struct kf_snapshot *b)
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

static void same_snapshot(struct kf_snapshot *a, struct kf_snapshot *b)
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
}

static void accepted_as_example(struct bytes b)
{
	struct kf_snapshot *s, *want = example();
	struct kf_error e;

	if (parse(b, &s, &e))
		fail_msg("refused: %s", e.message);
	same_snapshot(s, want);
	kf_snapshot_free(&s);
	kf_snapshot_free(&want);
}

/* ---- tests ---- */

static void written_is_read_again(void **state)
{
	struct kf_snapshot *s = example(), *read = NULL;
	struct kf_error e = { 0 };
	struct folder f;
	struct stat st;
	char path[96];

	folder_make(&f);
	if (kf_snapshot_write(s, f.fd, "x.kfl", &e))
		fail_msg("not written: %s", e.message);
	assert_int_equal(folder_entries(&f), 1);
	assert_int_equal(fstatat(f.fd, "x.kfl", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(path, sizeof(path), "%s/x.kfl", f.path);
	if (kf_snapshot_read(&read, path, &e))
		fail_msg("not read: %s", e.message);
	same_snapshot(s, read);
	kf_snapshot_free(&read);
	kf_snapshot_free(&s);
	folder_remove(&f);
}

static void empty_snapshot_is_fine(void **state)
{
	struct kf_snapshot *s = kf_snapshot_new(1), *read = NULL;
	struct kf_error e = { 0 };
	struct folder f;
	char path[96];

	folder_make(&f);
	assert_int_equal(kf_snapshot_write(s, f.fd, "x.kfl", &e), 0);
	snprintf(path, sizeof(path), "%s/x.kfl", f.path);
	if (kf_snapshot_read(&read, path, &e))
		fail_msg("not read: %s", e.message);
	same_snapshot(s, read);
	kf_snapshot_free(&read);
	kf_snapshot_free(&s);
	folder_remove(&f);
}

static void every_cut_is_told(void **state)
{
	struct bytes whole = example_bytes();
	char where[64];

	for (size_t len = 0; len < whole.len; len++) {
		struct bytes cut = copy_of(whole, len);

		snprintf(where, sizeof(where), "'x.kfl' is cut off at byte %zu:", len);
		refused(cut, where);
		free(cut.at);
	}
	free(whole.at);
}

/* One wrong byte anywhere: an error, never other content. */
static void every_flipped_byte_is_found(void **state)
{
	static const unsigned char masks[] = { 0x01, 0x80, 0xff };
	struct bytes whole = example_bytes();

	for (size_t i = 0; i < whole.len * sizeof(masks); i++) {
		struct bytes bad = copy_of(whole, whole.len);
		struct kf_snapshot *s;
		struct kf_error e;

		bad.at[i / sizeof(masks)] ^= masks[i % sizeof(masks)];
		if (!parse(bad, &s, &e))
			fail_msg("byte %zu flipped with 0x%02x: accepted", i / sizeof(masks), masks[i % sizeof(masks)]);
		if (strchr(e.message, '\n') || !e.message[0])
			fail_msg("byte %zu: message '%s'", i / sizeof(masks), e.message);
		free(bad.at);
	}
	free(whole.at);
}

/* The same with checksums made right: whatever comes out, nothing crashes and what is promised holds. */
static void flipped_and_sealed_never_crashes(void **state)
{
	struct bytes whole = example_bytes();

	for (size_t i = 0; i < whole.len * 8; i++) {
		struct bytes bad = copy_of(whole, whole.len);
		struct kf_snapshot *s;
		struct kf_error e;

		bad.at[i / 8] ^= (unsigned char)(1 << i % 8);
		seal(bad);
		if (!parse(bad, &s, &e)) {
			assert_true(s->floor_ns <= s->end_ns);
			assert_non_null(memchr(s->trigger.comm, 0, KF_COMM_BYTES));
			kf_snapshot_free(&s);
		}
		free(bad.at);
	}
	free(whole.at);
}

static void foreign_files_are_named(void **state)
{
	struct bytes text = { (unsigned char *)"hello, I am a text", 18 };
	struct bytes go = { (unsigned char *)"go 1.22 trace\0\0\0", 16 };
	struct kf_snapshot *s;
	struct kf_error e;

	refused(text, "'x.kfl' is no kflight snapshot");
	refused(go, "'x.kfl' is no kflight snapshot");
	assert_int_equal(parse(go, &s, &e), -1);
	assert_non_null(strstr(e.hint, "go tool trace"));
}

static void versions(void **state)
{
	struct bytes b = example_bytes();

	PUT(b, 0, kf_file_header, minor, KF_FORMAT_MINOR + 1);
	seal(b);
	accepted_as_example(b);
	PUT(b, 0, kf_file_header, major, KF_FORMAT_MAJOR + 1);
	refused(b, "'x.kfl' has format 2.2, this kflight reads format 1");
	free(b.at);
}

/* The section of this type in place of the one that b has, plain. */
static struct bytes with_section(struct bytes b, uint32_t type, const void *bytes, size_t len)
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

/* Entries of 1.0 end before cgroup_id, those of a newer version go on behind allowed; shorter ones are damage. */
static void tasks_grow_with_the_format(void **state)
{
	static const uint32_t rows[] = { KF_TASK_BYTES_1_0 - 4, KF_TASK_BYTES_1_0, KF_TASK_BYTES_1_0 + 8,
					 sizeof(struct kf_task), sizeof(struct kf_task) + 8 };
	struct bytes whole = example_bytes();
	struct kf_snapshot *want = example();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned char section[8 + 2 * (sizeof(struct kf_task) + 8)] = { 0 };
		uint32_t head[2] = { rows[i], 2 },
			 had = rows[i] < sizeof(struct kf_task) ? rows[i] : sizeof(struct kf_task);
		struct kf_task first = { 0 };
		struct kf_snapshot *s;
		struct kf_error e;
		struct bytes b;

		memset(section, 0xab, sizeof(section));
		memcpy(section, head, sizeof(head));
		for (int k = 0; k < 2; k++)
			memcpy(section + 8 + k * rows[i], &want->tasks[k], had);
		memcpy(&first, &want->tasks[0], had);
		b = with_section(whole, KF_SECTION_TASKS, section, 8 + 2 * rows[i]);
		if (i == 0) {
			refused(b, "the length of an array does not fit");
		} else {
			if (parse(b, &s, &e))
				fail_msg("entries of %u bytes: %s", rows[i], e.message);
			assert_int_equal(s->n_tasks, 2);
			assert_memory_equal(&s->tasks[0], &first, sizeof(first));
			kf_snapshot_free(&s);
		}
		free(b.at);
	}
	kf_snapshot_free(&want);
	free(whole.at);
}

struct cgroups_section {
	uint32_t entry_bytes, n;
	struct kf_file_cgroup items[2];
	char paths[4];
} __attribute__((packed));

static void cgroups_are_bounds_checked(void **state)
{
	const struct cgroups_section good = { sizeof(struct kf_file_cgroup),
					      2,
					      { { 1, 0, 0, 0, 1, 0 }, { 7, 5, 10, 1, 3, 0 } },
					      { '/', '/', 'a', 'b' } };
	struct bytes whole = example_bytes(), b;
	struct cgroups_section bad;
	struct kf_snapshot *s;
	struct kf_error e;

	b = with_section(whole, KF_SECTION_CGROUPS, &good, sizeof(good));
	if (parse(b, &s, &e))
		fail_msg("%s", e.message);
	assert_string_equal(s->cgroups[0].path, "/");
	assert_string_equal(s->cgroups[1].path, "/ab");
	kf_snapshot_free(&s);
	free(b.at);
#define REFUSED(len, message)                                                                                          \
	b = with_section(whole, KF_SECTION_CGROUPS, &bad, len);                                                        \
	refused(b, message);                                                                                           \
	free(b.at)
	bad = good;
	REFUSED(7, "a section is too short");
	REFUSED(8, "the length of an array does not fit");
	REFUSED(sizeof(bad) - 1, "the path of a cgroup is no string");
	bad.n = UINT32_MAX;
	REFUSED(sizeof(bad), "the length of an array does not fit");
	bad = good;
	bad.entry_bytes = 0;
	REFUSED(sizeof(bad), "the length of an array does not fit");
	bad.entry_bytes = UINT32_MAX;
	REFUSED(sizeof(bad), "the length of an array does not fit");
	bad = good;
	bad.items[0].path_bytes = UINT32_MAX;
	REFUSED(sizeof(bad), "the path of a cgroup is no string");
	bad = good;
	bad.paths[2] = '\0';
	REFUSED(sizeof(bad), "the path of a cgroup is no string");
	bad = good;
	bad.items[1].path_bytes = 2;
	REFUSED(sizeof(bad), "bytes that belong to no cgroup");
#undef REFUSED
	free(whole.at);
}

/* A recording of kflight 0.1.0, before interrupts, cgroups and affinity were recorded: kept to stay readable. */
static void files_of_format_1_0_stay_readable(void **state)
{
	struct kf_file_header h = { 0 };
	struct kf_error e = { 0 };
	struct kf_snapshot *s = NULL;
	FILE *in = fopen("tests/data/reuse.kfl", "r");

	assert_non_null(in);
	assert_int_equal(fread(&h, sizeof(h), 1, in), 1);
	fclose(in);
	assert_int_equal(h.major, 1);
	assert_int_equal(h.minor, 0);
	if (kf_snapshot_read(&s, "tests/data/reuse.kfl", &e))
		fail_msg("%s", e.message);
	assert_true(s->n_tasks > 10);
	for (size_t i = 0; i < s->n_tasks; i++) {
		assert_true(s->tasks[i].tid && s->tasks[i].comm[0]);
		assert_int_equal(s->tasks[i].cgroup_id, 0);
		for (int k = 0; k < KF_ALLOWED_WORDS; k++)
			assert_int_equal(s->tasks[i].allowed[k], 0);
	}
	assert_int_equal(s->n_cgroups, 0);
	assert_string_equal(s->irqs, "");
	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		assert_int_equal(s->rings[KF_CLASS_TAKEN][cpu].n_slots, 0);
		assert_int_equal(s->rings[KF_CLASS_TAKEN][cpu].written, 0);
	}
	kf_snapshot_free(&s);
}

static void incomplete_mark_is_respected(void **state)
{
	struct bytes b = example_bytes();

	PUT(b, 0, kf_file_header, flags, KF_FILE_INCOMPLETE);
	seal(b);
	refused(b, "'x.kfl' is incomplete");
	free(b.at);
}

/* A file of a newer minor version: longer header, unknown section, grown struct. */
static void what_a_newer_version_adds_is_skipped(void **state)
{
	struct kf_file_section unknown = { .type = 99, .encoding = 7, .stored_bytes = 5, .bytes = 1 };
	struct bytes old = example_bytes(), b = copy_of(old, old.len + 16 + sizeof(unknown) + 5 + 8);
	size_t meta = sizeof(struct kf_file_section) + sizeof(struct kf_file_meta), at = 80;

	memset(b.at + 64, 0xab, 16);
	memcpy(b.at + at, &unknown, sizeof(unknown));
	at += sizeof(unknown) + 5;
	memcpy(b.at + at, old.at + 64, meta);
	PUT(b, at, kf_file_section, stored_bytes, sizeof(struct kf_file_meta) + 8);
	PUT(b, at, kf_file_section, bytes, sizeof(struct kf_file_meta) + 8);
	at += meta + 8;
	memcpy(b.at + at, old.at + 64 + meta, old.len - 64 - meta);
	PUT(b, 0, kf_file_header, header_bytes, 80);
	PUT(b, 0, kf_file_header, file_bytes, b.len);
	PUT(b, 0, kf_file_header, n_sections, ((struct kf_file_header *)b.at)->n_sections + 1);
	seal(b);
	accepted_as_example(b);
	free(b.at);
	free(old.at);
}

static void trailing_bytes_are_refused(void **state)
{
	struct bytes whole = example_bytes(), b = copy_of(whole, whole.len + 3);

	refused(b, "more bytes follow");
	PUT(b, 0, kf_file_header, file_bytes, b.len);
	seal(b);
	refused(b, "belong to no section");
	free(b.at);
	free(whole.at);
}

/* Lengths that would make a careless reader allocate terabytes. */
static void impossible_lengths_are_not_allocated(void **state)
{
	static const uint64_t lengths[] = { UINT64_MAX, 1ULL << 62, KF_FILE_MAX_BYTES + 1, 1ULL << 32, 0 };
	struct bytes whole = example_bytes();

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (uint32_t type = KF_SECTION_META; type < KF_SECTION_TYPES; type++) {
			struct bytes b = copy_of(whole, whole.len);

			PUT(b, find(b, type), kf_file_section, bytes, lengths[i]);
			seal(b);
			refused(b, "is damaged");
			free(b.at);
			if (!lengths[i])
				continue;
			b = copy_of(whole, whole.len);
			PUT(b, find(b, type), kf_file_section, stored_bytes, lengths[i]);
			refused(b, "longer than the file");
			free(b.at);
		}
	free(whole.at);
}

static void slots_must_fit_their_ring(void **state)
{
	struct bytes whole = example_bytes(), b = copy_of(whole, whole.len);
	size_t at = find(b, KF_SECTION_SLOTS);

	PUT(b, at, kf_file_section, cpu, N_CPUS);
	seal(b);
	refused(b, "a ring that is not there");
	PUT(b, at, kf_file_section, cpu, 1); /* which has no slots */
	seal(b);
	refused(b, "does not fit their ring");
	PUT(b, at, kf_file_section, cpu, 0);
	PUT(b, at, kf_file_section, class,
	    200); /* an unknown class is skipped, but then the known one lacks its slots */
	seal(b);
	refused(b, "slots of a ring are missing");
	free(b.at);
	free(whole.at);
}

/* Rings larger than what writer and reader handle at a time. */
static void large_rings_come_back(void **state)
{
	enum { N = 100003 };
	struct kf_snapshot *s = kf_snapshot_new(2), *read = NULL;
	struct kf_error e = { 0 };
	struct folder f;
	uint32_t random = 1;
	char path[96];

	add_slots(&s->rings[KF_CLASS_SYSCALL][1], N);
	for (size_t i = 0; i < N; i++) {
		random = random * 1664525 + 1013904223;
		s->rings[KF_CLASS_SYSCALL][1].slots[i].start_ns = (uint64_t)random << (random >> 26);
	}
	folder_make(&f);
	assert_int_equal(kf_snapshot_write(s, f.fd, "x.kfl", &e), 0);
	snprintf(path, sizeof(path), "%s/x.kfl", f.path);
	if (kf_snapshot_read(&read, path, &e))
		fail_msg("not read: %s", e.message);
	same_snapshot(s, read);
	kf_snapshot_free(&read);
	kf_snapshot_free(&s);
	folder_remove(&f);
}

/* The reader keeps what record.h promises, whatever was stored. */
static void orphans_are_dropped_and_counted(void **state)
{
	static const struct {
		uint8_t kind, flags;
		bool kept;
	} rows[] = {
		{ KF_MORE, 0, false }, /* its record was overwritten */
		{ KF_SWITCH, KF_F_MORE, true },	 { KF_MORE, 0, true },
		{ KF_MORE, 0, false }, /* a second one */
		{ KF_INVALID, 0, false },	 { KF_WAKING, 0, true },
		{ KF_SWITCH, KF_F_MORE, false },		  /* its second slot is torn */
		{ KF_SWITCH, 0, true },		 { 77, 0, true }, /* a kind of a newer version */
		{ KF_EXIT, KF_F_MORE, false },			  /* cut by the end */
	};
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	struct kf_snapshot *s = kf_snapshot_new(1), *read = NULL;
	struct kf_ring_copy *ring = &s->rings[0][0];
	struct kf_error e = { 0 };
	struct folder f;
	char path[96];
	size_t kept = 0;

	ring->slots = calloc(N, sizeof(*ring->slots));
	ring->n_slots = N;
	for (size_t i = 0; i < N; i++)
		ring->slots[i] = (struct kf_slot){ .seq = (uint32_t)i, .kind = rows[i].kind, .flags = rows[i].flags };
	folder_make(&f);
	assert_int_equal(kf_snapshot_write(s, f.fd, "x.kfl", &e), 0);
	snprintf(path, sizeof(path), "%s/x.kfl", f.path);
	assert_int_equal(kf_snapshot_read(&read, path, &e), 0);
	for (size_t i = 0; i < N; i++)
		if (rows[i].kept)
			assert_int_equal(read->rings[0][0].slots[kept++].seq, i);
	assert_int_equal(read->rings[0][0].n_slots, kept);
	assert_int_equal(read->rings[0][0].torn, N - kept);
	kf_snapshot_free(&read);
	kf_snapshot_free(&s);
	folder_remove(&f);
}

static void nothing_is_replaced(void **state)
{
	struct kf_snapshot *s = example();
	struct kf_error e = { 0 };
	struct folder f;
	char target[8] = "";
	int fd;

	folder_make(&f);
	fd = openat(f.fd, "target", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	assert_int_equal(kf_snapshot_write(s, f.fd, "target", &e), -1);
	assert_string_equal(e.message, "snapshot 'target' exists already");
	/* A link to a file is no way around, dangling or not. */
	assert_int_equal(symlinkat("target", f.fd, "x.kfl"), 0);
	assert_int_equal(kf_snapshot_write(s, f.fd, "x.kfl", &e), -1);
	unlinkat(f.fd, "x.kfl", 0);
	assert_int_equal(symlinkat("nowhere", f.fd, "x.kfl"), 0);
	assert_int_equal(kf_snapshot_write(s, f.fd, "x.kfl", &e), -1);
	fd = openat(f.fd, "target", O_RDONLY);
	assert_int_equal(read(fd, target, sizeof(target)), 3);
	close(fd);
	assert_string_equal(target, "old");
	assert_int_equal(folder_entries(&f), 2);
	kf_snapshot_free(&s);
	folder_remove(&f);
}

static void names_stay_in_the_folder(void **state)
{
	static const char *const bad[] = { "", ".", "..", "../x.kfl", "/tmp/x.kfl", ".hidden" };
	struct kf_snapshot *s = kf_snapshot_new(1);
	struct kf_error e = { 0 };
	struct folder f;

	folder_make(&f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!kf_snapshot_write(s, f.fd, bad[i], &e))
			fail_msg("'%s' accepted", bad[i]);
	assert_int_equal(folder_entries(&f), 0);
	kf_snapshot_free(&s);
	folder_remove(&f);
}

/* Stops the file after every possible number of bytes, as a full disk does. */
static void full_disk_leaves_nothing(void **state)
{
	struct bytes whole = example_bytes();
	struct kf_snapshot *s = example();
	struct rlimit before, limit;
	struct folder f;

	folder_make(&f);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (size_t room = 0; room < whole.len; room += 13) {
		struct kf_error e = { 0 };
		int result;

		limit = (struct rlimit){ room, before.rlim_max };
		setrlimit(RLIMIT_FSIZE, &limit);
		result = kf_snapshot_write(s, f.fd, "x.kfl", &e);
		setrlimit(RLIMIT_FSIZE, &before);
		if (result != -1 || folder_entries(&f))
			fail_msg("with room for %zu bytes: result %d, %zu files", room, result, folder_entries(&f));
		assert_string_equal(e.message, "cannot write snapshot 'x.kfl': File too large");
	}
	kf_snapshot_free(&s);
	free(whole.at);
	folder_remove(&f);
}

static void only_files_are_read(void **state)
{
	struct kf_snapshot *s = NULL;
	struct kf_error e = { 0 };

	assert_int_equal(kf_snapshot_read(&s, "/nonexistent/x.kfl", &e), -1);
	assert_string_equal(e.message, "cannot read snapshot '/nonexistent/x.kfl': No such file or directory");
	assert_int_equal(kf_snapshot_read(&s, "/tmp", &e), -1);
	assert_string_equal(e.message, "'/tmp' is no file");
	assert_int_equal(kf_snapshot_read(&s, "/dev/zero", &e), -1);
	assert_string_equal(e.message, "'/dev/zero' is no file");
	assert_null(s);
	kf_snapshot_free(&s);
	kf_snapshot_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read_again),
		cmocka_unit_test(empty_snapshot_is_fine),
		cmocka_unit_test(every_cut_is_told),
		cmocka_unit_test(every_flipped_byte_is_found),
		cmocka_unit_test(flipped_and_sealed_never_crashes),
		cmocka_unit_test(foreign_files_are_named),
		cmocka_unit_test(versions),
		cmocka_unit_test(tasks_grow_with_the_format),
		cmocka_unit_test(cgroups_are_bounds_checked),
		cmocka_unit_test(files_of_format_1_0_stay_readable),
		cmocka_unit_test(incomplete_mark_is_respected),
		cmocka_unit_test(what_a_newer_version_adds_is_skipped),
		cmocka_unit_test(trailing_bytes_are_refused),
		cmocka_unit_test(impossible_lengths_are_not_allocated),
		cmocka_unit_test(slots_must_fit_their_ring),
		cmocka_unit_test(large_rings_come_back),
		cmocka_unit_test(orphans_are_dropped_and_counted),
		cmocka_unit_test(nothing_is_replaced),
		cmocka_unit_test(names_stay_in_the_folder),
		cmocka_unit_test(full_disk_leaves_nothing),
		cmocka_unit_test(only_files_are_read),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
