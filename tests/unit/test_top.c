/* SPDX-License-Identifier: BSD-2-Clause */
/* The buckets of `kflight top`, the percentiles out of them, and its table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "top/sampler.h"
#include "top/view.h"
#include "top/waits.h"

static void buckets_follow_one_another(void **state)
{
	assert_int_equal(kf_top_bucket(0), 0);
	for (uint32_t i = 1; i < KF_TOP_BUCKETS; i++) {
		uint64_t start_ns = kf_top_bucket_start_ns(i);

		assert_int_equal(kf_top_bucket(start_ns - 1), i - 1);
		assert_int_equal(kf_top_bucket(start_ns), i);
	}
	assert_true(kf_top_bucket_start_ns(KF_TOP_BUCKETS - 1) > 28000000000ull);
	assert_int_equal(kf_top_bucket(UINT64_MAX), KF_TOP_BUCKETS - 1);
	assert_int_equal(kf_top_bucket(3600ull * 1000000000), KF_TOP_BUCKETS - 1);
}

static void add(struct kf_top_waits *waits, uint64_t ns)
{
	waits->buckets[kf_top_bucket(ns)]++;
	waits->count++;
	waits->ns += ns;
	if (ns > waits->max_ns)
		waits->max_ns = ns;
}

static void expect_near(uint64_t wanted, uint64_t got)
{
	if (got < wanted - wanted / 8 || got > wanted + wanted / 8)
		fail_msg("wanted about %lu, got %lu", wanted, got);
}

static void percentiles_are_exact_to_an_eighth(void **state)
{
	struct kf_top_waits waits = { 0 };

	assert_int_equal(kf_top_percentile(&waits, 0.99), 0);
	for (uint64_t us = 1; us <= 10000; us++)
		add(&waits, us * 1000);
	expect_near(5000000, kf_top_percentile(&waits, 0.5));
	expect_near(9900000, kf_top_percentile(&waits, 0.99));
	expect_near(100000, kf_top_percentile(&waits, 0.01));
	assert_int_equal(kf_top_percentile(&waits, 1), 10000000);
}

static void no_percentile_exceeds_the_longest(void **state)
{
	struct kf_top_waits waits = { 0 };

	add(&waits, 7000001);
	assert_int_equal(kf_top_percentile(&waits, 0.99), 7000001);
	assert_true(kf_top_percentile(&waits, 0.5) <= 7000001);
	memset(&waits, 0, sizeof(waits));
	add(&waits, 5000000000000ull); /* beyond the last bucket */
	assert_true(kf_top_percentile(&waits, 0.5) <= 5000000000000ull);
	memset(&waits, 0, sizeof(waits));
	waits.max_ns = 123456; /* one that has not ended */
	assert_int_equal(kf_top_percentile(&waits, 0.99), 0);
}

static struct kf_top_sample two_processes(void)
{
	struct kf_top_sample s = { .n_processes = 2, .start_ns = 1000000000, .end_ns = 3000000000 };

	s.processes = calloc(2, sizeof(*s.processes));
	assert_non_null(s.processes);
	s.processes[0].tgid = 7;
	strcpy(s.processes[0].comm, "a\033b");
	for (int i = 0; i < 100; i++)
		add(&s.processes[0].runq, 20000);
	add(&s.processes[0].futex, 50000000);
	s.processes[1].tgid = 2144;
	s.processes[1].now = 1;
	strcpy(s.processes[1].comm, "victim");
	add(&s.processes[1].runq, 7000000);
	s.processes[1].runq.max_ns = 9000000; /* has not ended */
	return s;
}

static char *view_text(const struct kf_top_view *view, struct kf_top_sample *s)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(kf_top_view_write(view, s, 1795274467000000000ull, out, NULL), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void the_table_is_sorted_and_escaped(void **state)
{
	struct kf_top_view view = { .rows = 10 };
	struct kf_top_sample s = two_processes();
	char *text = view_text(&view, &s), *again;

	assert_string_equal(
		text,
		"15:21:07 UTC, last 2.00 s: 101 waits to run, 9.00 ms; 1 ready now\n"
		"process   pid  ready  waits/s  ms/s      p50      p99      max  futex/s  futex p99  futex max\n"
		"victim   2144      1      0.5   3.5  6.82 ms  7.33 ms  9.00 ms        -          -          -\n"
		"a\\x1bb      7      -       50   1.0  18.4 us  20.0 us  20.0 us      0.5    50.0 ms    50.0 ms\n");
	view.order = KF_TOP_BY_FUTEX;
	again = view_text(&view, &s);
	assert_true(strstr(again, "a\\x1bb") < strstr(again, "victim"));
	free(text);
	free(again);
	kf_top_sample_release(&s);
}

static void rows_columns_and_processes_can_be_left_out(void **state)
{
	struct kf_top_view view = { .rows = 10, .comm = "vic*" };
	struct kf_top_sample s = two_processes();
	char *text = view_text(&view, &s);

	assert_non_null(strstr(text, ": 1 waits to run, 7.00 ms"));
	assert_null(strstr(text, "x1b"));
	free(text);
	view = (struct kf_top_view){ .rows = 10, .pid = 7, .width = 20 };
	text = view_text(&view, &s);
	assert_string_equal(text, "15:21:07 UTC, last 2\n"
				  "process  pid  ready \n"
				  "a\\x1bb     7      - \n");
	free(text);
	view = (struct kf_top_view){ .rows = 1 };
	text = view_text(&view, &s);
	assert_non_null(strstr(text, "victim"));
	assert_null(strstr(text, "x1b"));
	free(text);
	kf_top_sample_release(&s);
}

static void what_was_not_counted_is_told(void **state)
{
	struct kf_top_view view = { .rows = 10 };
	struct kf_top_sample s = { .start_ns = 1, .end_ns = 1, .uncounted = 1234 };
	char *text = view_text(&view, &s);

	assert_non_null(strstr(text, "; 1,234 NOT COUNTED\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_one_another),
		cmocka_unit_test(percentiles_are_exact_to_an_eighth),
		cmocka_unit_test(no_percentile_exceeds_the_longest),
		cmocka_unit_test(the_table_is_sorted_and_escaped),
		cmocka_unit_test(rows_columns_and_processes_can_be_left_out),
		cmocka_unit_test(what_was_not_counted_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
