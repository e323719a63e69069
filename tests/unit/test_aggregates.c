/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder's side is played by this file: counters that the tests set, and what it was told. */
#include "daemon/aggregates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/recorder.h"
#include "daemon/events.h"
#include "daemon/judgement.h"
#include "daemon/sliding.h"
#include "expr/trigger_set.h"
#include "hand_expr.h"

#define MS 1000000ull
#define S  1000000000ull

static struct {
	struct kf_term_stats stats[KF_MAX_TERMS];
	struct kf_term_stats per_read; /* added to each at every look */
	uint64_t until_ns[KF_MAX_TERMS];
	unsigned int told[KF_MAX_TERMS], kept[KF_MAX_TERMS], reads;
	int fires; /* a set_true from this one on gets a snapshot; -1 never */
	unsigned int fired;
	char why[KF_AGGREGATES_WHY_BYTES];
	uint16_t rule;
} fake;

void kf_recorder_term_stats(const struct kf_recorder *r, int term, struct kf_term_stats *out)
{
	fake.reads++;
	fake.stats[term].count += fake.per_read.count;
	fake.stats[term].above += fake.per_read.above;
	fake.stats[term].ns += fake.per_read.ns;
	*out = fake.stats[term];
}

int kf_recorder_set_true(struct kf_recorder *r, uint32_t terms, struct kf_trigger *out)
{
	for (int term = 0; term < KF_MAX_TERMS; term++)
		fake.told[term] += terms >> term & 1;
	if (fake.fires < 0 || !(terms >> fake.fires))
		return 1;
	*out = (struct kf_trigger){ .kind = KF_TRIGGER_AGGREGATE, .rule = 1 };
	return 0;
}

void kf_recorder_keep_true(struct kf_recorder *r, int term, uint64_t until_ns)
{
	fake.kept[term]++;
	fake.until_ns[term] = until_ns;
}

static void on_fired(void *context, const struct kf_trigger *trigger, const char *why)
{
	fake.fired++;
	fake.rule = trigger->rule;
	snprintf(fake.why, sizeof(fake.why), "%s", why);
}

static enum kf_judgement judged(const char *text, uint64_t count, uint64_t above, uint64_t ns, uint64_t span_ns)
{
	struct kf_expr x = expr_of(text);
	struct kf_sliding_sum sum = { span_ns, { count, above, ns } };

	return kf_judge(&x, S, &sum);
}

