/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/prio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/sched.h>

#include "kflight/record.h"
#include "make_snapshot.h"

#define BATCH_PRIO  ((uint16_t)KF_PRIO_PACK(120, SCHED_BATCH))
#define IDLE_PRIO   ((uint16_t)KF_PRIO_PACK(120, SCHED_IDLE))
#define ABSURD_PRIO ((uint16_t)KF_PRIO_PACK(140, SCHED_NORMAL))

static void every_policy_has_its_words(void **state)
{
	static const struct {
		uint16_t prio;
		const char *want;
	} rows[] = {
		{ 0, "" },
		{ NICE(0), "nice 0" },
		{ NICE(-20), "nice -20" },
		{ NICE(19), "nice 19" },
		{ BATCH_PRIO, "nice 0" },
		{ IDLE_PRIO, "SCHED_IDLE" },
		{ FIFO(1), "SCHED_FIFO 1" },
		{ FIFO(99), "SCHED_FIFO 99" },
		{ RR(50), "SCHED_RR 50" },
		{ DEADLINE_PRIO, "SCHED_DEADLINE" },
		{ KF_PRIO_PACK(49, SCHED_NORMAL), "SCHED_FIFO 50" }, /* lent by a lock */
		{ ABSURD_PRIO, "" },
		{ NICE(0) & ~KF_PRIO_KNOWN, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char buf[KF_PRIO_TEXT_BYTES];

		assert_string_equal(kf_prio_text(rows[i].prio, buf, sizeof(buf)), rows[i].want);
	}
}

static void any_number_has_words_that_fit(void **state)
{
	char buf[KF_PRIO_TEXT_BYTES];

	for (uint32_t prio = 0; prio <= UINT16_MAX; prio++) {
		assert_true(strlen(kf_prio_text((uint16_t)prio, buf, sizeof(buf))) < sizeof(buf) - 1);
		assert_in_range(kf_prio_nice((uint16_t)prio) + 20, 0, 39);
	}
}

static void nice_is_that_of_fair_threads(void **state)
{
	assert_int_equal(kf_prio_nice(NICE(-20)), -20);
	assert_int_equal(kf_prio_nice(NICE(19)), 19);
	assert_int_equal(kf_prio_nice(FIFO(5)), 0);
	assert_int_equal(kf_prio_nice(DEADLINE_PRIO), 0);
	assert_int_equal(kf_prio_nice(0), 0);
}

static void real_time_is_all_but_fair(void **state)
{
	assert_true(kf_prio_is_realtime(FIFO(1)));
	assert_true(kf_prio_is_realtime(RR(99)));
	assert_true(kf_prio_is_realtime(DEADLINE_PRIO));
	assert_false(kf_prio_is_realtime(NICE(-20)));
	assert_false(kf_prio_is_realtime(IDLE_PRIO));
	assert_false(kf_prio_is_realtime(0));
	assert_false(kf_prio_is_realtime(FIFO(1) & ~KF_PRIO_KNOWN));
}

/* Lowest to highest: each outranks those before it, but fair ones outrank nobody. */
static void ranks_are_ordered(void **state)
{
	const uint16_t rising[] = { IDLE_PRIO, NICE(19), NICE(-20), FIFO(1), RR(2), FIFO(99), DEADLINE_PRIO };
	size_t n = sizeof(rising) / sizeof(rising[0]);

	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
			assert_int_equal(kf_prio_outranks(rising[a], rising[b]), a > b && a > 2);
	assert_false(kf_prio_outranks(FIFO(50), RR(50)));
	assert_false(kf_prio_outranks(FIFO(50), 0));
	assert_false(kf_prio_outranks(0, NICE(0)));
}

static void five_nice_levels_are_a_favour(void **state)
{
	assert_false(kf_prio_is_favoured(NICE(0), NICE(4)));
	assert_true(kf_prio_is_favoured(NICE(0), NICE(5)));
	assert_true(kf_prio_is_favoured(NICE(-20), NICE(19)));
	assert_false(kf_prio_is_favoured(NICE(19), NICE(-20)));
	assert_true(kf_prio_is_favoured(NICE(19), IDLE_PRIO));
	assert_false(kf_prio_is_favoured(IDLE_PRIO, IDLE_PRIO));
	assert_false(kf_prio_is_favoured(IDLE_PRIO, NICE(19)));
	assert_false(kf_prio_is_favoured(FIFO(1), NICE(19)));
	assert_false(kf_prio_is_favoured(NICE(0), FIFO(1)));
	assert_false(kf_prio_is_favoured(NICE(0), 0));
	assert_false(kf_prio_is_favoured(NICE(0), ABSURD_PRIO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_has_its_words),
		cmocka_unit_test(any_number_has_words_that_fit),
		cmocka_unit_test(nice_is_that_of_fair_threads),
		cmocka_unit_test(real_time_is_all_but_fair),
		cmocka_unit_test(ranks_are_ordered),
		cmocka_unit_test(five_nice_levels_are_a_favour),
	};

	return cmocka_run_group_tests_name("prio", tests, NULL, NULL);
}
