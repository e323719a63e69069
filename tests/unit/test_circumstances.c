/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/circumstances.h"
#include "output/circumstances_json.h"
#include "output/line.h"
#include "snapshot/snapshot.h"

#define SEC(n) ((n)*1000000000ull)

static struct kf_snapshot *s;

/* Recording since 10 s, the snapshot before at 90 s, this trigger at 100 s. */
static int set_up(void **state)
{
	s = kf_snapshot_new(1);
	if (!s)
		return -1;
	s->started_ns = SEC(10);
	s->suppressed_since_ns = SEC(90);
	s->trigger.kind = KF_TRIGGER_RUNQ;
	s->trigger.ts_ns = SEC(100);
	s->trigger.threshold_ns = 5000000;
	s->floor_ns = SEC(91);
	s->end_ns = SEC(101);
	return 0;
}

static int tear_down(void **state)
{
	kf_snapshot_free(&s);
	return 0;
}

static void add_rule(const char *name, const char *text, struct kf_rule_counts recent)
{
	assert_int_equal(kf_snapshot_add_rule(s, name, text, &recent, &recent), 0);
	s->trigger.rule = (uint16_t)s->n_rules;
}

static void says(size_t (*what)(const struct kf_snapshot *, char *, size_t), const char *want)
{
	char text[KF_CIRCUMSTANCE_BYTES];

	assert_int_equal(what(s, text, sizeof(text)), strlen(want));
	assert_string_equal(text, want);
}

static void quiet_without_anything_to_say(void **state)
{
	says(kf_rule_text, "");
	says(kf_suppressed_text, "");
	says(kf_cost_text, "");
	says(kf_given_up_text, "");
	assert_true(kf_window_was_full(s));
	add_rule("runq-5ms", "runq > 5ms", (struct kf_rule_counts){ .hits = 3 });
	says(kf_rule_text, "");
	says(kf_suppressed_text, "");
}

static void a_rule_tells_what_the_label_does_not(void **state)
{
	add_rule("runq-5ms-nginx", "runq>5ms{comm=nginx*\x1b}", (struct kf_rule_counts){ 0 });
	says(kf_rule_text, "fired by rule runq-5ms-nginx: runq>5ms{comm=nginx*\\x1b}");
	add_rule("runq-5ms", "runq>5", (struct kf_rule_counts){ 0 });
	says(kf_rule_text, "fired by rule runq-5ms: runq>5");
	s->trigger.rule = 9;
	says(kf_rule_text, "");
}

static void suppressed_ones_are_counted_by_reason(void **state)
{
	add_rule("a", "runq>5ms", (struct kf_rule_counts){ .hits = 1, .cooling = 20, .busy = 5 });
	add_rule("b", "futex>5ms", (struct kf_rule_counts){ .cooling = 10, .sampled = 2 });
	says(kf_suppressed_text, "37 more in the last 10.0 s were suppressed: 30 cooling down, 5 busy, 2 sampled out");
	s->rules[1].recent.limited = 1000;
	says(kf_suppressed_text, "1,037 more in the last 10.0 s were suppressed: 30 cooling down, 5 busy, 2 sampled "
				 "out, 1,000 over the limit");
	s->suppressed_since_ns = s->started_ns;
	s->rules[0].recent = s->rules[1].recent = (struct kf_rule_counts){ 0 };
	s->rules[0].recent.busy = 1;
	says(kf_suppressed_text, "1 more since recording started was suppressed: 1 busy");
	/* Times and sums that only a broken file has. */
	s->suppressed_since_ns = UINT64_MAX;
	s->rules[1].recent.busy = s->rules[1].recent.cooling = UINT64_MAX;
	says(kf_suppressed_text, "18,446,744,073,709,551,615 more since recording started were suppressed: "
				 "18,446,744,073,709,551,615 cooling down, 18,446,744,073,709,551,615 busy");
}

static void a_window_that_was_not_full_is_known(void **state)
{
	s->window_ns = SEC(10);
	s->after_ns = SEC(1);
	assert_true(kf_window_was_full(s));
	s->started_ns = SEC(91);
	assert_true(kf_window_was_full(s));
	s->started_ns = SEC(98);
	assert_false(kf_window_was_full(s));
	assert_int_equal(kf_recorded_before_ns(s), SEC(2));
	s->started_ns = SEC(200);
	assert_int_equal(kf_recorded_before_ns(s), 0);
	s->window_ns = 0;
	assert_true(kf_window_was_full(s));
}

