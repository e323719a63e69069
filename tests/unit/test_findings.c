/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings as the report prints them, for people and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "expect_text.h"
#include "hand_report.h"
#include "output/report.h"
#include "rules/finding.h"

static void findings_come_with_advice_before_the_gaps(void **state)
{
	char *text = printed(kf_report_text);

	expect(text,
	       "\nFindings (3 errors, 1 warning)\n  ERROR  Preempted: nginx/2144 was preempted and has waited 71.0 ms");
	expect(text, "\n         try: give hog/900 less");
	expect(text, "\n  WARN   RunQueueLatency: cron/77 waited 5.00 ms");
	assert_true(strstr(text, "\nFindings") < strstr(text, "\nWorst gaps"));
	/* The same wait is told once, by the rule that is nearer to the cause. */
	expect_not(text, "RunQueueLatency: nginx/2144 was preempted");
	expect(text, "\n  and 1 more: RunQueueLatency (--json tells them)\n");
	free(text);
}

/* An ERROR is not hidden by a WARN about the same wait. */
static void the_worse_of_two_is_told(void **state)
{
	const struct kf_rule_threshold threshold = { .rule = kf_rule_find("Preempted"),
						     .warn = MS(10),
						     .error = MS(80) };
	char *text;

	options.rules = (struct kf_rule_options){ .thresholds = &threshold, .n_thresholds = 1 };
	text = printed(kf_report_text);
	expect(text, "\n  ERROR  RunQueueLatency: nginx/2144 was preempted and has waited 71.0 ms");
	expect_not(text, "Preempted:");
	free(text);
}

static void those_of_the_triggering_process_come_first(void **state)
{
	char *text;

	s->trigger = (struct kf_trigger){ .kind = KF_TRIGGER_RUNQ, .tid = 77, .tgid = 77, .ts_ns = MS(17) };
	strcpy(s->trigger.process_comm, "cron");
	text = printed(kf_report_text);
	expect(text, "\nFindings (3 errors, 1 warning)\n  WARN   RunQueueLatency: cron/77 waited 5.00 ms");
	free(text);
}

static void alike_ones_have_a_count(void **state)
{
	char *text;

	h.threads[HAND_REDIS] = h.threads[HAND_HOG];
	h.gaps[HAND_GAP_OPEN].cause = KF_CAUSE_WOKEN;
	text = printed(kf_report_text);
	expect(text, "\n  ERROR  RunQueueLatency, 2 times, 82.0 ms in all: nginx/2144 has waited 71.0 ms");
	free(text);
}

static void nothing_found_says_so(void **state)
{
	char *text;

	options.comm = "hog";
	text = printed(kf_report_text);
	expect(text, "\nFindings: none\n");
	free(text);
	options.no_findings = true;
	text = printed(kf_report_text);
	expect_not(text, "Findings");
	free(text);
}

static void thresholds_reach_the_rules(void **state)
{
	const struct kf_rule *off[] = { kf_rule_find("Preempted") };
	const struct kf_rule_threshold threshold = { .rule = kf_rule_find("RunQueueLatency"), .warn = MS(72) };
	char *text;

	options.rules = (struct kf_rule_options){ .thresholds = &threshold, .n_thresholds = 1, .off = off, .n_off = 1 };
	text = printed(kf_report_text);
	expect(text, "\nFindings: none\n");
	free(text);
}

static void json_has_all_keys_in_order(void **state)
{
	static const char *const keys[] = { "severity",	    "rule",	   "message", "detail",	  "suggestion",
					    "timestamp_ns", "stack",	   "tid",     "tgid",	  "comm",
					    "process",	    "cpu",	   "count",   "worst_ns", "total_ns",
					    "culprit_tid",  "culprit_comm" };
	char *text;
	json_t *o, *finding;
	size_t i = 0;
	const char *key;
	json_t *value;

	hand_name(&h.threads[HAND_HOG], 900, "\xff</script>");
	text = printed(kf_report_json);
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	assert_int_equal(json_array_size(json_object_get(o, "findings")), 4);
	finding = json_array_get(json_object_get(o, "findings"), 0);
	json_object_foreach(finding, key, value) assert_string_equal(key, keys[i++]);
	assert_int_equal(i, sizeof(keys) / sizeof(keys[0]));
	assert_string_equal(json_string_value(json_object_get(finding, "severity")), "ERROR");
	assert_string_equal(json_string_value(json_object_get(finding, "rule")), "Preempted");
	assert_int_equal(json_integer_value(json_object_get(finding, "timestamp_ns")), MS(30));
	assert_int_equal(json_integer_value(json_object_get(finding, "worst_ns")), MS(71));
	assert_int_equal(json_integer_value(json_object_get(finding, "tid")), 2144);
	assert_int_equal(json_integer_value(json_object_get(finding, "culprit_tid")), 900);
	assert_string_equal(json_string_value(json_object_get(finding, "culprit_comm")), "\\xff</script>");
	assert_int_equal(json_array_size(json_object_get(finding, "stack")), 0);
	json_decref(o);
	free(text);
}

static void json_is_cut_per_rule(void **state)
{
	char *text;
	json_t *o;

	options.top = 1;
	text = printed(kf_report_json);
	o = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(o, "findings")), 2);
	json_decref(o);
	free(text);
}

/* The stack is what the thread was doing when the gap began. */
static void the_stack_is_the_syscall(void **state)
{
	char *text;
	json_t *o;

	h.moves[0] = (struct kf_transition){
		.ts_ns = MS(30),
		.thread = HAND_NGINX,
		.other = KF_NOBODY,
		.kind = KF_MOVE_STOP,
		.wait = { .nr = (uint16_t)kf_syscall_number("fsync"), .arg0 = 3, .in_syscall = true }
	};
	h.timeline.n_moves = 1;
	text = printed(kf_report_json);
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(json_array_get(json_object_get(o, "findings"), 0), "stack"), 0)),
			    "fsync(3)");
	json_decref(o);
	free(text);
}

/* Pages of the manual, looked for from the root of the source. */
static void every_rule_has_a_page(void **state)
{
	char path[128];

	if (access("docs/rules/README.md", R_OK))
		skip();
	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++) {
		snprintf(path, sizeof(path), "docs/rules/%s.md", kf_rule_name(*rule));
		if (access(path, R_OK))
			fail_msg("no %s", path);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, report_setup, hand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(findings_come_with_advice_before_the_gaps),
		TEST(the_worse_of_two_is_told),
		TEST(those_of_the_triggering_process_come_first),
		TEST(alike_ones_have_a_count),
		TEST(nothing_found_says_so),
		TEST(thresholds_reach_the_rules),
		TEST(json_has_all_keys_in_order),
		TEST(json_is_cut_per_rule),
		TEST(the_stack_is_the_syscall),
		TEST(every_rule_has_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
