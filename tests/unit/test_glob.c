/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiled globs against fnmatch(3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "capture/glob.h"

static bool fits(const char *glob, const char *name)
{
	struct kf_glob_table table;
	char comm[KF_COMM_BYTES] = "";

	kf_glob_compile(glob, &table);
	memcpy(comm, name, strnlen(name, KF_COMM_BYTES - 1));
	return kf_glob_fits(&table, comm);
}

static void well_known_patterns(void **state)
{
	assert_true(fits("nginx", "nginx"));
	assert_false(fits("nginx", "nginx2"));
	assert_false(fits("nginx", "ngin"));
	assert_true(fits("nginx*", "nginx"));
	assert_true(fits("nginx*", "nginx: worker"));
	assert_true(fits("*", ""));
	assert_true(fits("*worker", "nginx: worker"));
	assert_true(fits("k?orker*", "kworker/0:1"));
	assert_false(fits("?", ""));
	assert_true(fits("***a", "bca"));
	assert_true(fits("*a*b", "xaybab"));
	assert_false(fits("*a*b", "xayba"));
	assert_true(fits("abcdefghijklmno", "abcdefghijklmno"));
}

static void pick(char *text, size_t len, const char *from)
{
	for (size_t i = 0; i < len; i++)
		text[i] = from[rand() % strlen(from)];
	text[len] = 0;
}

static void random_patterns_agree_with_fnmatch(void **state)
{
	int matched = 0;

	srand(7);
	for (int round = 0; round < 200000; round++) {
		char glob[KF_COMM_GLOB_BYTES], name[KF_COMM_BYTES];
		bool want;

		pick(glob, rand() % 9, "ab*?");
		pick(name, rand() % 9, "ab");
		want = !fnmatch(glob, name, FNM_NOESCAPE);
		if (fits(glob, name) != want)
			fail_msg("'%s' and '%s': fnmatch says %d", glob, name, want);
		matched += want;
	}
	assert_in_range(matched, 10000, 190000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_known_patterns),
		cmocka_unit_test(random_patterns_agree_with_fnmatch),
	};

	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
