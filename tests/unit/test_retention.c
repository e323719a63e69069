/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "daemon/leftovers.h"
#include "daemon/mark.h"

#define HOUR 3600000000000ULL
#define DAY  (24 * HOUR)

static char folder[64];
static int dir;

/* ---- a folder with files of any age ---- */

static void write_file(const char *name, size_t bytes)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char block[4096] = { 1 };

	assert_true(fd >= 0);
	for (size_t at = 0; at < bytes; at += sizeof(block))
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
}

static void set_mark(const char *name, const char *boot_id, uint64_t boot_ns)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	char mark[128];

	assert_true(fd >= 0 && !fstat(fd, &st));
	snprintf(mark, sizeof(mark), "1 %ju %s %" PRIu64, (uintmax_t)st.st_ino, boot_id, boot_ns);
	assert_int_equal(fsetxattr(fd, "user.kflight", mark, strlen(mark), 0), 0);
	close(fd);
}

/* One of ours, written that many tenths of a second ago in this boot. (The clock of the boot may be younger: then at its start.) */
static void ours(const char *name, size_t bytes, uint64_t age)
{
	uint64_t age_ns = age * 100000000;
	struct kf_clocks now;

	kf_clocks_read(&now);
	write_file(name, bytes);
	set_mark(name, now.boot_id, now.boot_ns > age_ns ? now.boot_ns - age_ns : 0);
}

/* One of ours, of an earlier boot, last changed age_s ago by the wall clock (negative: in the future). */
static void ours_of_before(const char *name, size_t bytes, int64_t age_s)
{
	struct kf_clocks now;
	struct timespec times[2] = { { 0 }, { 0 } };

	kf_clocks_read(&now);
	write_file(name, bytes);
	set_mark(name, "11111111-2222-3333-4444-555555555555", 5);
	times[0].tv_sec = times[1].tv_sec = (time_t)((int64_t)(now.real_ns / 1000000000) - age_s);
	assert_int_equal(utimensat(dir, name, times, 0), 0);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in the folder, sorted, without "kflight-" and with a blank behind each. */
static void check_left(const char *want)
{
	char *names[256], got[4096] = "";
	size_t n = 0;
	DIR *d = opendir(folder);
	const struct dirent *entry;

	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.' || entry->d_name[1] == 'k')
			names[n++] = strdup(entry->d_name);
	closedir(d);
	qsort(names, n, sizeof(names[0]), compare);
	for (size_t i = 0; i < n; i++) {
		strcat(got, strncmp(names[i], "kflight-", 8) ? names[i] : names[i] + 8);
		strcat(got, " ");
		free(names[i]);
	}
	assert_string_equal(got, want);
}

static struct kf_retention *keeping(const char *text)
{
	struct kf_retention *r = NULL;
	struct kf_keep keep;
	struct kf_error e;

	if (kf_keep_parse(text, &keep, &e) || kf_retention_new(&r, &keep, dir, &e))
		fail_msg("'%s': %s", text, e.message);
	return r;
}

static struct kf_swept sweep(const char *text, const char *newest, uint64_t wanted)
{
	struct kf_retention *r = keeping(text);
	struct kf_swept swept;
	struct kf_error e;

	if (kf_retention_sweep(r, newest, wanted, &swept, &e))
		fail_msg("%s", e.message);
	kf_retention_free(&r);
	return swept;
}

static int new_folder(void **state)
{
	snprintf(folder, sizeof(folder), "%s/kflight-keep-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	char command[128];

	close(dir);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) ? -1 : 0;
}

/* ---- the text ---- */

static void texts(void **state)
{
	struct kf_keep k;
	struct kf_error e;

	assert_int_equal(kf_keep_parse("100,2gb,7d", &k, &e), 0);
	assert_int_equal(k.count, 100);
	assert_int_equal(k.bytes, 2ULL << 30);
	assert_int_equal(k.age_ns, 7 * DAY);
	assert_int_equal(kf_keep_parse("2w", &k, &e), 0);
	assert_int_equal(k.age_ns, 14 * DAY);
	assert_int_equal(k.count + k.bytes, 0);
	assert_int_equal(kf_keep_parse("36h,512m", &k, &e), 0);
	assert_int_equal(k.age_ns, 36 * HOUR);
	assert_int_equal(k.bytes, 512 << 20);
	assert_int_equal(kf_keep_parse("0.5d", &k, &e), 0);
	assert_int_equal(k.age_ns, 12 * HOUR);
	assert_int_equal(kf_keep_parse(NULL, &k, &e), 0);
	assert_int_equal(k.count + k.bytes + k.age_ns, 0);
}

static void bad_texts_name_the_part(void **state)
{
	static const char *const bad[][2] = {
		{ "", "'' is no count" },
		{ "5,", "'' is no further count" },
		{ "0", "'0' is no count" },
		{ "5,6", "'6' is no further count" },
		{ "7d,1w", "'1w' is no further" },
		{ "1g,2g", "'2g' is no further" },
		{ "0gb", "'0gb'" },
		{ "0d", "'0d'" },
		{ "7x", "'7x' is no count" },
		{ "d", "'d' is no count" },
		{ "-1d", "'-1d'" },
		{ "99999999999d", "'99999999999d'" },
		{ "1234567890", "'1234567890'" },
		{ "1.5", "'1.5' is no count" },
	};
	struct kf_keep k;
	struct kf_error e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!kf_keep_parse(bad[i][0], &k, &e))
			fail_msg("'%s' was taken", bad[i][0]);
		assert_int_equal(e.status, KF_USAGE);
		if (!strstr(e.message, bad[i][1]))
			fail_msg("'%s': '%s' does not say '%s'", bad[i][0], e.message, bad[i][1]);
	}
}

