/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "output/info.h"
#include "snapshot/snapshot.h"
#include "written.h"

#define MS 1000000ull

/* 12 ms of window, seen at 2026-11-21T08:15:02 UTC. */
static struct kf_snapshot *example(void)
{
	struct kf_snapshot *s = kf_snapshot_new(4);

	assert_non_null(s);
	s->mono_ns = 500 * MS;
	s->real_ns = 1795248902ull * 1000 * MS;
	s->floor_ns = 490 * MS;
	s->end_ns = 502 * MS;
	s->window_ns = 10000 * MS;
	s->trigger = (struct kf_trigger){ .ts_ns = 500 * MS,
					  .since_ns = 488600000,
					  .kind = KF_TRIGGER_RUNQ,
					  .tid = 2145,
					  .tgid = 2144,
					  .cpu = 3,
					  .threshold_ns = 5 * MS,
					  .comm = "worker\x1b",
					  .process_comm = "nginx" };
	s->rings[KF_CLASS_SCHED][2].written = 10;
	s->rings[KF_CLASS_SCHED][2].torn = 1;
	s->tasks = calloc(1, sizeof(*s->tasks));
	assert_non_null(s->tasks);
	s->n_tasks = 1;
	s->tasks[0] = (struct kf_task){ .tid = 77, .comm = "\xff" };
	return s;
}

static void headline_is(const struct kf_snapshot *s, const char *want)
{
	char line[KF_INFO_HEADLINE_BYTES];

	kf_info_headline(s, line, sizeof(line));
	assert_string_equal(line, want);
}

static void headline_tells_what_when_and_how_much(void **state)
{
	struct kf_snapshot *s = example();

	headline_is(s, "runq > 5 ms: worker\\x1b/2145 of nginx/2144 waited 11.4 ms to run on CPU 3 at "
		       "2026-11-21T08:15:02.000000Z; window of 12.0 ms held");
	s->trigger.kind = KF_TRIGGER_FUTEX;
	s->trigger.tid = 2144;
	s->trigger.arg0 = 0x7f1200c4;
	s->trigger.flags = KF_TRIGGER_OPEN;
	s->trigger.threshold_ns = 1500000;
	headline_is(s, "futex > 1500 us: worker\\x1b/2144 was waiting for 11.4 ms in futex 0x7f1200c4 at "
		       "2026-11-21T08:15:02.000000Z; window of 12.0 ms held");
	s->trigger.kind = KF_TRIGGER_REQUEST;
	headline_is(s, "requested at 2026-11-21T08:15:02.000000Z; window of 12.0 ms held");
	kf_snapshot_set(&s->reason, "checkout\nslow");
	headline_is(s, "requested (\"checkout\\x0aslow\") at 2026-11-21T08:15:02.000000Z; window of 12.0 ms held");
	s->trigger = (struct kf_trigger){ .kind = KF_TRIGGER_NONE };
	headline_is(s, "no trigger at 2026-11-21T08:15:02.002000Z; window of 12.0 ms held");
	kf_snapshot_free(&s);
}

static void odd_numbers_are_told_as_such(void **state)
{
	struct kf_snapshot *s = example();

	s->trigger.kind = 4711;
	s->trigger.since_ns = UINT64_MAX;
	s->trigger.tid = 2144;
	s->trigger.threshold_ns = 0;
	headline_is(s, "unknown: worker\\x1b/2144 waited an unknown time at 2026-11-21T08:15:02.000000Z; "
		       "window of 12.0 ms held");
	kf_snapshot_free(&s);
}

static char *printed(const struct kf_snapshot *s, bool as_json, bool tasks)
{
	struct kf_info_options o = { .path = "x\x01.kfl", .file_bytes = 2048, .tasks = tasks };

	return WRITTEN(out, e, as_json ? kf_info_json(s, &o, out, &e) : kf_info_text(s, &o, out, &e), NULL);
}

static void text_has_rings_and_silent_cpus(void **state)
{
	static const char *const expected[] = {
		"x\\x01.kfl\n",
		"2.00 KiB\n",
		"held        12.0 ms of 10.0 s asked for\n",
		"3 of 4 possible CPUs wrote nothing\n",
		"causes      irq, prio\n",
		"interrupt   ",
		"1 seen by the scan after the copy; which CPUs they may use is not known\n",
		"  0 cgroups\n",
		"\\xff\n"
	};
	struct kf_snapshot *s = example();
	char *text;

	s->sources = KF_SOURCE_IRQ | KF_SOURCE_PRIO;
	s->rings[KF_CLASS_TAKEN][2].written = 1;
	text = printed(s, false, true);

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (!strstr(text, expected[i]))
			fail_msg("'%s' is missing in:\n%s", expected[i], text);
	free(text);
	kf_snapshot_free(&s);
}