static void percentiles_are_nearest_rank(void **state)
{
	struct {
		const char *text;
		uint64_t count, above;
		enum kf_judgement answer;
	} cases[] = {
		/* p99 of 100: the 99th, so two must be above; of 1000 eleven; of 99 the 99th, the longest. */
		{ "p99(runq)>2ms", 100, 1, KF_JUDGED_FALSE },	{ "p99(runq)>2ms", 100, 2, KF_JUDGED_TRUE },
		{ "p99(runq)>2ms", 1000, 10, KF_JUDGED_FALSE }, { "p99(runq)>2ms", 1000, 11, KF_JUDGED_TRUE },
		{ "p99(runq)>2ms", 99, 1, KF_JUDGED_TRUE },	{ "p99(runq)>2ms", 1, 1, KF_JUDGED_TRUE },
		{ "p99(runq)>2ms", 1, 0, KF_JUDGED_FALSE },	{ "p99(runq)>2ms", 0, 0, KF_JUDGED_NOTHING },
		{ "p50(runq)>2ms", 2, 1, KF_JUDGED_FALSE },	{ "p50(runq)>2ms", 3, 2, KF_JUDGED_TRUE },
		{ "p100(runq)>=2ms", 5, 1, KF_JUDGED_TRUE },	{ "p99.9(runq)>2ms", 1000, 1, KF_JUDGED_FALSE },
		{ "p99.9(runq)>2ms", 1000, 2, KF_JUDGED_TRUE }, { "p99(runq)<2ms", 100, 1, KF_JUDGED_TRUE },
		{ "p99(runq)<2ms", 100, 2, KF_JUDGED_FALSE },	{ "p99(runq)<=2ms", 0, 0, KF_JUDGED_NOTHING },
		{ "max(runq)<2ms", 7, 0, KF_JUDGED_TRUE },	{ "max(runq)<2ms", 7, 1, KF_JUDGED_FALSE },
		{ "max(runq)<2ms", 0, 0, KF_JUDGED_NOTHING },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (judged(cases[i].text, cases[i].count, cases[i].above, 0, S) != cases[i].answer)
			fail_msg("%s with %lu of %lu above is not %d", cases[i].text, cases[i].above, cases[i].count,
				 cases[i].answer);
}

/* By sorting, as check does it. */
static int by_length(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static void percentiles_agree_with_sorting(void **state)
{
	static const char *const texts[] = { "p50(runq)>500ns", "p90(runq)>=500ns", "p99(runq)>500ns",
					     "p100(runq)<500ns", "p0.5(runq)<=500ns" };
	uint64_t waits[300];

	srand(5);
	for (int round = 0; round < 2000; round++) {
		struct kf_expr x = expr_of(texts[round % 5]);
		size_t n = 1 + (size_t)rand() % 300;
		struct kf_sliding_sum sum = { .span_ns = S, .stats.count = n };
		bool or_equal, is_true;
		uint64_t limit_ns = kf_expr_each_ns(&x, &or_equal), value;

		for (size_t i = 0; i < n; i++) {
			waits[i] = 495 + (uint64_t)rand() % (round % 3 ? 11 : 6);
			sum.stats.above += or_equal ? waits[i] >= limit_ns : waits[i] > limit_ns;
		}
		qsort(waits, n, sizeof(waits[0]), by_length);
		value = waits[kf_expr_rank(&x, n) - 1];
		is_true = x.compare == KF_EXPR_ABOVE	  ? value > limit_ns
			  : x.compare == KF_EXPR_AT_LEAST ? value >= limit_ns
			  : x.compare == KF_EXPR_BELOW	  ? value < limit_ns
							  : value <= limit_ns;
		if (kf_judge(&x, S, &sum) != (is_true ? KF_JUDGED_TRUE : KF_JUDGED_FALSE))
			fail_msg("%s of %zu waits, %llu above: the value is %lu", texts[round % 5], n, sum.stats.above,
				 value);
	}
}

static void sums_and_shares(void **state)
{
	assert_int_equal(judged("avg(runq)>2ms", 3, 3, 6 * MS, S), KF_JUDGED_FALSE);
	assert_int_equal(judged("avg(runq)>2ms", 3, 3, 6 * MS + 1, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("avg(runq)>=2ms", 3, 3, 6 * MS, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("avg(runq)>2ms", 0, 0, 0, S), KF_JUDGED_NOTHING);
	assert_int_equal(judged("total(runq)>2ms", 9, 9, 2 * MS, S), KF_JUDGED_FALSE);
	assert_int_equal(judged("total(runq)>2ms", 9, 9, 2 * MS + 1, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("total(throttled)>1%", 9, 9, 10 * MS, S), KF_JUDGED_FALSE);
	assert_int_equal(judged("total(throttled)>1%", 9, 9, 10 * MS + 1, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("total(throttled)>250%", 9, 9, 4 * S, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("count(runq>1ms)>5", 9, 5, 0, S), KF_JUDGED_FALSE);
	assert_int_equal(judged("count(runq>1ms)>5", 9, 6, 0, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("count(runq)<1", 0, 0, 0, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("rate(runq>1ms)>100/s", 300, 200, 0, 2 * S), KF_JUDGED_FALSE);
	assert_int_equal(judged("rate(runq>1ms)>100/s", 300, 201, 0, 2 * S), KF_JUDGED_TRUE);
	assert_int_equal(judged("rate(runq)>=60/m", 1, 1, 0, S), KF_JUDGED_TRUE);
	/* Counters at their end overflow nothing. */
	assert_int_equal(judged("rate(runq)>1000000000000/h", UINT64_MAX, UINT64_MAX, UINT64_MAX, S), KF_JUDGED_TRUE);
	assert_int_equal(judged("avg(runq)>1000000h", UINT64_MAX, UINT64_MAX, UINT64_MAX, S), KF_JUDGED_FALSE);
}

/* The looks came late: what grows with time was not within one period. */
static void late_looks(void **state)
{
	assert_int_equal(judged("count(runq)>5", 6, 6, 0, 1100 * MS), KF_JUDGED_TRUE);
	assert_int_equal(judged("count(runq)>5", 6, 6, 0, 1101 * MS), KF_JUDGED_NOTHING);
	assert_int_equal(judged("count(runq)<5", 4, 4, 0, 3 * S), KF_JUDGED_TRUE);
	assert_int_equal(judged("total(runq)>1ms", 6, 6, S, 3 * S), KF_JUDGED_NOTHING);
	assert_int_equal(judged("p99(runq)>1ms", 6, 6, S, 3 * S), KF_JUDGED_TRUE);
}

static void texts(void **state)
{
	static const struct {
		const char *expression, *text;
	} cases[] = {
		{ "p99(runq)>2ms", "p99(runq) > 2.00 ms: 37 of 1,204 waits in the last 1.00 s" },
		{ "avg(futex)>=1ms/1s", "avg(futex) >= 1.00 ms: 2.00 ms of 1,204 waits in the last 1.00 s" },
		{ "total(throttled)>1.5%",
		  "total(throttled) > 1.5 %: 241 %, 2.41 s of 1,204 waits in the last 1.00 s" },
		{ "count(runq>1ms) of 'a b' > 5", "count(runq > 1.00 ms) of 'a b' > 5: 37 waits in the last 1.00 s" },
		{ "rate(syscall:read,write>=1ms) of 7 < 100/m",
		  "rate(syscall:read,write >= 1.00 ms) of 7 < 100/m: 2.22e+03/m, 37 waits in the last 1.00 s" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kf_expr x = expr_of(cases[i].expression);
		struct kf_sliding_sum sum = { S, { 1204, 37, 2408 * MS } };
		char buf[KF_JUDGEMENT_BYTES];

		assert_string_equal(kf_judgement_text(&x, &sum, buf, sizeof(buf)), cases[i].text);
	}
}

/* Exactly on its steps, a look per step: 10 waits each. */
static void the_window_slides(void **state)
{
	struct kf_term_stats stats = { 1000, 50, 7 };
	struct kf_sliding_sum sum;
	struct kf_sliding s;

	kf_sliding_start(&s, S, 5 * S, &stats);
	for (unsigned int i = 1; i <= 50; i++) {
		uint64_t now_ns = 5 * S + i * 100 * MS;

		assert_false(kf_sliding_is_due(&s, now_ns - 30 * MS));
		assert_true(kf_sliding_is_due(&s, now_ns));
		stats.count += i;
		if (kf_sliding_add(&s, now_ns, &stats, &sum) != (i >= 10))
			fail_msg("look %u", i);
		if (i < 10)
			continue;
		assert_int_equal(sum.span_ns, S);
		assert_int_equal(sum.stats.count, i * (i + 1) / 2 - (i - 10) * (i - 9) / 2);
		assert_int_equal(sum.stats.above, 0);
	}
}

/* With another trigger's timer the looks come at other times: it is still a period, or a bit more. */
static void other_steps(void **state)
{
	static const uint64_t ticks_ms[] = { 10, 37, 77, 80, 99, 100, 101, 150, 470, 1100 };

	for (size_t t = 0; t < sizeof(ticks_ms) / sizeof(ticks_ms[0]); t++) {
		struct kf_term_stats stats = { .count = S };
		struct kf_sliding_sum sum = { 0 };
		struct kf_sliding s;
		bool whole = false;

		kf_sliding_start(&s, S, S, &stats);
		for (uint64_t now_ns = S; now_ns < 20 * S; now_ns += ticks_ms[t] * MS) {
			stats.count = now_ns;
			if (!kf_sliding_is_due(&s, now_ns))
				continue;
			whole = kf_sliding_add(&s, now_ns, &stats, &sum);
			if (whole != (now_ns - S + 25 * MS >= S))
				fail_msg("ticks of %lu ms: %d at %lu ms", ticks_ms[t], whole, now_ns / MS);
			assert_int_equal(sum.stats.count, sum.span_ns);
			if (whole)
				assert_in_range(sum.span_ns, 975 * MS,
						S + (ticks_ms[t] > 200 ? ticks_ms[t] : 200) * MS);
		}
		assert_true(whole);
	}
}

static void restarted_counters(void **state)
{
	struct kf_term_stats stats = { 100, 10, 1000 };
	struct kf_sliding_sum sum;
	struct kf_sliding s;

	kf_sliding_start(&s, S, S, &stats);
	assert_true(kf_sliding_add(&s, 2 * S, &stats, &sum));
	stats = (struct kf_term_stats){ 5, 1, 2000 };
	assert_false(kf_sliding_add(&s, 3 * S, &stats, &sum));
	assert_false(kf_sliding_add(&s, 3 * S + 500 * MS, &stats, &sum));
	stats.count = 12;
	assert_true(kf_sliding_add(&s, 4 * S, &stats, &sum));
	assert_int_equal(sum.stats.count, 7);
	/* Nor does a clock that goes back do harm. */
	assert_false(kf_sliding_add(&s, S, &stats, &sum));
}

struct driver {
	struct kf_events *events;
	struct kf_aggregates *aggregates;
	struct kf_trigger_set set;
};

static void start(struct driver *d, const char *const *texts_of, size_t n)
{
	struct kf_error e = { 0 };

	memset(&fake, 0, sizeof(fake));
	memset(d, 0, sizeof(*d));
	fake.fires = -1;
	for (size_t i = 0; i < n; i++)
		if (kf_trigger_set_add(&d->set, texts_of[i], NULL, &e))
			fail_msg("%s", e.message);
	if (kf_events_new(&d->events, &e) ||
	    kf_aggregates_new(&d->aggregates, d->events, NULL, &d->set, on_fired, NULL, &e))
		fail_msg("%s", e.message);
}

static void stop(struct driver *d)
{
	kf_aggregates_free(&d->aggregates);
	kf_events_free(&d->events);
}

static void run_until(struct driver *d, uint64_t ns)
{
	uint64_t end_ns = kf_now_ns() + ns;
	struct kf_error e = { 0 };

	while (kf_now_ns() < end_ns)
		if (kf_events_step(d->events, &e))
			fail_msg("%s", e.message);
}

/* The machine may be late, never early: what must not have happened yet is only asked as long as it is too early for it. */
static void fires_after_a_period(void **state)
{
	const char *const texts_of[] = { "p99(runq)>2ms/100ms and count(runq)>3/100ms" };
	uint64_t began_ns = kf_now_ns();
	struct driver d;
	char text[KF_JUDGEMENT_BYTES];
	bool is_true = false;

	start(&d, texts_of, 1);
	fake.per_read = (struct kf_term_stats){ 10, 9, 0 };
	fake.fires = 1;
	assert_false(kf_aggregates_value(d.aggregates, 0, NULL, text, sizeof(text)));
	run_until(&d, 80 * MS);
	if (fake.told[1] && kf_now_ns() < began_ns + 97 * MS)
		fail_msg("told before a period had passed");
	run_until(&d, 120 * MS);
	/* Remembered for a second: one time is enough. */
	assert_in_range(fake.told[1], 1, 1 + (kf_now_ns() - began_ns) / (800 * MS));
	/* Both at once: either may be the one that makes a rule true. */
	assert_int_equal(fake.told[0], fake.told[1]);
	assert_int_equal(fake.kept[0], fake.told[0]);
	assert_int_equal(fake.kept[1], fake.told[1]);
	assert_in_range(fake.until_ns[0], began_ns + 97 * MS + S, kf_now_ns() + S);
	assert_int_equal(fake.fired, fake.told[1]);
	assert_int_equal(fake.rule, 1);
	assert_non_null(strstr(fake.why, "p99(runq) > 2.00 ms: "));
	assert_non_null(strstr(fake.why, "; count(runq) > 3: "));
	assert_true(kf_aggregates_value(d.aggregates, 0, &is_true, text, sizeof(text)));
	assert_true(is_true);
	run_until(&d, S);
	assert_in_range(fake.told[1], 2, 1 + (kf_now_ns() - began_ns) / (800 * MS));
	stop(&d);
}

static void below_is_about_a_fall(void **state)
{
	const char *const texts_of[] = { "count(runq)<5/100ms" };
	struct driver d;

	start(&d, texts_of, 1);
	run_until(&d, 300 * MS);
	assert_int_equal(fake.told[0], 0);
	fake.per_read = (struct kf_term_stats){ 10, 10, 0 };
	run_until(&d, 300 * MS);
	assert_int_equal(fake.told[0], 0);
	fake.per_read = (struct kf_term_stats){ 0 };
	run_until(&d, 300 * MS);
	assert_in_range(fake.told[0], 1, 100);
	stop(&d);
}

static void wake_up(void *context)
{
}

static void nothing_is_read_for_nothing(void **state)
{
	const char *const texts_of[] = { "runq>5ms", "p99(runq)>2ms/100ms{enabled=no}" };
	struct kf_error e = { 0 };
	struct kf_timer *timer;
	struct driver d;
	unsigned int before;
	uint64_t began_ns;

	start(&d, texts_of, 2);
	assert_int_equal(kf_events_timer(d.events, wake_up, NULL, &timer, &e), 0);
	before = fake.reads;
	kf_timer_set(timer, kf_now_ns() + 50 * MS, 50 * MS);
	run_until(&d, 200 * MS);
	assert_int_equal(fake.reads, before);
	/* Switched on, it begins. */
	assert_int_equal(kf_trigger_set_change(&d.set, 1, "p99(runq)>1ms/100ms", NULL, &e), 0);
	began_ns = kf_now_ns();
	kf_aggregates_change(d.aggregates, 1);
	fake.per_read = (struct kf_term_stats){ 10, 10, 0 };
	run_until(&d, 60 * MS);
	if (kf_now_ns() < began_ns + 97 * MS)
		assert_int_equal(fake.told[1], 0);
	assert_in_range(fake.reads, before + 2, before + 2 + (kf_now_ns() - began_ns) / (7 * MS));
	run_until(&d, 150 * MS);
	assert_in_range(fake.told[1], 1, 100);
	/* A change begins a new period. */
	before = fake.told[1];
	began_ns = kf_now_ns();
	kf_aggregates_change(d.aggregates, 1);
	run_until(&d, 60 * MS);
	if (kf_now_ns() < began_ns + 97 * MS)
		assert_int_equal(fake.told[1], before);
	stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_nearest_rank),
		cmocka_unit_test(percentiles_agree_with_sorting),
		cmocka_unit_test(sums_and_shares),
		cmocka_unit_test(late_looks),
		cmocka_unit_test(texts),
		cmocka_unit_test(the_window_slides),
		cmocka_unit_test(other_steps),
		cmocka_unit_test(restarted_counters),
		cmocka_unit_test(fires_after_a_period),
		cmocka_unit_test(below_is_about_a_fall),
		cmocka_unit_test(nothing_is_read_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