static void cost_is_told_against_the_budget(void **state)
{
	s->cost_ppm = 4200;
	says(kf_cost_text, "recording cost 0.42 % of this host's CPU time");
	s->budget_ppm = 20000;
	says(kf_cost_text, "recording cost 0.42 % of this host's CPU time (budget 2 %)");
	s->cost_ppm = 0;
	s->budget_ppm = 15000;
	says(kf_cost_text, "recording cost 0 % of this host's CPU time (budget 1.5 %)");
}

static void shed(uint64_t at_s, unsigned int before, unsigned int after)
{
	s->sheds = reallocarray(s->sheds, s->n_sheds + 1, sizeof(*s->sheds));
	assert_non_null(s->sheds);
	s->sheds[s->n_sheds++] = (struct kf_shed){ SEC(at_s), 21000, (uint16_t)before, (uint16_t)after };
}

static void what_was_given_up_is_told_with_its_times(void **state)
{
	char text[KF_CIRCUMSTANCE_BYTES];

	shed(20, KF_SHED_NOTHING, KF_SHED_SYSCALLS);
	shed(80, KF_SHED_SYSCALLS, KF_SHED_NOTHING); /* all of it before the window */
	says(kf_given_up_text, "");
	kf_shed_text(s, &s->sheds[0], text, sizeof(text));
	assert_string_equal(text, "80.0 s before the trigger: syscalls given up, recording cost 2.1 %");
	kf_shed_text(s, &s->sheds[1], text, sizeof(text));
	assert_string_equal(text, "20.0 s before the trigger: syscalls recorded again, recording cost 2.1 %");
	shed(85, KF_SHED_NOTHING, KF_SHED_SYSCALLS);
	says(kf_given_up_text, "syscalls given up to stay within the budget, from 15.0 s before the trigger on");
	shed(96, KF_SHED_SYSCALLS, KF_SHED_INTERRUPTS);
	s->budget_ppm = 20000;
	says(kf_given_up_text, "syscalls and interrupts given up to stay within the budget of 2 %, from 15.0 s before "
			       "the trigger on");
	shed(98, KF_SHED_INTERRUPTS, KF_SHED_NOTHING);
	says(kf_given_up_text, "syscalls and interrupts given up to stay within the budget of 2 %, from 15.0 s before "
			       "the trigger to 2.00 s before the trigger");
	shed(200, KF_SHED_NOTHING, KF_SHED_SYSCALLS); /* after it */
	says(kf_given_up_text, "syscalls and interrupts given up to stay within the budget of 2 %, from 15.0 s before "
			       "the trigger to 2.00 s before the trigger");
}

static void unknown_levels_are_told_as_such(void **state)
{
	char text[KF_CIRCUMSTANCE_BYTES];

	shed(95, 77, 78);
	kf_shed_text(s, &s->sheds[0], text, sizeof(text));
	assert_non_null(strstr(text, "something this version does not know given up"));
	says(kf_given_up_text,
	     "syscalls and interrupts given up to stay within the budget, from 5.00 s before the trigger on");
}

static void json_says_the_same(void **state)
{
	json_t *o = kf_fired_json(s);

	assert_true(json_is_null(o));
	json_decref(o);
	o = kf_requester_json(s);
	assert_true(json_is_null(o));
	json_decref(o);
	add_rule("slow\x1b", "runq>5ms", (struct kf_rule_counts){ 1, 2, 3, 4, 5 });
	kf_snapshot_set(&s->trace_id, "4bf9");
	o = kf_requester_json(s);
	assert_true(json_is_null(json_object_get(o, "pid")));
	assert_string_equal(json_string_value(json_object_get(o, "trace_id")), "4bf9");
	json_decref(o);
	o = kf_rules_json(s);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(o, 0), "fired")), 15);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(o, 0), "limited")), 5);
	assert_string_equal(json_string_value(json_object_get(json_array_get(o, 0), "name")), "slow\\x1b");
	json_decref(o);
	o = kf_suppressed_json(s);
	assert_int_equal(json_integer_value(json_object_get(o, "total")), 14);
	json_decref(o);
	shed(95, 0, 1);
	o = kf_recorder_json(s);
	assert_true(json_is_null(json_object_get(o, "cost_ppm")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(o, "sheds"), 0), "after")),
			    "syscalls");
	json_decref(o);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(quiet_without_anything_to_say),	     TEST(a_rule_tells_what_the_label_does_not),
		TEST(suppressed_ones_are_counted_by_reason), TEST(a_window_that_was_not_full_is_known),
		TEST(cost_is_told_against_the_budget),	     TEST(what_was_given_up_is_told_with_its_times),
		TEST(unknown_levels_are_told_as_such),	     TEST(json_says_the_same),
	};

	return cmocka_run_group_tests_name("circumstances", tests, NULL, NULL);
}
