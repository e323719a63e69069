/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "expect_text.h"
#include "hand_report.h"
#include "output/clock.h"
#include "output/report.h"
#include "output/table.h"

static void the_first_line_is_the_answer(void **state)
{
	char *text = printed(kf_report_text);

	assert_ptr_equal(strstr(text, "requested; worst gap: nginx/2144 was preempted"), text);
	expect(text, "\n2026-11-21 08:15:02.123456 UTC on web1, Linux 6.18.0; window 100 ms, 2 CPUs, 5 threads\n");
	expect(text, "Worst gaps (3 of 3, 87.0 ms in all;");
	free(text);
}

static void the_process_that_triggered_comes_first(void **state)
{
	char *text, *own, *others;

	s->trigger = (struct kf_trigger){ .kind = KF_TRIGGER_RUNQ,
					  .tid = 77,
					  .tgid = 77,
					  .ts_ns = MS(17),
					  .since_ns = MS(12),
					  .threshold_ns = MS(2) };
	strcpy(s->trigger.process_comm, "cron");
	text = printed(kf_report_text);
	assert_ptr_equal(strstr(text, "runq > 2 ms: cron/77 waited 5.00 ms"), text);
	own = strstr(text, "\nWorst gaps of process cron/77 (1 of 1, 5.00 ms in all;");
	others = strstr(text, "\nWorst gaps of others (2 of 2, 82.0 ms in all;");
	assert_non_null(own);
	assert_true(others > own);
	own = strstr(others, "\nThreads of process cron/77\n  thread");
	others = strstr(others, "\nOther threads, by time");
	assert_non_null(own);
	assert_true(others > own);
	assert_null(strstr(others, "\n  cron/77  9"));
	free(text);
}

static void what_fired_besides_is_told_once(void **state)
{
	const struct kf_rule_counts recent = { .cooling = 30, .busy = 5 };
	char *text;

	assert_int_equal(kf_snapshot_add_rule(s, "runq-2ms-cron", "runq>2ms{comm=cron}", &recent, &recent), 0);
	s->trigger = (struct kf_trigger){ .kind = KF_TRIGGER_RUNQ, .rule = 1, .ts_ns = MS(17), .threshold_ns = MS(2) };
	s->counts[KF_TRIGGER_RUNQ].cooling = 30;
	text = printed(kf_report_text);
	expect(text, "threads\nfired by rule runq-2ms-cron: runq>2ms{comm=cron}\n35 more since recording started were "
		     "suppressed: 30 cooling down, 5 busy\n\n");
	expect_not(text, "without a snapshot of their own");
	free(text);
}

static void what_was_given_up_is_missing(void **state)
{
	char *text;

	s->sheds = calloc(1, sizeof(*s->sheds));
	s->sheds[s->n_sheds++] = (struct kf_shed){ MS(10), 21000, KF_SHED_NOTHING, KF_SHED_SYSCALLS };
	s->losses.flooded = 1234;
	text = printed(kf_report_text);
	expect(text, "- not recorded: syscalls given up to stay within the budget, from ");
	expect(text,
	       "- 1,234 records were refused because their process had its share (since the start of recording)\n");
	free(text);
}

static void gaps_come_longest_first_with_time_and_offset(void **state)
{
	char *text = printed(kf_report_text);

	expect(text, "    1  08:15:02.052456    -71.0 ms  nginx/2144 was preempted");
	expect(text, "    2  08:15:02.032456    -91.0 ms  nginx/2144 waited 11.0 ms");
	expect(text, "    3  08:15:02.034456    -89.0 ms  cron/77 waited 5.00 ms");
	free(text);
}

static void tables_are_exact(void **state)
{
	char *text = printed(kf_report_text);

	expect(text, "  thread      running    ready  gaps  worst gap  unknown  blocked\n"
		     "  nginx/2144  9.00 ms  82.0 ms     2    71.0 ms        -  9.00 ms: ");
	expect(text, "  ran meanwhile               delay  share  victims  most to\n"
		     "  hog/900                   64.0 ms   74 %        2  61.0 ms  nginx/2144\n"
		     "  (unknown)                 10.0 ms   11 %        1  10.0 ms  nginx/2144\n"
		     "  redis/812                 9.00 ms   10 %        2  7.00 ms  nginx/2144\n"
		     "  cron/77                   3.00 ms  3.4 %        1  3.00 ms  nginx/2144\n"
		     "  (idle: the wake-up path)  1.00 ms  1.1 %        1  1.00 ms  nginx/2144\n");
	free(text);
}

