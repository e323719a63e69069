/* SPDX-License-Identifier: BSD-2-Clause */
/* Output files appear when they are whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "snapshot/format.h"
#include "output/whole_file.h"

static char folder[64];
static char path[80];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kflight-unit.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/out", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int files(void)
{
	DIR *dir = opendir(folder);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

static void expect_content(const char *want)
{
	char got[64] = "";
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	assert_non_null(fgets(got, sizeof(got), in));
	fclose(in);
	assert_string_equal(got, want);
}

static void write_whole(const char *text)
{
	struct kf_whole_file f;
	struct kf_error e = { 0 };

	assert_int_equal(kf_whole_file_open(&f, path, &e), 0);
	fputs(text, f.out);
	if (kf_whole_file_commit(&f, &e))
		fail_msg("%s", e.message);
}

static void appears_when_committed(void **state)
{
	struct kf_whole_file f;
	struct kf_error e = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(kf_whole_file_open(&f, path, &e), 0);
	fputs("half", f.out);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(kf_whole_file_commit(&f, &e), 0);
	expect_content("half");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(files(), 1);
}

static void replaces_an_older_one(void **state)
{
	(void)state;
	write_whole("old");
	write_whole("new");
	expect_content("new");
	assert_int_equal(files(), 1);
}

static void snapshots_stay(void **state)
{
	struct kf_whole_file f;
	struct kf_error e = { 0 };
	struct stat st;

	(void)state;
	write_whole(KF_FILE_MAGIC "the rest");
	assert_int_equal(kf_whole_file_open(&f, path, &e), -1);
	assert_int_equal(e.status, KF_USAGE);
	assert_non_null(strstr(e.message, "is a snapshot: not overwritten"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, KF_FILE_MAGIC_BYTES + strlen("the rest"));
	assert_int_equal(files(), 1);
}

static void abandoned_leaves_the_older_one(void **state)
{
	struct kf_whole_file f;
	struct kf_error e = { 0 };

	(void)state;
	write_whole("old");
	assert_int_equal(kf_whole_file_open(&f, path, &e), 0);
	fputs("new", f.out);
	kf_whole_file_abandon(&f);
	kf_whole_file_abandon(&f);
	expect_content("old");
	assert_int_equal(files(), 1);
}

static void devices_are_written_to_not_replaced(void **state)
{
	struct kf_whole_file f;
	struct kf_error e = { 0 };
	struct stat st;

	(void)state;
	if (access("/dev/full", W_OK))
		skip();
	assert_int_equal(kf_whole_file_open(&f, "/dev/full", &e), 0);
	fputs("text", f.out);
	assert_int_equal(kf_whole_file_commit(&f, &e), -1);
	assert_non_null(strstr(e.message, "'/dev/full': No space left"));
	assert_int_equal(stat("/dev/full", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void no_folder_is_an_error(void **state)
{
	struct kf_whole_file f;
	struct kf_error e = { 0 };

	(void)state;
	assert_int_equal(kf_whole_file_open(&f, "/nonexistent/out", &e), -1);
	assert_non_null(strstr(e.message, "'/nonexistent/out': No such file"));
	assert_int_equal(kf_whole_file_open(&f, folder, &e), -1);
	assert_non_null(strstr(e.message, "Is a directory"));
}

/* As /dev/stdout is one, with output redirected to a file: renaming would replace the link. */
static void link_to_our_output_stays_a_link(void **state)
{
	char link[96];
	struct kf_whole_file f;
	struct stat st;
	int saved, err;

	(void)state;
	snprintf(link, sizeof(link), "%s/link", folder);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(saved >= 0);
	assert_non_null(freopen(path, "w", stdout));
	assert_int_equal(symlink("/proc/self/fd/1", link), 0);
	err = kf_whole_file_open(&f, link, NULL);
	if (!err) {
		fputs("hello", f.out);
		err = kf_whole_file_commit(&f, NULL);
	}
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(err, 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_content("hello");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(files(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(appears_when_committed, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(replaces_an_older_one, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(snapshots_stay, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(abandoned_leaves_the_older_one, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(devices_are_written_to_not_replaced, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(no_folder_is_an_error, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(link_to_our_output_stays_a_link, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
