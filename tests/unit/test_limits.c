/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

#define S    1000000000ULL
#define MIN  (60 * S)
#define HOUR (3600 * S)
#define DAY  (86400 * S)

static struct kf_limits *limits_of(const char *text)
{
	struct kf_limits *l = NULL;
	struct kf_error e;

	if (kf_limits_new(&l, text, &e))
		fail_msg("'%s': %s", text, e.message);
	return l;
}

static void refuses(const char *text, const char *want)
{
	struct kf_limits *l = NULL;
	struct kf_error e;

	if (!kf_limits_new(&l, text, &e))
		fail_msg("'%s' was taken", text);
	assert_null(l);
	assert_int_equal(e.status, KF_USAGE);
	if (!strstr(e.message, want))
		fail_msg("'%s': '%s' does not say '%s'", text, e.message, want);
}

static void bad_texts_name_the_part(void **state)
{
	refuses("", "'' is no count per time");
	refuses("5", "'5' is no count per time");
	refuses("5/m,", "'' is no count per time");
	refuses("5/m,x/h", "'x/h' is no count per time");
	refuses("0/m", "'0/m' has a count that is not from 1");
	refuses("100001/d", "'100001/d' has a count that is not from 1");
	refuses("99999999999999999999/d", "has a count that is not from 1");
	refuses("5/y", "'5/y' has no time");
	refuses("5/0m", "has no time");
	refuses("5/m m", "has no time");
	refuses("5/99999999d", "has no time");
	refuses("-5/m", "no count per time");
	refuses("1/m,1/m,1/m,1/m,1/m,1/m,1/m,1/m,1/m", "one limit too many");
	refuses("5/mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm", "is too long");
}

static void without_limits_all_are_taken(void **state)
{
	struct kf_limits *l = limits_of(NULL);
	char why[64];

	for (int i = 0; i < 1000; i++)
		kf_limits_taken(l, DAY);
	assert_int_equal(kf_limits_until(l, DAY), 0);
	assert_string_equal(kf_limits_why(l, DAY, why, sizeof(why)), "");
	kf_limits_free(&l);
	assert_null(l);
	kf_limits_free(&l);
}

static void the_window_slides(void **state)
{
	struct kf_limits *l = limits_of("3/m");
	uint64_t t = DAY;
	char why[64];

	kf_limits_taken(l, t);
	kf_limits_taken(l, t + 50 * S);
	assert_int_equal(kf_limits_until(l, t + 50 * S), 0);
	kf_limits_taken(l, t + 55 * S);
	assert_int_equal(kf_limits_until(l, t + 56 * S), t + 60 * S);
	assert_string_equal(kf_limits_why(l, t + 56 * S, why, sizeof(why)), "3/m, the next one in 4.00 s");
	assert_int_equal(kf_limits_until(l, t + 60 * S), 0);
	kf_limits_taken(l, t + 60 * S);
	assert_int_equal(kf_limits_until(l, t + 60 * S), t + 110 * S);
	kf_limits_free(&l);
}

static void the_strictest_one_rules(void **state)
{
	struct kf_limits *l = limits_of("2/m,3/h,4/2d");
	uint64_t t = 10 * DAY;

	kf_limits_taken(l, t);
	kf_limits_taken(l, t + S);
	assert_int_equal(kf_limits_until(l, t + 2 * S), t + MIN);
	kf_limits_taken(l, t + 2 * MIN);
	assert_int_equal(kf_limits_until(l, t + 3 * MIN), t + HOUR);
	kf_limits_taken(l, t + HOUR);
	assert_int_equal(kf_limits_until(l, t + HOUR), t + 2 * DAY);
	assert_int_equal(kf_limits_until(l, t + 2 * DAY), 0);
	kf_limits_free(&l);
}

/* What is recalled from the folder comes in the order of the folder. */
static void any_order(void **state)
{
	struct kf_limits *l = limits_of("3/h");

	kf_limits_taken(l, 5 * MIN);
	kf_limits_taken(l, 1 * MIN);
	kf_limits_taken(l, 9 * MIN);
	assert_int_equal(kf_limits_until(l, 10 * MIN), HOUR + MIN);
	kf_limits_taken(l, 3 * MIN);
	assert_int_equal(kf_limits_until(l, 10 * MIN), HOUR + 3 * MIN);
	kf_limits_taken(l, 2 * MIN); /* older than the last three: nothing changes */
	assert_int_equal(kf_limits_until(l, 10 * MIN), HOUR + 3 * MIN);
	kf_limits_free(&l);
}

/* A reload: neither fewer nor other snapshots count than before, also from and to no limit at all. */
static void other_limits_for_the_same_snapshots(void **state)
{
	struct kf_limits *l = limits_of("2/h");
	struct kf_error e;

	for (uint64_t t = 1; t <= 5; t++)
		kf_limits_taken(l, t * MIN);
	assert_int_equal(kf_limits_change(&l, "2/h", &e), 0);
	assert_int_equal(kf_limits_until(l, 6 * MIN), HOUR + 4 * MIN);
	assert_int_equal(kf_limits_change(&l, "4/h", &e), 0);
	assert_int_equal(kf_limits_until(l, 6 * MIN), HOUR + 2 * MIN);
	assert_int_equal(kf_limits_change(&l, NULL, &e), 0);
	assert_int_equal(kf_limits_until(l, 6 * MIN), 0);
	kf_limits_taken(l, 6 * MIN);
	assert_int_equal(kf_limits_change(&l, "6/h", &e), 0);
	assert_int_equal(kf_limits_until(l, 6 * MIN), HOUR + 1 * MIN);
	assert_int_equal(kf_limits_change(&l, "6/x", &e), -1);
	assert_int_equal(kf_limits_until(l, 6 * MIN), HOUR + 1 * MIN);
	kf_limits_free(&l);
}

/* Against a list that is gone through from the start each time. */
static void as_counted_by_hand(void **state)
{
	struct kf_limits *l = limits_of("3/10s,7/m,20/10m");
	const uint64_t periods[] = { 10 * S, MIN, 10 * MIN };
	const size_t counts[] = { 3, 7, 20 };
	static uint64_t taken[4000];
	size_t n = 0, refused = 0;
	uint64_t t = DAY;

	srand(7);
	for (int i = 0; i < 4000; i++) {
		uint64_t until = 0;

		t += (uint64_t)(rand() % 8000) * 1000000;
		for (int w = 0; w < 3; w++)
			if (n >= counts[w] && taken[n - counts[w]] + periods[w] > t &&
			    taken[n - counts[w]] + periods[w] > until)
				until = taken[n - counts[w]] + periods[w];
		assert_int_equal(kf_limits_until(l, t), until);
		refused += until != 0;
		if (!until) {
			kf_limits_taken(l, t);
			taken[n++] = t;
		}
	}
	assert_true(refused > 1000 && n > 100);
	kf_limits_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_texts_name_the_part),
		cmocka_unit_test(without_limits_all_are_taken),
		cmocka_unit_test(the_window_slides),
		cmocka_unit_test(the_strictest_one_rules),
		cmocka_unit_test(any_order),
		cmocka_unit_test(other_limits_for_the_same_snapshots),
		cmocka_unit_test(as_counted_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