static void threads_of_one_name_are_one_culprit(void **state)
{
	char *text;

	strcpy(h.threads[HAND_CRON].comm, "redis");
	text = printed(kf_report_text);
	expect(text, "  redis, 2 threads, most 812  12.0 ms   14 %        2  10.0 ms  nginx/2144\n");
	free(text);
}

/* All that can take time, each once; nginx waits from 10 to 21 and from 30 on, cron from 12 to 17. */
static void all_causes(void)
{
	strcpy(h.irqs, "24 virtio0-input.0\n");
	h.gaps[HAND_GAP_NGINX].cgroup = hand_group(&h, "/web", MS(50), MS(100));
	h.gaps[HAND_GAP_NGINX].throttled_start_ns = MS(10);
	h.gaps[HAND_GAP_NGINX].throttled_end_ns = MS(12);
	hand_take(&h, 0, KF_PART_SOFTIRQ, 3, MS(15), MS(17), MS(2));
	hand_take(&h, 0, KF_PART_IRQ, 24, MS(18), MS(19), MS(1));
	hand_take(&h, 0, KF_PART_STEAL, 0, MS(40), MS(101), MS(5));
	hand_take(&h, 1, KF_PART_IRQ, KF_VECTOR_TIMER, MS(12), MS(15), 500000);
}

static void causes_are_culprits_of_their_own(void **state)
{
	char *text;

	all_causes();
	text = printed(kf_report_text);
	expect(text, "(softirq NET_RX)");
	expect(text, "(the hypervisor)");
	expect(text, "(CPU quota of /web)");
	expect(text, "(timer interrupt)");
	expect(text, "(interrupt virtio0-input.0)");
	free(text);
	h.gaps[HAND_GAP_NGINX].cgroup = KF_NO_CGROUP;
	text = printed(kf_report_text);
	expect(text, "(CPU quota)");
	free(text);
}

static void causes_have_kind_and_name_in_json(void **state)
{
	static const struct {
		const char *kind, *name;
		uint64_t ns;
		int victims;
	} rows[] = {
		{ "softirq", "NET_RX", MS(4), 2 }, { "irq", "virtio0-input.0", MS(1), 1 },
		{ "irq", "timer", 500000, 1 },	   { "throttled", "/web", MS(2), 1 },
		{ "steal", NULL, MS(5), 1 },	   { "idle", NULL, MS(1), 1 },
		{ "unknown", NULL, MS(10), 1 },
	};
	char *text;
	json_t *o, *culprits, *culprit;
	uint64_t sum = 0;
	size_t i, found = 0;

	all_causes();
	text = printed(kf_report_json);
	o = json_loads(text, 0, NULL);
	culprits = json_object_get(o, "culprits");
	json_array_foreach(culprits, i, culprit)
	{
		const char *kind = json_string_value(json_object_get(culprit, "kind"));
		const char *name = json_string_value(json_object_get(culprit, "name"));

		sum += (uint64_t)json_integer_value(json_object_get(culprit, "ns"));
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			if (strcmp(kind, rows[k].kind) || (name && rows[k].name && strcmp(name, rows[k].name)) ||
			    !name != !rows[k].name)
				continue;
			assert_int_equal(json_integer_value(json_object_get(culprit, "ns")), rows[k].ns);
			assert_int_equal(json_integer_value(json_object_get(culprit, "victims")), rows[k].victims);
			found++;
		}
	}
	assert_int_equal(found, sizeof(rows) / sizeof(rows[0]));
	assert_int_equal(sum, MS(87));
	json_decref(o);
	free(text);
}