/* ---- what goes ---- */

static void oldest_first_by_count(void **state)
{
	struct kf_swept swept;

	ours("kflight-3.kfl", 100, 30);
	ours("kflight-1.kfl", 100, 1000); /* the oldest: not its name says it */
	ours("kflight-0.kfl", 100, 20);
	ours("kflight-2.kfl", 100, 40);
	swept = sweep("2", NULL, 0);
	assert_int_equal(swept.snapshots, 2);
	assert_int_equal(swept.kept, 2);
	check_left("0.kfl 3.kfl ");
	assert_int_equal(sweep("2", NULL, 0).snapshots, 0);
}

static void by_bytes_with_what_was_converted(void **state)
{
	struct kf_swept swept;

	ours("kflight-1.kfl", 8192, 40);
	ours("kflight-1.trace", 32768, 39);
	ours("kflight-2.kfl", 8192, 30);
	ours("kflight-2.html", 8192, 29);
	ours("kflight-3.kfl", 8192, 20);
	swept = sweep("60k", NULL, 0);
	assert_int_equal(swept.snapshots, 1);
	assert_true(swept.bytes >= 40960);
	check_left("2.html 2.kfl 3.kfl ");
	assert_int_equal(sweep("20k", NULL, 0).snapshots, 1);
	check_left("3.kfl ");
	/* More than allowed all by itself, but the newest. */
	assert_int_equal(sweep("4k", NULL, 0).snapshots, 0);
	check_left("3.kfl ");
}

static void by_age(void **state)
{
	ours_of_before("kflight-1.kfl", 100, 8 * 86400);
	ours_of_before("kflight-2.kfl", 100, 6 * 86400);
	ours("kflight-3.kfl", 100, 0);
	assert_int_equal(sweep("7d", "kflight-3.kfl", 0).snapshots, 1);
	check_left("2.kfl 3.kfl ");
}

static void the_newest_stays_whatever_it_is(void **state)
{
	ours_of_before("kflight-1.kfl", 100, 80 * 86400);
	ours_of_before("kflight-2.kfl", 100, 70 * 86400);
	assert_int_equal(sweep("7d", NULL, 0).snapshots, 1);
	check_left("2.kfl ");
	ours("kflight-3.kfl", 100, 0);
	ours_of_before("kflight-4.kfl", 100, -5000); /* says it comes from the future */
	assert_int_equal(sweep("1", "kflight-3.kfl", 0).snapshots, 2);
	check_left("3.kfl ");
}

