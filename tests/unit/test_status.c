/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "status_example.h"

static json_t *json_of(const struct kf_daemon_status *s)
{
	json_t *json = kf_status_json(s);

	assert_non_null(json);
	return json;
}

/* "cost.cost_ppm", "triggers.0.name" */
static const json_t *at(const json_t *o, const char *path)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strtok_r(copy, ".", &save); key; key = strtok_r(NULL, ".", &save))
		o = json_is_array(o) ? json_array_get(o, strtoul(key, NULL, 10)) : json_object_get(o, key);
	if (!o)
		fail_msg("no '%s'", path);
	return o;
}

static void number_is(const json_t *o, const char *path, json_int_t want)
{
	if (!json_is_integer(at(o, path)) || json_integer_value(at(o, path)) != want)
		fail_msg("%s: %lld, not %lld", path, (long long)json_integer_value(at(o, path)), (long long)want);
}

static void text_is(const json_t *o, const char *path, const char *want)
{
	assert_true(json_is_string(at(o, path)));
	assert_string_equal(json_string_value(at(o, path)), want);
}

static void json_has_every_number(void **state)
{
	static const struct {
		const char *path;
		json_int_t want;
	} numbers[] = {
		{ "pid", 812 },
		{ "uptime_ns", 65 * S },
		{ "window.wished_ns", 10 * S },
		{ "window.held_ns", 9500 * MS },
		{ "window.ring_bytes", 64 << 20 },
		{ "window.cpus.1.cpu", 2 },
		{ "window.cpus.1.dropped", 7 },
		{ "records.slots", 1000 },
		{ "records.by_class.taken", 40 },
		{ "records.lost.flood", 2 },
		{ "records.lost.unfollowed", 3 },
		{ "triggers.0.fired", 15 },
		{ "triggers.0.hits", 3 },
		{ "triggers.0.suppressed", 12 },
		{ "triggers.0.limited", 4 },
		{ "snapshots.written", 3 },
		{ "snapshots.failed", 1 },
		{ "snapshots.suppressed", 12 },
		{ "retention.kept", 6 },
		{ "retention.kept_bytes", 8192 },
		{ "retention.removed_bytes", 2048 },
		{ "left_out", 4 },
		{ "hooks.timed_out", 1 },
		{ "conversions.failed", 8 },
		{ "requests.limited", 13 },
		{ "self.cpu_ns", 1250 * MS },
		{ "self.resident_bytes", 13 << 20 },
		{ "cost.cost_ppm", 3100 },
		{ "cost.budget_ppm", 20000 },
		{ "cost.sheds", 2 },
		{ "hold_latency.3.below_ns", 8000 },
		{ "hold_latency.3.count", 98 },
		{ "hold_latency.15.count", 1 },
		{ "waits.runq.count", 100 },
		{ "waits.runq.ns", 1500000001 },
		{ "waits.runq.p50_below_ns", 1000 },
		{ "waits.runq.p99_below_ns", 1024000 },
		{ "waits.futex.count", 0 },
	};
	struct kf_daemon_status s = example();
	json_t *json = json_of(&s);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		number_is(json, numbers[i].path, numbers[i].want);
	assert_int_equal(json_array_size(at(json, "window.cpus")), 2); /* CPU 1 wrote nothing */
	json_decref(json);
}

static void json_has_texts_and_times(void **state)
{
	struct kf_daemon_status s = example();
	json_t *json = json_of(&s);

	text_is(json, "host", "web\\x1b-1");
	text_is(json, "state", "recording");
	text_is(json, "started", "2026-11-21T08:13:57.000000Z");
	text_is(json, "triggers.0.last_hit", "2026-11-21T08:14:57.000000Z");
	text_is(json, "snapshots.last", "/var/lib/kflight/a.kfl");
	text_is(json, "cost.shed", "syscalls");
	assert_true(json_is_null(at(json, "triggers.1.last_hit")));
	assert_true(json_is_false(at(json, "triggers.1.enabled")));
	assert_true(json_is_false(at(json, "window.full")));
	json_decref(json);
}

static void what_is_not_known_is_null(void **state)
{
	struct kf_daemon_status s = example();
	json_t *json;

	s.cost_ppm = UINT32_MAX;
	s.budget_ppm = 0;
	s.last_snapshot = NULL;
	s.kept_known = false;
	s.waits[KF_WAITS_RUNQ].buckets[KF_WAITS_BUCKETS - 1] = 1000; /* longer than the longest bucket */
	json = json_of(&s);
	assert_true(json_is_null(at(json, "cost.cost_ppm")));
	assert_true(json_is_null(at(json, "cost.budget_ppm")));
	assert_true(json_is_null(at(json, "snapshots.last")));
	assert_true(json_is_null(at(json, "retention.kept")));
	assert_true(json_is_null(at(json, "records.rates")));
	assert_true(json_is_null(at(json, "hold_latency.15.below_ns")));
	assert_true(json_is_null(at(json, "waits.runq.p50_below_ns")));
	assert_true(json_is_null(at(json, "waits.futex.p99_below_ns")));
	assert_null(json_object_get(at(json, "waits"), "block"));
	json_decref(json);
}

