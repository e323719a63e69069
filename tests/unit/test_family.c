/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/family.h"
#include "model/timeline.h"

/* 10 started 20, which started 30 (threads 30 and 31); 40 is a stranger; 50 and 60 claim to be each other's parent. */
static struct kf_thread threads[] = {
	{ .tid = 10, .tgid = 10 },
	{ .tid = 20, .tgid = 20, .parent_tgid = 10 },
	{ .tid = 30, .tgid = 30, .parent_tgid = 20 },
	{ .tid = 31, .tgid = 30, .parent_tgid = 20 },
	{ .tid = 40, .tgid = 40, .parent_tgid = 1 },
	{ .tid = 50, .tgid = 50, .parent_tgid = 60 },
	{ .tid = 60, .tgid = 60, .parent_tgid = 50 },
};
static const struct kf_timeline timeline = { .threads = threads, .n_threads = sizeof(threads) / sizeof(threads[0]) };

/* Both ways to ask. */
static bool family(uint32_t tid, uint32_t tgid)
{
	uint32_t thread = kf_timeline_find(&timeline, tid, 0);
	bool *all = kf_family(&timeline, tgid);
	bool answer;

	assert_non_null(all);
	answer = all[thread];
	free(all);
	assert_int_equal(answer, kf_is_family(&timeline, thread, tgid));
	return answer;
}

static void descendants_belong(void **state)
{
	assert_true(family(10, 10));
	assert_true(family(20, 10));
	assert_true(family(31, 10));
	assert_true(family(31, 30));
}

static void others_do_not(void **state)
{
	assert_false(family(10, 20));
	assert_false(family(40, 10));
	assert_false(family(10, 0));
	assert_false(kf_is_family(&timeline, KF_NOBODY, 10));
}

/* Records are foreign: a ring of parents must end. */
static void rings_end(void **state)
{
	assert_false(family(50, 10));
	assert_true(family(50, 60));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descendants_belong),
		cmocka_unit_test(others_do_not),
		cmocka_unit_test(rings_end),
	};

	return cmocka_run_group_tests_name("family", tests, NULL, NULL);
}
