/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

#define G (1ULL << 30)

static struct kf_space space_of(const char *text)
{
	struct kf_space s;
	struct kf_error e;

	if (kf_space_parse(text, &s, &e))
		fail_msg("'%s': %s", text, e.message);
	return s;
}

static void sizes_and_percentages(void **state)
{
	assert_int_equal(space_of("1gb").min_free_bytes, G);
	assert_int_equal(space_of("1gb").min_free_ppm, 0);
	assert_int_equal(space_of("5%").min_free_ppm, 50000);
	assert_int_equal(space_of("0.5%").min_free_ppm, 5000);
	assert_int_equal(space_of("2.5%,512m").min_free_ppm, 25000);
	assert_int_equal(space_of("2.5%,512m").min_free_bytes, G / 2);
	assert_int_equal(space_of(NULL).min_free_bytes, 0);
}

static void bad_texts_name_the_part(void **state)
{
	static const char *const bad[][2] = {
		{ "", "'' is no size" },
		{ "1gb,", "'' is no further size" },
		{ "100", "'100' is no size" },
		{ "100%", "'100%' is no size" },
		{ "0%", "'0%'" },
		{ "%", "'%'" },
		{ "-5%", "'-5%'" },
		{ "1.2.3%", "'1.2.3%'" },
		{ "5%,6%", "'6%' is no further" },
		{ "1g,2g", "'2g' is no further" },
		{ "0mb", "'0mb'" },
		{ "nan%", "'nan%'" },
	};
	struct kf_space s;
	struct kf_error e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!kf_space_parse(bad[i][0], &s, &e))
			fail_msg("'%s' was taken", bad[i][0]);
		if (!strstr(e.message, bad[i][1]))
			fail_msg("'%s': '%s' does not say '%s'", bad[i][0], e.message, bad[i][1]);
		assert_int_equal(s.min_free_bytes + s.min_free_ppm, 0);
	}
}

static void what_is_missing(void **state)
{
	struct kf_space none = space_of(NULL), bytes = space_of("1gb"), part = space_of("5%"),
			both = space_of("1gb,5%");

	assert_int_equal(kf_space_missing(&none, 100 * G, 0, 5), 0);
	assert_int_equal(kf_space_missing(&bytes, 100 * G, 2 * G, G), 0);
	assert_int_equal(kf_space_missing(&bytes, 100 * G, 2 * G, G + 1), 1);
	assert_int_equal(kf_space_missing(&bytes, 100 * G, 0, 0), G);
	assert_int_equal(kf_space_missing(&part, 100 * G, 5 * G, 0), 0);
	assert_int_equal(kf_space_missing(&part, 100 * G, 5 * G, 7), 7);
	assert_int_equal(kf_space_missing(&both, 10 * G, G / 2, 0), G / 2); /* the bytes rule */
	assert_int_equal(kf_space_missing(&both, 100 * G, 4 * G, 0), G);    /* the percentage rules */
	assert_int_equal(kf_space_missing(&both, UINT64_MAX, 0, UINT64_MAX), UINT64_MAX);
}

static void asks_the_file_system(void **state)
{
	struct kf_space much = { .min_free_bytes = UINT64_MAX / 2 }, none = { 0 };
	struct kf_error e;
	uint64_t missing;

	assert_int_equal(kf_space_missing_in(&none, -1, 1, &missing, &e), 0);
	assert_int_equal(missing, 0);
	assert_int_equal(kf_space_missing_in(&much, 0x7fffffff, 1, &missing, &e), -1);
	assert_non_null(strstr(e.message, "cannot tell how much space is left: Bad file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_and_percentages),
		cmocka_unit_test(bad_texts_name_the_part),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(asks_the_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