static void json_says_the_same(void **state)
{
	struct kf_snapshot *s = example();
	char *text = printed(s, true, false);
	json_t *all = json_loads(text, 0, NULL), *ring;

	assert_non_null(all);
	assert_string_equal(json_string_value(json_object_get(json_object_get(all, "trigger"), "kind")), "runq");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "window"), "held_ns")), 12 * MS);
	assert_int_equal(json_array_size(json_object_get(all, "rings")), 1);
	ring = json_array_get(json_object_get(all, "rings"), 0);
	assert_int_equal(json_integer_value(json_object_get(ring, "cpu")), 2);
	assert_int_equal(json_integer_value(json_object_get(ring, "torn")), 1);
	assert_int_equal(json_array_size(json_object_get(all, "causes")), 0);
	assert_true(json_is_false(json_object_get(json_object_get(all, "knows"), "affinity")));
	assert_null(json_object_get(all, "tasks"));
	json_decref(all);
	free(text);
	s->sources = KF_SOURCE_STEAL;
	s->tasks[0].allowed[KF_ALLOWED_WORDS - 1] = 1;
	text = printed(s, true, true);
	all = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_array_get(json_object_get(all, "causes"), 0)), "steal");
	assert_true(json_is_true(json_object_get(json_object_get(all, "knows"), "steal")));
	assert_true(json_is_true(json_object_get(json_object_get(all, "knows"), "affinity")));
	assert_true(json_is_false(json_object_get(json_object_get(all, "knows"), "quotas")));
	assert_int_equal(json_integer_value(json_object_get(all, "n_cgroups")), 0);
	assert_int_equal(json_array_size(json_object_get(all, "tasks")), 1);
	json_decref(all);
	free(text);
	kf_snapshot_free(&s);
}

/* Rules, a requester, a young recording, a budget. */
static void what_the_recorder_did_is_told(void **state)
{
	static const char *const expected[] = {
		"rule        slow\\x1b: runq>5ms{pid=7}\n",
		"asked for   by app\\x1b/7 (uid 1000) for trace 4bf9\n",
		"not full    recording had run for only 100 ms when it fired\n",
		"\n  rule         fired  snapshots",
		"\n  slow\\x1b         7          2             3           0            1           1                 "
		" 4\n",
		"\n  (requested)      9          9             0           0            0           0                  "
		"0\n",
		"\n  4 more since recording started were suppressed: 3 cooling down, 1 over the limit\n",
		"\nrecorder\n  recording cost 0.5 % of this host's CPU time (budget 2 %)\n  3 snapshots written "
		"before this "
		"one\n  100 ms before the trigger: syscalls given up, recording cost 2.1 %\n",
		"8 records refused because their process had its share\n",
	};
	const struct kf_rule_counts counts = { 2, 3, 0, 1, 1 }, recent = { .cooling = 3, .limited = 1 };
	struct kf_snapshot *s = example();
	char *text, *json;
	json_t *all;

	assert_int_equal(kf_snapshot_add_rule(s, "slow\x1b", "runq>5ms{pid=7}", &counts, &recent), 0);
	s->trigger.rule = 1;
	s->counts[KF_TRIGGER_REQUEST].hits = 9;
	s->requester = (struct kf_requester){ .pid = 7, .uid = 1000, .comm = "app\x1b" };
	kf_snapshot_set(&s->trace_id, "4bf9");
	s->started_ns = s->suppressed_since_ns = 400 * MS;
	s->cost_ppm = 5000;
	s->budget_ppm = 20000;
	s->snapshots_before = 3;
	s->losses.flooded = 8;
	s->sheds = calloc(1, sizeof(*s->sheds));
	s->sheds[s->n_sheds++] = (struct kf_shed){ 400 * MS, 21000, KF_SHED_NOTHING, KF_SHED_SYSCALLS };
	text = printed(s, false, false);
	json = printed(s, true, false);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (!strstr(text, expected[i]))
			fail_msg("'%s' is missing in:\n%s", expected[i], text);
	all = json_loads(json, 0, NULL);
	assert_non_null(all);
	assert_int_equal(json_array_size(json_object_get(all, "rules")), 1);
	assert_true(json_is_false(json_object_get(json_object_get(all, "window"), "was_full")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "losses"), "flooded")), 8);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(json_object_get(all, "trigger"), "requester"), "comm")),
			    "app\\x1b");
	json_decref(all);
	free(json);
	free(text);
	kf_snapshot_free(&s);
}

static void headline_tells_rule_and_requester(void **state)
{
	const struct kf_rule_counts none = { 0 };
	struct kf_snapshot *s = example();

	assert_int_equal(kf_snapshot_add_rule(s, "slow", "runq>5ms", &none, &none), 0);
	s->trigger.rule = 1;
	headline_is(s, "slow (runq > 5 ms): worker\\x1b/2145 of nginx/2144 waited 11.4 ms to run on CPU 3 at "
		       "2026-11-21T08:15:02.000000Z; window of 12.0 ms held");
	s->trigger.kind = KF_TRIGGER_THROTTLED;
	headline_is(s, "slow (throttled > 5 ms): worker\\x1b/2145 of nginx/2144 waited 11.4 ms to run, 5.00 ms or more "
		       "of that for "
		       "the quota of its cgroup at 2026-11-21T08:15:02.000000Z; window of 12.0 ms held");
	s->trigger.kind = KF_TRIGGER_AGGREGATE;
	kf_snapshot_set(&s->reason, "7 of 9\x1b");
	headline_is(s, "slow (runq>5ms): 7 of 9\\x1b at 2026-11-21T08:15:02.000000Z; window of 12.0 ms held");
	s->trigger.kind = KF_TRIGGER_REQUEST;
	s->requester = (struct kf_requester){ .pid = 7, .uid = 1000, .comm = "app" };
	headline_is(s,
		    "requested by app/7 (uid 1000) (\"7 of 9\\x1b\") at 2026-11-21T08:15:02.000000Z; window of 12.0 ms "
		    "held");
	kf_snapshot_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headline_tells_what_when_and_how_much),
		cmocka_unit_test(headline_tells_rule_and_requester),
		cmocka_unit_test(what_the_recorder_did_is_told),
		cmocka_unit_test(odd_numbers_are_told_as_such),
		cmocka_unit_test(text_has_rings_and_silent_cpus),
		cmocka_unit_test(json_says_the_same),
	};

	return cmocka_run_group_tests_name("info", tests, NULL, NULL);
}