/* The wall clock of this boot was years ahead when these were written; their age is that of the boot's clock. */
static void a_wrong_wall_clock(void **state)
{
	struct timespec past[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	ours("kflight-1.kfl", 100, 20);
	ours("kflight-2.kfl", 100, 10);
	ours("kflight-3.kfl", 100, 0);
	assert_int_equal(utimensat(dir, "kflight-1.kfl", past, 0), 0);
	assert_int_equal(utimensat(dir, "kflight-2.kfl", past, 0), 0);
	assert_int_equal(sweep("7d", NULL, 0).snapshots, 0);
	check_left("1.kfl 2.kfl 3.kfl ");
}

static void for_space(void **state)
{
	struct kf_swept swept;

	ours("kflight-1.kfl", 8192, 40);
	ours("kflight-2.kfl", 8192, 30);
	ours("kflight-3.kfl", 8192, 20);
	ours("kflight-4.kfl", 8192, 10);
	swept = sweep("100", NULL, 8193);
	assert_int_equal(swept.snapshots, 2);
	check_left("3.kfl 4.kfl ");
	sweep("100", NULL, UINT64_MAX);
	check_left("4.kfl ");
}

static void what_is_held_stays(void **state)
{
	struct kf_retention *r = keeping("1");
	struct kf_swept swept;
	struct kf_error e;

	ours("kflight-1.kfl", 100, 40);
	ours("kflight-1.trace", 100, 39);
	ours("kflight-11.kfl", 100, 35);
	ours("kflight-2.kfl", 100, 30);
	ours("kflight-3.kfl", 100, 20);
	kf_retention_hold(r, "kflight-1.kfl");
	kf_retention_hold(r, "kflight-2.kfl");
	assert_int_equal(kf_retention_sweep(r, NULL, 0, &swept, &e), 0);
	check_left("1.kfl 1.trace 2.kfl 3.kfl ");
	kf_retention_release(r, "kflight-1.kfl");
	assert_int_equal(kf_retention_sweep(r, NULL, 0, &swept, &e), 0);
	check_left("2.kfl 3.kfl ");
	kf_retention_release(r, "kflight-2.kfl");
	kf_retention_release(r, "kflight-2.kfl");
	assert_int_equal(kf_retention_sweep(r, NULL, 0, &swept, &e), 0);
	check_left("3.kfl ");
	for (int i = 0; i < 1000; i++)
		kf_retention_hold(r, "kflight-x.kfl");
	kf_retention_free(&r);
}

/* ---- what is not ours ---- */

static void copy_with_mark(const char *from, const char *to)
{
	char mark[128];
	int a = openat(dir, from, O_RDONLY | O_CLOEXEC), b;
	ssize_t n = fgetxattr(a, "user.kflight", mark, sizeof(mark));

	write_file(to, 100);
	b = openat(dir, to, O_RDONLY | O_CLOEXEC);
	assert_true(n > 0);
	assert_int_equal(fsetxattr(b, "user.kflight", mark, (size_t)n, 0), 0);
	close(a);
	close(b);
}

static void what_is_not_ours_stays(void **state)
{
	write_file("kflight-20200101T000000Z-runq-x-1.kfl", 100); /* our name, but no mark: somebody's copy */
	write_file("kflight-1.trace", 100);			  /* exported by hand */
	ours("kflight-1.kfl", 100, 1000);
	ours("kflight-9.kfl", 100, 1);
	ours("mine.kfl", 100, 1000);		 /* renamed */
	ours("kflight-keep.kfl.bak", 100, 1000); /* renamed */
	copy_with_mark("kflight-9.kfl", "kflight-8.kfl");
	ours("kflight-2.kfl", 100, 1000);
	assert_int_equal(linkat(dir, "kflight-2.kfl", dir, "second-name", 0), 0);
	assert_int_equal(symlinkat("kflight-9.kfl", dir, "kflight-3.kfl"), 0);
	assert_int_equal(mkdirat(dir, "kflight-4.kfl", 0700), 0);
	assert_int_equal(mkfifoat(dir, "kflight-5.kfl", 0600), 0);
	assert_int_equal(sweep("1", NULL, UINT64_MAX).snapshots, 1);
	check_left("1.trace 2.kfl 20200101T000000Z-runq-x-1.kfl 3.kfl 4.kfl 5.kfl 8.kfl 9.kfl keep.kfl.bak mine.kfl "
		   "second-name ");
}

static void nonsense_for_a_mark(void **state)
{
	static const char *const marks[] = { "",	 "1",	   "1 2 3", "2 1 x 5", "1 99999999999999999999999 x 5",
					     "\xff\xff", "1 0 0 0" };
	struct kf_clocks now;
	uint64_t age;

	kf_clocks_read(&now);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "kflight-%zu.kfl", i);
		write_file(name, 1);
		fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
		assert_int_equal(fsetxattr(fd, "user.kflight", marks[i], strlen(marks[i]), 0), 0);
		assert_false(kf_mark_is_ours(fd, &now, &age));
		close(fd);
	}
	assert_int_equal(sweep("1", NULL, UINT64_MAX).snapshots, 0);
}