static void rates_are_those_since_a_look_a_second_ago(void **state)
{
	struct kf_daemon_status s = example();
	struct kf_status_seen seen = { 0 };

	kf_status_look(&seen, &s);
	assert_int_equal(s.rates.over_ns, 0);
	s.now_ns += 500 * MS;
	s.slots += 1000;
	kf_status_look(&seen, &s); /* too soon */
	assert_int_equal(s.rates.over_ns, 0);
	s.now_ns += 1500 * MS;
	s.lost[KF_LOSS_FLOOD] += 3;
	s.rules[1].counts.cooling += 5;
	kf_status_look(&seen, &s);
	assert_int_equal(s.rates.over_ns, 2 * S);
	assert_true(s.rates.slots_per_s == 500);
	assert_true(s.rates.lost_per_s == 1.5);
	assert_true(s.rates.fired_per_s == 2.5);
	s.now_ns += 1;
	s.rates = (struct kf_status_rates){ 0 };
	kf_status_look(&seen, &s); /* somebody else: what the one before was told */
	assert_int_equal(s.rates.over_ns, 2 * S);
}

static void takes_of_itself(void **state)
{
	struct kf_daemon_status s = { .version = "" };

	kf_status_take_self(&s);
	assert_true(s.pid > 0);
	assert_true(s.now_ns > 0);
	assert_true(s.real_ns > 1600000000ull * S);
	assert_true(s.own_cpu_ns > 0);
	assert_in_range(s.resident_bytes, 100 << 10, 1u << 30);
}

static char *text_of(const json_t *json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	kf_status_text(json, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void people_get_a_page(void **state)
{
	static const char want[] =
		"kflight 1.2.3 on web\\x5cx1b-1, pid 812: recording for 65.0 s, since 2026-11-21T08:13:57.000000Z\n"
		"  filter       pid 2144\n"
		"  window       9.50 s held of 10.0 s wished, not yet full, shortest on CPU 2; rings of 64.0 MiB\n"
		"  records      1000 slots (2.5 k/s in the last 2.00 s), lost 18 (held 7, flood 2, bad_wait 1, "
		"unwatched 5, unfollowed 3)\n"
		"  trigger      runq-5ms: runq>5ms{comm=\"ng*\"}\n"
		"               fired 15 times: 3 hits, 12 suppressed (cooling 5, busy 1, sampled 2, limited 4); "
		"last hit 2026-11-21T08:14:57.000000Z\n"
		"  trigger      storm: rate(runq>1ms)>100/s (disabled)\n"
		"               fired 0 times: 0 hits, 0 suppressed\n"
		"  snapshots    3 written (4.00 KiB), 1 failed; 6 kept (8.00 KiB), 2 removed (2.00 KiB)\n"
		"  last         /var/lib/kflight/a.kfl\n"
		"  hooks        3 went well, 2 failed (1 timed out)\n"
		"  conversions  9 went well, 8 failed (7 timed out)\n"
		"  left out     4 snapshots not shipped: too many waited\n"
		"  cost         0.31 % of the host's CPU time, budget 2.00 %, shed: syscalls (2 sheds, 1 restores); "
		"the process itself: 1.25 s CPU, 13.0 MiB resident\n"
		"  hold         99 % of 100 windows protected in less than 16.0 us\n"
		"  runq         100 waits, 1.50 s in all; half below 1.00 us, 99 % below 1.02 ms\n"
		"  futex        0 waits, 0 ns in all\n";
	struct kf_daemon_status s = example();
	char *text;
	json_t *json;

	s.rates = (struct kf_status_rates){ .over_ns = 2 * S, .slots_per_s = 2500 };
	json = json_of(&s);
	text = text_of(json);
	assert_string_equal(text, want);
	free(text);
	json_decref(json);
}

/* Another version's, or no status at all. */
static void any_json_makes_a_page(void **state)
{
	static const char *const odd[] = {
		"{}",
		"[]",
		"7",
		"{\"window\":7,\"records\":[1],\"triggers\":{\"a\":1},\"waits\":[],\"cost\":\"x\",\"hold_latency\":5}",
		("{\"triggers\":[1,null,{},{\"name\":7}],\"window\":{\"cpus\":[3,{}]},\"waits\":{\"\\u001b\":[]},"
		 "\"hold_latency\":[{\"count\":-1},{\"count\":9223372036854775807}],"
		 "\"records\":{\"lost\":{\"\\u001b\":1,\"x\":-5,\"y\":\"z\"},\"rates\":{\"over_ns\":1}}}"),
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		json_t *json = json_loads(odd[i], JSON_DECODE_ANY, NULL);
		char *text;

		assert_non_null(json);
		text = text_of(json);
		assert_non_null(strstr(text, "kflight"));
		assert_null(strchr(text, '\x1b'));
		free(text);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_every_number),
		cmocka_unit_test(json_has_texts_and_times),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(rates_are_those_since_a_look_a_second_ago),
		cmocka_unit_test(takes_of_itself),
		cmocka_unit_test(people_get_a_page),
		cmocka_unit_test(any_json_makes_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