static void options_select(void **state)
{
	char *text;

	options.top = 1;
	text = printed(kf_report_text);
	expect(text, "Worst gaps (1 of 3,");
	expect_not(text, "    2  08:15");
	free(text);
	options = (struct kf_report_options){ .top = 10, .gap_ns = MS(11) };
	text = printed(kf_report_text);
	expect(text, "Worst gaps (2 of 2,");
	free(text);
	options = (struct kf_report_options){ .top = 10, .tid = 77 };
	text = printed(kf_report_text);
	expect(text, "Worst gaps (1 of 1,");
	expect_not(text, "  nginx/2144  ");
	free(text);
	options = (struct kf_report_options){ .top = 10, .comm = "ngi*" };
	text = printed(kf_report_text);
	expect(text, "Worst gaps (2 of 2,");
	free(text);
	options = (struct kf_report_options){ .top = 10, .comm = "nobody" };
	text = printed(kf_report_text);
	expect(text, "Worst gaps: none fits");
	expect(text, "Threads: none fits");
	free(text);
	options = (struct kf_report_options){ .top = 10, .comm = "hog" };
	text = printed(kf_report_text);
	expect(text, "Worst gaps: none fits");
	free(text);
	options = (struct kf_report_options){ .top = 10, .gap_ns = MS(90) };
	text = printed(kf_report_text);
	expect(text, "Worst gaps: none fits");
	free(text);
	options = (struct kf_report_options){ .top = 0 };
	text = printed(kf_report_text);
	expect(text, "Worst gaps (0 of 3,");
	expect(text, "Findings (");
	free(text);
}

static void complete_says_so(void **state)
{
	char *text = printed(kf_report_text);

	expect(text, "\nWhat is incomplete\n  nothing known to be missing\n");
	free(text);
}

static void every_loss_has_a_line(void **state)
{
	char *text;

	s->window_ns = 10ULL * 1000000000;
	s->rings[KF_CLASS_SCHED][1].dropped = 12345;
	s->rings[KF_CLASS_SCHED][1].drop_first_ns = MS(100);
	s->rings[KF_CLASS_SYSCALL][0].torn = 3;
	s->rings[KF_CLASS_LIFE][0].overwritten = 9;
	s->losses = (struct kf_losses){ 21, 22, 23, 24, 25 };
	s->counts[KF_TRIGGER_RUNQ] = (struct kf_trigger_counts){ 1, 31, 32 };
	s->sources = KF_SOURCE_IRQ;
	h.cpus[1].taken_floor_ns = MS(13);
	h.timeline.n_repaired = 41;
	h.timeline.n_ignored = 42;
	h.threads[HAND_CRON].unknown_ns = MS(7);
	text = printed(kf_report_text);
	expect_not(text, "nothing known");
	expect(text, "  - the window was not full: recording had run for only 100 ms of the wished 10.0 s\n");
	expect(text, "  - 12,345 scheduling records were refused on 1 CPU while a window was held, some of them in");
	expect(text, "  - 3 syscall slots were thrown away");
	expect(text, "  - 9 birth and name records were overwritten");
	expect(text,
	       "  - interrupts, steal and quotas of the first 12.0 ms of the window were overwritten on 1 CPU: their");
	expect(text, "  - not recorded: CPU quotas, changes of priority\n");
	expect(text, "  - 21 events were missed");
	expect(text, "  - 22 events had no room");
	expect(text, "  - 23 waits were negative");
	expect(text, "  - 24 triggers fired but");
	expect(text, "  - 25 records were refused because their process");
	expect(text, "  - runq triggers without a snapshot of their own: 31 during the cool-down, 32 while another");
	expect(text, "  - 41 changes of state were inferred");
	expect(text, "  - 42 records contradicted");
	expect(text, "  - what 1 thread did is unknown for 7.00 ms in total");
	free(text);
	h.timeline.floor_ns = MS(50);
	s->sources = 0;
	text = printed(kf_report_text);
	expect(text, "  - the window holds 51.0 ms of the 10.0 s asked for: the rings were too small (--window)");
	expect(text,
	       "  - not recorded: interrupts (their time counts for whoever they interrupted), CPU quotas, changes");
	expect_not(text, "interrupts of the first");
	free(text);
}

