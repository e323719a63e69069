/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/metrics.h"
#include "status_example.h"

static char *metrics_of(const struct kf_daemon_status *s)
{
	size_t len = 0;
	char *text = kf_metrics_text(s, &len);

	assert_non_null(text);
	assert_int_equal(len, strlen(text));
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; at; at = strchr(at, '\n'), at += at != NULL)
		if (!strncmp(at, line, len) && at[len] == '\n')
			return true;
	return false;
}

static void expect_lines(const char *text, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!has_line(text, lines[i]))
			fail_msg("no line '%s' in:\n%s", lines[i], text);
}

static void every_number_is_there(void **state)
{
	static const char *const lines[] = {
		"kflight_build_info{version=\"1.2.3\"} 1",
		"process_start_time_seconds 1795248837",
		"process_cpu_seconds_total 1.25",
		"process_resident_memory_bytes 13631488",
		"kflight_ring_bytes 67108864",
		"kflight_window_seconds 9.5",
		"kflight_window_wished_seconds 10",
		"kflight_cpu_window_seconds{cpu=\"0\"} 12",
		"kflight_cpu_window_seconds{cpu=\"2\"} 9.5",
		"kflight_record_slots_total{class=\"sched\"} 600",
		"kflight_record_slots_total{class=\"taken\"} 40",
		"kflight_records_lost_total{reason=\"held\"} 7",
		"kflight_records_lost_total{reason=\"flood\"} 2",
		"kflight_records_lost_total{reason=\"bad_wait\"} 1",
		"kflight_filter_overflow_total{kind=\"unwatched\"} 5",
		"kflight_filter_overflow_total{kind=\"unfollowed\"} 3",
		"kflight_triggers_fired_total{rule=\"runq-5ms\",result=\"hit\"} 3",
		"kflight_triggers_fired_total{rule=\"runq-5ms\",result=\"cooling\"} 5",
		"kflight_triggers_fired_total{rule=\"runq-5ms\",result=\"busy\"} 1",
		"kflight_triggers_fired_total{rule=\"runq-5ms\",result=\"sampled\"} 2",
		"kflight_triggers_fired_total{rule=\"runq-5ms\",result=\"limited\"} 4",
		"kflight_trigger_enabled{rule=\"runq-5ms\"} 1",
		"kflight_trigger_enabled{rule=\"storm\"} 0",
		"kflight_snapshots_total{result=\"written\"} 3",
		"kflight_snapshots_total{result=\"failed\"} 1",
		"kflight_snapshot_written_bytes_total 4096",
		"kflight_retention_removed_total 2",
		"kflight_snapshots_kept 6",
		"kflight_snapshots_kept_bytes 8192",
		"kflight_hooks_total{result=\"ok\"} 3",
		"kflight_hooks_total{result=\"failed\"} 1",
		"kflight_hooks_total{result=\"timed_out\"} 1",
		"kflight_conversions_total{result=\"ok\"} 9",
		"kflight_hook_snapshots_left_out_total 4",
		"kflight_requests_total{result=\"ok\"} 11",
		"kflight_requests_total{result=\"failed\"} 16",
		"kflight_overhead_ratio 0.0031",
		"kflight_overhead_budget_ratio 0.02",
		"kflight_shed_level 1",
		"kflight_shed_changes_total{change=\"shed\"} 2",
		"kflight_shed_changes_total{change=\"restore\"} 1",
	};
	struct kf_daemon_status s = example();
	char *text = metrics_of(&s);

	expect_lines(text, lines, sizeof(lines) / sizeof(lines[0]));
	free(text);
}

static void histograms_are_cumulative_in_seconds(void **state)
{
	static const char *const lines[] = {
		"kflight_run_queue_wait_seconds_bucket{le=\"0.000001\"} 90",
		"kflight_run_queue_wait_seconds_bucket{le=\"0.000512\"} 90",
		"kflight_run_queue_wait_seconds_bucket{le=\"0.001024\"} 99",
		"kflight_run_queue_wait_seconds_bucket{le=\"16.777216\"} 99",
		"kflight_run_queue_wait_seconds_bucket{le=\"+Inf\"} 100",
		"kflight_run_queue_wait_seconds_sum 1.500000001",
		"kflight_run_queue_wait_seconds_count 100",
		"kflight_futex_wait_seconds_bucket{le=\"+Inf\"} 0",
		"kflight_hold_latency_seconds_bucket{le=\"0.000008\"} 98",
		"kflight_hold_latency_seconds_bucket{le=\"0.016384\"} 99",
		"kflight_hold_latency_seconds_count 100",
	};
	struct kf_daemon_status s = example();
	char *text = metrics_of(&s);

	expect_lines(text, lines, sizeof(lines) / sizeof(lines[0]));
	free(text);
}

