/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "snapshot_file.h"

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
		cmocka_unit_test(written_is_read_again),    cmocka_unit_test(empty_snapshot_is_fine),
		cmocka_unit_test(large_rings_come_back),    cmocka_unit_test(orphans_are_dropped_and_counted),
		cmocka_unit_test(nothing_is_replaced),	    cmocka_unit_test(names_stay_in_the_folder),
		cmocka_unit_test(full_disk_leaves_nothing), cmocka_unit_test(only_files_are_read),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
