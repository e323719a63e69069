/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "daemon/budget.h"

#define BUDGET 20000

static struct kf_budget_judge new_judge(void)
{
	return (struct kf_budget_judge){ .budget_ppm = BUDGET,
					 .can_shed = { [KF_SHED_SYSCALLS] = true, [KF_SHED_INTERRUPTS] = true } };
}

/* The same cost n times; the level after each has to be the digit there. */
static void assert_levels(struct kf_budget_judge *j, uint32_t cost_ppm, const char *levels)
{
	for (size_t i = 0; levels[i]; i++) {
		enum kf_shed_level level = kf_budget_judge(j, cost_ppm, 0);

		if (level != (enum kf_shed_level)(levels[i] - '0'))
			fail_msg("look %zu of '%s' at %u ppm: level %d", i, levels, cost_ppm, level);
	}
}

/* How many looks at that cost until the level changes. */
static unsigned int looks_until_change(struct kf_budget_judge *j, uint32_t cost_ppm)
{
	enum kf_shed_level before = j->level;
	unsigned int looks = 1;

	while (kf_budget_judge(j, cost_ppm, 0) == before && looks < 100000)
		looks++;
	return looks;
}

static void within_budget_nothing_happens(void **state)
{
	struct kf_budget_judge j = new_judge();

	assert_levels(&j, BUDGET, "00000000");
	assert_levels(&j, 0, "00000000");
}

static void one_dear_look_is_not_enough(void **state)
{
	struct kf_budget_judge j = new_judge();

	for (int i = 0; i < 10; i++) {
		assert_levels(&j, 10 * BUDGET, "0");
		assert_levels(&j, BUDGET, "0");
	}
}

static void sheds_in_order_and_no_further(void **state)
{
	struct kf_budget_judge j = new_judge();

	assert_levels(&j, BUDGET + 1, "01122222222");
	assert_false(kf_budget_can_shed_more(&j));
}

static void leaves_out_what_is_not_recorded(void **state)
{
	struct kf_budget_judge j = new_judge();

	j.can_shed[KF_SHED_SYSCALLS] = false;
	assert_levels(&j, BUDGET + 1, "0222");
	assert_levels(&j, 0, "2200");
	j = new_judge();
	j.can_shed[KF_SHED_SYSCALLS] = j.can_shed[KF_SHED_INTERRUPTS] = false;
	assert_levels(&j, BUDGET + 1, "000000");
}

static void no_budget_sheds_nothing(void **state)
{
	struct kf_budget_judge j = new_judge();

	j.budget_ppm = KF_BUDGET_NONE;
	assert_levels(&j, 1000000, "00000000");
}

static void comes_back_step_by_step_with_a_margin(void **state)
{
	struct kf_budget_judge j = new_judge();

	assert_levels(&j, BUDGET + 1, "0112");
	assert_levels(&j, BUDGET / 2 + 1, "2222222222");
	assert_levels(&j, BUDGET / 2, "22111000");
}

/* It comes back and is too dear: not again for 60 looks, then 120, ... */
static void failures_wait_longer_and_longer(void **state)
{
	struct kf_budget_judge j = new_judge();
	unsigned int wanted[] = { 3, 60, 120, 240, 480, 960, 1920, 3840, 7680, 8640, 8640 };

	j.can_shed[KF_SHED_INTERRUPTS] = false;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_int_equal(looks_until_change(&j, BUDGET + 1), 2);
		assert_int_equal(looks_until_change(&j, 0), wanted[i]);
	}
}

static void a_level_that_was_fine_starts_afresh(void **state)
{
	struct kf_budget_judge j = new_judge();

	looks_until_change(&j, BUDGET + 1);
	looks_until_change(&j, 0);
	looks_until_change(&j, BUDGET + 1);
	assert_int_equal(looks_until_change(&j, 0), 60);
	assert_levels(&j, BUDGET, "0000000"); /* survives its trial */
	looks_until_change(&j, BUDGET + 1);
	assert_int_equal(looks_until_change(&j, 0), 3);
}

/* Snapshots cost too much: without syscalls they would, too. Nor does anything come back then. */
static void own_cost_alone_sheds_nothing(void **state)
{
	struct kf_budget_judge j = new_judge();

	for (int i = 0; i < 10; i++)
		assert_int_equal(kf_budget_judge(&j, BUDGET * 2, BUDGET + 1), KF_SHED_NOTHING);
	assert_int_equal(kf_budget_judge(&j, 1, BUDGET), KF_SHED_NOTHING);
	assert_int_equal(kf_budget_judge(&j, 1, BUDGET), KF_SHED_SYSCALLS);
	for (int i = 0; i < 10; i++)
		assert_int_equal(kf_budget_judge(&j, 0, BUDGET + 1), KF_SHED_SYSCALLS);
}

/* Interrupts were not to blame: only the level that came back last is. */
static void penalties_are_of_one_level(void **state)
{
	struct kf_budget_judge j = new_judge();

	assert_levels(&j, BUDGET + 1, "0112");
	assert_levels(&j, 0, "221110");	     /* all back */
	assert_levels(&j, BUDGET + 1, "01"); /* syscalls again */
	assert_levels(&j, 0, "1111111111");
	assert_int_equal(looks_until_change(&j, 0), 50);
}

static void what_is_refused_stays(void **state)
{
	struct kf_budget_judge j = new_judge();

	assert_levels(&j, BUDGET + 1, "01");
	assert_levels(&j, 0, "110");
	kf_budget_judge_refused(&j, KF_SHED_SYSCALLS);
	assert_int_equal(looks_until_change(&j, 0), 8640);
}

static void parses(void **state)
{
	static const struct {
		const char *text;
		uint32_t ppm;
	} good[] = { { "2%", 20000 },  { "0.5%", 5000 }, { "0%", KF_BUDGET_NONE }, { "100%", 1000000 },
		     { "0.0001%", 1 }, { ".5%", 5000 },	 { "off", KF_BUDGET_OFF }, { "1.25%", 12500 } };
	static const char *const bad[] = { "",	   "2",	   "%",	  "-1%", "2 %",	   "101%",     "1e1%", "0x1%",
					   "nan%", "inf%", "2%%", ".%",	 "1.2.3%", "0.00001%", " 2%",  "2%x" };
	struct kf_error e;
	uint32_t ppm;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (kf_budget_parse(good[i].text, &ppm, &e))
			fail_msg("'%s': %s", good[i].text, e.message);
		assert_int_equal(ppm, good[i].ppm);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!kf_budget_parse(bad[i], &ppm, &e))
			fail_msg("'%s' is taken for %u", bad[i], ppm);
		assert_int_equal(e.status, KF_USAGE);
		if (!strstr(e.message, "bad budget"))
			fail_msg("'%s': %s", bad[i], e.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_budget_nothing_happens),
		cmocka_unit_test(one_dear_look_is_not_enough),
		cmocka_unit_test(sheds_in_order_and_no_further),
		cmocka_unit_test(leaves_out_what_is_not_recorded),
		cmocka_unit_test(no_budget_sheds_nothing),
		cmocka_unit_test(comes_back_step_by_step_with_a_margin),
		cmocka_unit_test(failures_wait_longer_and_longer),
		cmocka_unit_test(a_level_that_was_fine_starts_afresh),
		cmocka_unit_test(own_cost_alone_sheds_nothing),
		cmocka_unit_test(penalties_are_of_one_level),
		cmocka_unit_test(what_is_refused_stays),
		cmocka_unit_test(parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