static void terminals_get_short_lines_and_colour(void **state)
{
	char *text, *rest, *line;

	options.colour = true;
	options.width = 80;
	hand_name(&h.threads[HAND_HOG], 1234567, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
	rest = text = printed(kf_report_text);
	expect(text, "\033[1m");
	while ((line = strsep(&rest, "\n")))
		if (line[0] == ' ' && strstr(line, "wait") && kf_text_width(line) > 80)
			fail_msg("longer than 80 columns: '%s'", line);
	free(text);
}

static void pipes_get_no_escape_sequences(void **state)
{
	char *text;

	hand_name(&h.threads[HAND_HOG], 900, "\033[2J");
	text = printed(kf_report_text);
	assert_null(strchr(text, '\033'));
	expect(text, "\\x1b[2J/900");
	free(text);
}

/* In every table the columns of all rows begin at the same place, however long the names are. */
static void long_names_keep_columns_aligned(void **state)
{
	char *text, *head, *row;

	h.threads[HAND_NGINX].tid = 4194303;
	memcpy(h.threads[HAND_NGINX].comm, "worker-thread-1", 16);
	memcpy(h.threads[HAND_NGINX].process_comm, "process-name-15", 16);
	h.threads[HAND_NGINX].tgid = 4194302;
	hand_name(&h.threads[HAND_CRON], 1, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
	text = printed(kf_report_text);
	head = strstr(text, "  thread  ");
	assert_non_null(head);
	row = strstr(head, "\n  worker-thread-1/4194303 of process-name-15  ");
	assert_non_null(row);
	assert_int_equal(strstr(row, "9.00 ms:") - row - 1, strstr(head, "blocked") - head);
	expect(text, "...");
	free(text);
}

static void json_says_the_same(void **state)
{
	char *text = printed(kf_report_json);
	json_t *o = json_loads(text, 0, NULL), *gaps = json_object_get(o, "gaps"), *worst, *culprit;

	assert_non_null(o);
	worst = json_array_get(json_object_get(gaps, "worst"), 0);
	culprit = json_array_get(json_object_get(o, "culprits"), 0);
	assert_int_equal(json_integer_value(json_object_get(gaps, "count")), 3);
	assert_int_equal(json_integer_value(json_object_get(gaps, "wait_ns")), MS(87));
	assert_int_equal(json_integer_value(json_object_get(worst, "wait_ns")), MS(71));
	assert_string_equal(json_string_value(json_object_get(worst, "time")), "2026-11-21T08:15:02.052456Z");
	assert_int_equal(json_integer_value(json_object_get(culprit, "ns")), MS(64));
	assert_int_equal(json_array_size(json_object_get(o, "threads")), HAND_THREADS);
	assert_int_equal(json_array_size(json_object_get(o, "missing")), 0);
	json_decref(o);
	free(text);
}

static void a_full_disk_is_an_error(void **state)
{
	FAILS_ON_A_FULL_DISK(out, e, kf_report_text(&h.timeline, s, &options, out, &e),
			     "cannot write the report: No space left on device");
}

static void clocks_survive_anything(void **state)
{
	const uint64_t moments[] = { 0, 1, MS(1), UINT64_MAX };
	char buf[32];

	for (size_t i = 0; i < 4; i++) {
		s->real_ns = moments[i];
		for (size_t k = 0; k < 4; k++)
			assert_true(strlen(kf_format_timestamp(kf_real_ns(s, moments[k]), buf, sizeof(buf))) >= 20);
	}
	assert_string_equal(kf_format_offset(MS(5), MS(5), buf, sizeof(buf)), "0 ns");
	assert_string_equal(kf_format_offset(MS(6), MS(5), buf, sizeof(buf)), "+1.00 ms");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, report_setup, hand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_line_is_the_answer),
		TEST(the_process_that_triggered_comes_first),
		TEST(what_fired_besides_is_told_once),
		TEST(what_was_given_up_is_missing),
		TEST(gaps_come_longest_first_with_time_and_offset),
		TEST(tables_are_exact),
		TEST(threads_of_one_name_are_one_culprit),
		TEST(causes_are_culprits_of_their_own),
		TEST(causes_have_kind_and_name_in_json),
		TEST(options_select),
		TEST(complete_says_so),
		TEST(every_loss_has_a_line),
		TEST(terminals_get_short_lines_and_colour),
		TEST(pipes_get_no_escape_sequences),
		TEST(long_names_keep_columns_aligned),
		TEST(json_says_the_same),
		TEST(a_full_disk_is_an_error),
		TEST(clocks_survive_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