static void a_mark_as_it_is_written(void **state)
{
	struct kf_clocks now;
	uint64_t age;
	int fd;

	write_file("kflight-1.kfl", 1);
	fd = openat(dir, "kflight-1.kfl", O_RDONLY | O_CLOEXEC);
	assert_int_equal(kf_mark_set(fd), 0);
	kf_clocks_read(&now);
	assert_true(kf_mark_is_ours(fd, &now, &age));
	assert_true(age < HOUR);
	now.boot_ns += 5 * HOUR;
	assert_true(kf_mark_is_ours(fd, &now, &age));
	assert_true(age >= 5 * HOUR && age < 6 * HOUR);
	now.boot_ns = 0; /* cannot be */
	assert_true(kf_mark_is_ours(fd, &now, &age));
	assert_int_equal(age, 0);
	close(fd);
}

static void count_age(void *context, uint64_t age_ns)
{
	uint64_t *sum = context;

	sum[0]++;
	sum[1] += age_ns / HOUR;
}

static void ages_for_the_limits(void **state)
{
	uint64_t sum[2] = { 0, 0 };

	ours("kflight-1.kfl", 1, 0);
	ours("kflight-1.trace", 1, 0);
	ours_of_before("kflight-2.kfl", 1, 2 * 3600 + 5);
	ours_of_before("kflight-3.kfl", 1, 9 * 3600);
	write_file("kflight-4.kfl", 1);
	kf_retention_each_age(dir, 3 * HOUR, count_age, sum);
	assert_int_equal(sum[0], 2);
	assert_int_equal(sum[1], 2);
}

static void many_files(void **state)
{
	char name[64];
	struct kf_swept swept;

	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "kflight-%04d.kfl", i);
		ours(name, 0, (uint64_t)(2000 - i));
	}
	swept = sweep("3", NULL, 0);
	assert_int_equal(swept.snapshots, 1997);
	check_left("1997.kfl 1998.kfl 1999.kfl ");
}

static void an_unreadable_folder(void **state)
{
	struct kf_keep keep = { .count = 1 };
	struct kf_retention *r;
	struct kf_swept swept;
	struct kf_error e;

	assert_int_equal(kf_retention_new(&r, &keep, 0x7fffffff, &e), 0);
	assert_int_equal(kf_retention_sweep(r, NULL, 0, &swept, &e), -1);
	assert_non_null(strstr(e.message, "cannot list the snapshots"));
	kf_retention_free(&r);
}

/* ---- leftovers ---- */

static void leftovers(void **state)
{
	int living;

	write_file(".kflight-tmp-dead", 10);
	write_file(".kflight-tmp-living", 10);
	write_file(".kflight-other", 10);
	assert_int_equal(mkdirat(dir, ".kflight-tmp-folder", 0700), 0);
	assert_int_equal(symlinkat("kflight-1.kfl", dir, ".kflight-tmp-link"), 0);
	write_file("kflight-1.kfl", 10);
	living = openat(dir, ".kflight-tmp-living", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(living, LOCK_EX), 0);
	assert_int_equal(kf_leftovers_remove(dir), 1);
	check_left(".kflight-other .kflight-tmp-folder .kflight-tmp-link .kflight-tmp-living 1.kfl ");
	close(living);
	assert_int_equal(kf_leftovers_remove(dir), 1);
	check_left(".kflight-other .kflight-tmp-folder .kflight-tmp-link 1.kfl ");
	assert_int_equal(kf_leftovers_remove(0x7fffffff), 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, new_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(bad_texts_name_the_part),
		test(oldest_first_by_count),
		test(by_bytes_with_what_was_converted),
		test(by_age),
		test(the_newest_stays_whatever_it_is),
		test(a_wrong_wall_clock),
		test(for_space),
		test(what_is_held_stays),
		test(what_is_not_ours_stays),
		test(nonsense_for_a_mark),
		test(a_mark_as_it_is_written),
		test(ages_for_the_limits),
		test(many_files),
		test(an_unreadable_folder),
		test(leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