/* A zero would be a lie. */
static void what_is_not_known_is_left_out(void **state)
{
	struct kf_daemon_status s = example();
	char *text;

	s.cost_ppm = UINT32_MAX;
	s.budget_ppm = UINT32_MAX - 1;
	s.n_rules = 0;
	s.kept_known = false;
	text = metrics_of(&s);
	assert_null(strstr(text, "kflight_blocked_seconds"));
	assert_null(strstr(text, "kflight_overhead"));
	assert_null(strstr(text, "kflight_trigger"));
	assert_null(strstr(text, "kept"));
	assert_non_null(strstr(text, "kflight_futex_wait_seconds"));
	free(text);
}

static void hosts_of_many_cpus_tell_the_shortest_window_only(void **state)
{
	struct kf_daemon_status s = example();
	char *text;

	s.n_cpus = KF_METRICS_MAX_CPUS + 1;
	s.cpus = calloc(s.n_cpus, sizeof(*s.cpus));
	assert_non_null(s.cpus);
	text = metrics_of(&s);
	assert_null(strstr(text, "kflight_cpu_window_seconds"));
	assert_non_null(strstr(text, "kflight_window_seconds 9.5\n"));
	free(text);
	free(s.cpus);
}

/* Each family: HELP, TYPE, then its samples, and never again. */
static void families_come_once_and_whole(void **state)
{
	struct kf_daemon_status s = example();
	char *text = metrics_of(&s), family[128] = "", name[128], seen[64][128];
	size_t n_seen = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "# HELP %127s", name) == 1) {
			for (size_t i = 0; i < n_seen; i++)
				assert_string_not_equal(seen[i], name);
			assert_true(n_seen < 64);
			strcpy(seen[n_seen++], name);
			strcpy(family, name);
		} else if (sscanf(line, "# TYPE %127s", name) == 1) {
			assert_string_equal(name, family);
		} else if (strncmp(line, family, strlen(family))) {
			fail_msg("'%s' is not of %s", line, family);
		}
	}
	assert_true(n_seen > 20);
	free(text);
}

static void labels_are_escaped(void **state)
{
	static const char *const lines[] = {
		"kflight_trigger_enabled{rule=\"a\\\"b\\\\x5cc\\\\x0a} 1\\\\xff\"} 0",
	};
	struct kf_daemon_status s = example();
	char *text;

	s.rules[1].name = "a\"b\\c\n} 1\xff";
	text = metrics_of(&s);
	expect_lines(text, lines, 1);
	free(text);
}

static void the_largest_numbers_are_told(void **state)
{
	static const char *const lines[] = {
		"kflight_snapshots_total{result=\"written\"} 18446744073709551615",
		"process_cpu_seconds_total 18446744073.709551615",
	};
	struct kf_daemon_status s = example();
	char *text;

	s.snapshots_written = s.own_cpu_ns = UINT64_MAX;
	text = metrics_of(&s);
	expect_lines(text, lines, 2);
	free(text);
}

static void nothing_filled_in_is_still_a_valid_text(void **state)
{
	struct kf_daemon_status s = { .now_ns = 0 };
	char *text = metrics_of(&s);

	assert_non_null(strstr(text, "kflight_build_info{version=\"\"} 1\n"));
	assert_non_null(strstr(text, "kflight_window_seconds 0\n"));
	free(text);
}

/* `test_metrics --print`: what promtool is given by tests/e2e/test_prometheus.sh. */
static int print_example(void)
{
	struct kf_daemon_status s = example();
	char *text;

	s.waits_counted = (1u << KF_WAITS_KINDS) - 1;
	text = kf_metrics_text(&s, NULL);
	if (!text)
		return 1;
	fputs(text, stdout);
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_there),
		cmocka_unit_test(histograms_are_cumulative_in_seconds),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(hosts_of_many_cpus_tell_the_shortest_window_only),
		cmocka_unit_test(families_come_once_and_whole),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(the_largest_numbers_are_told),
		cmocka_unit_test(nothing_filled_in_is_still_a_valid_text),
	};

	if (argc > 1 && !strcmp(argv[1], "--print"))
		return print_example();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
