/* SPDX-License-Identifier: BSD-2-Clause */
/* The waits of a window, and what expressions make of them: known numbers, and what cannot be known. */
#include "check/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "expr/expr_text.h"
#include "hand_expr.h"
#include "make_snapshot.h"
#include "model/timeline.h"

#define MS(n) ((uint64_t)(n)*1000000)

/* A window from 100 to 200 ms on one CPU. */
struct world {
	struct kf_snapshot *s;
	struct kf_timeline *t;
	struct kf_samples samples;
	struct kf_view view;
};

static struct kf_snapshot *window(void)
{
	struct kf_snapshot *s = make(1, MS(100), MS(200));

	s->syscall_mode = KF_SYSCALLS_BLOCKING;
	return s;
}

static void named(struct kf_task *task, const char *comm)
{
	snprintf(task->comm, sizeof(task->comm), "%s", comm);
}

static void build(struct world *w, struct kf_snapshot *s)
{
	struct kf_error e = { 0 };

	*w = (struct world){ .s = s };
	if (kf_timeline_build(&w->t, s, &e) || kf_samples_collect(&w->samples, w->t, &e))
		fail_msg("%s", e.message);
	w->view = (struct kf_view){ .t = w->t, .s = s, .samples = &w->samples };
}

static void release(struct world *w)
{
	kf_samples_release(&w->samples);
	kf_timeline_free(&w->t);
	kf_snapshot_free(&w->s);
}

static struct kf_measured measured(const struct world *w, const char *text)
{
	struct kf_error e = { 0 };
	struct kf_expr x = expr_of(text);
	struct kf_measured m;

	if (kf_measure(&m, &x, NULL, &w->view, &e))
		fail_msg("'%s': %s", text, e.message);
	return m;
}

static void expect(const struct world *w, const char *text, enum kf_answer want)
{
	static const char *const names[] = { "no", "yes", "unknown" };
	struct kf_measured m = measured(w, text);
	struct kf_expr x = expr_of(text);
	char value[64];

	if (m.answer != want)
		fail_msg("'%s': wanted %s, got %s (value %s, %s)", text, names[want], names[m.answer],
			 kf_measured_value(&m, &x, value, sizeof(value)), m.why);
	if ((m.answer == KF_ANSWER_UNKNOWN) != (m.why[0] != '\0'))
		fail_msg("'%s': %s, but the reason is '%s'", text, names[m.answer], m.why);
}

static void expect_why(const struct world *w, const char *text, const char *why)
{
	struct kf_measured m = measured(w, text);

	expect(w, text, KF_ANSWER_UNKNOWN);
	if (!strstr(m.why, why))
		fail_msg("'%s': wanted the reason '%s', got '%s'", text, why, m.why);
}

/*
 * victim/20 and hog/30 share the CPU, all that happens is recorded. Gaps of the victim: 1, 2, ... 10 ms (55 ms in all), each
 * after a sleep of 1 ms in futex (woken by the hog), then it runs for no time to speak of.
 */
static void ten_gaps(struct world *w)
{
	struct kf_snapshot *s = window();
	uint64_t now = MS(100) + 1000;

	named(scanned(s, 20, INTERRUPTIBLE, 0, SYS_futex), "victim");
	named(scanned(s, 30, 0, 0, KF_NR_USER), "hog");
	tells(switched(s, 0, now, 0, 20), MS(99), KF_CAUSE_PREEMPTED, 0);
	for (int gap = 1; gap <= 10; gap++) {
		struct kf_slot *slot = blocked(s, 0, now + 10000, 20, 30, SYS_futex);

		if (gap == 1)
			tells(slot, MS(99), KF_CAUSE_PREEMPTED, 0);
		waking(s, 0, now + 10000 + MS(1), 20, 30, 0);
		now += 10000 + MS(1) + MS(gap);
		tells(switched(s, 0, now, 30, 20), now - MS(gap), KF_CAUSE_WOKEN, 30);
	}
	build(w, s);
}

static void known_numbers(void **state)
{
	struct world w;

	ten_gaps(&w);
	assert_int_equal(measured(&w, "max(runq) of victim > 1h").value, MS(10));
	assert_int_equal(measured(&w, "p50(runq) of victim > 1h").value, MS(5) - 0);
	assert_int_equal(measured(&w, "count(runq >= 6ms) of victim > 1000").value, 5);
	assert_int_equal(measured(&w, "count(futex) of victim > 1000").value, 10);
	assert_int_equal(measured(&w, "max(futex) of victim > 1h").value, MS(1));
	assert_int_equal(measured(&w, "total(futex) of victim > 1h").value, MS(10));
	assert_int_equal(measured(&w, "avg(futex) of victim > 1h").value, MS(1));
	expect(&w, "runq of victim > 10ms", KF_ANSWER_NO);
	expect(&w, "runq of victim >= 10ms", KF_ANSWER_YES);
	expect(&w, "p90(runq) of victim > 8ms", KF_ANSWER_YES);
	expect(&w, "count(runq>5ms) of victim > 4", KF_ANSWER_YES);
	expect(&w, "count(runq>5ms) of victim > 5", KF_ANSWER_NO);
	expect(&w, "rate(runq>5ms) of victim >= 50/s", KF_ANSWER_YES);
	expect(&w, "rate(runq>5ms) of victim > 50/s", KF_ANSWER_NO);
	expect(&w, "total(futex) of victim >= 10%", KF_ANSWER_YES);
	expect(&w, "total(futex) of victim > 10%", KF_ANSWER_NO);
	expect(&w, "total(futex) of victim < 11%", KF_ANSWER_YES);
	expect(&w, "runq of v?ct* < 5ms", KF_ANSWER_NO);
	release(&w);
}

/* By the definition: the value at place ceil(p/100 n), from 1. The gap at the floor is one of the eleven. */
static void percentiles_are_nearest_rank(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} cases[] = {
		{ "p100(futex) > 1h", 10 }, { "p91(futex) > 1h", 10 }, { "p90(futex) > 1h", 9 },
		{ "p50(futex) > 1h", 5 },   { "p10(futex) > 1h", 1 },  { "p0.1(futex) > 1h", 1 },
		{ "p10.1(futex) > 1h", 2 },
	};
	struct kf_snapshot *s = window();
	uint64_t now = MS(100) + 1000;
	struct world w;

	resumed(s, 0, now, 0, 20);
	for (int ms = 1; ms <= 10; ms++) {
		blocked(s, 0, now + 1000, 20, 0, SYS_futex);
		now += 1000 + MS(ms);
		waking(s, 0, now, 20, 0, 0);
		tells(switched(s, 0, now + 1000, 0, 20), now, KF_CAUSE_WOKEN, 0);
		now += 1000;
	}
	died(s, 0, now + 1000, 20, 0);
	build(&w, s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (measured(&w, cases[i].text).value != MS(cases[i].ms))
			fail_msg("%s: wanted %llu ms, got %llu ns", cases[i].text, (unsigned long long)cases[i].ms,
				 (unsigned long long)measured(&w, cases[i].text).value);
	release(&w);
}

/* 20 sleeps in futex from 160 ms on, and still does at 200. */
static void a_wait_that_has_not_ended(void **state)
{
	struct kf_snapshot *s = window();
	struct world w;

	named(scanned(s, 20, INTERRUPTIBLE, 0, SYS_futex), "nginx");
	resumed(s, 0, MS(100) + 1000, 0, 20);
	blocked(s, 0, MS(160), 20, 0, SYS_futex);
	build(&w, s);
	expect(&w, "futex of nginx > 39ms", KF_ANSWER_YES);
	expect_why(&w, "futex of nginx > 50ms", "nginx/20 still waited when the window ended, after 40.0 ms");
	expect_why(&w, "count(futex > 50ms) > 0", "still waited");
	expect(&w, "count(futex > 50ms) > 1", KF_ANSWER_NO);
	expect(&w, "total(futex) > 40%", KF_ANSWER_NO);
	expect(&w, "total(futex) >= 40%", KF_ANSWER_YES);
	w.view.as_seen = true;
	expect(&w, "futex of nginx > 50ms", KF_ANSWER_NO);
	release(&w);
}

/* 20 was blocked at the floor, since when is not known, and woken at 130 ms. */
static void a_wait_that_began_before(void **state)
{
	struct kf_snapshot *s = window();
	struct world w;

	waking(s, 0, MS(130), 20, 0, 0);
	tells(switched(s, 0, MS(130) + 1000, 0, 20), MS(130), KF_CAUSE_WOKEN, 0);
	died(s, 0, MS(131), 20, 0);
	build(&w, s);
	expect(&w, "block > 29ms", KF_ANSWER_YES);
	expect_why(&w, "block > 50ms", "before what the window knows");
	/* It may have been in futex, or not. */
	expect(&w, "futex > 29ms", KF_ANSWER_UNKNOWN);
	expect(&w, "runq > 1ms", KF_ANSWER_NO);
	expect(&w, "count(futex) > 1", KF_ANSWER_NO);
	release(&w);
}

/* 20 runs at 110 ms, and at 140 ms it is switched in again: it must have left in between. */
static void lost_records(void **state)
{
	struct kf_snapshot *s = window();
	struct world w;

	resumed(s, 0, MS(110), 0, 20);
	tells(switched(s, 0, MS(140), 30, 20), MS(139), KF_CAUSE_WOKEN, 0);
	died(s, 0, MS(150), 20, 0);
	build(&w, s);
	assert_true(w.samples.lists[KF_SAMPLE_HOLE].n > 0);
	expect_why(&w, "block of 20 > 1ms", "what threads did is unknown");
	expect(&w, "block of 20 > 101ms", KF_ANSWER_NO);
	expect(&w, "runq of 20 > 5ms", KF_ANSWER_YES); /* the first gap, 10 ms from the floor */
	expect(&w, "total(block) of 20 > 50%", KF_ANSWER_NO);
	release(&w);
}

static void nobody_is_no_pass(void **state)
{
	struct world w;

	ten_gaps(&w);
	expect_why(&w, "runq of nginx > 5ms", "no thread or process named 'nginx'");
	expect_why(&w, "runq of 4711 > 5ms", "no process or thread 4711");
	expect_why(&w, "block of hog < 5ms", "there is no such wait");
	expect(&w, "block of hog > 5ms", KF_ANSWER_NO);
	expect(&w, "runq of 20 > 5ms", KF_ANSWER_YES);
	release(&w);
}

static void a_window_too_short(void **state)
{
	struct world w;

	ten_gaps(&w);
	w.view.window_min_ns = MS(101);
	expect(&w, "runq of victim > 5ms", KF_ANSWER_YES);
	expect(&w, "p90(runq) of victim > 5ms", KF_ANSWER_YES);
	expect_why(&w, "runq of victim > 50ms", "the window holds 100 ms, less than 101 ms");
	expect(&w, "p90(runq) of victim < 5ms", KF_ANSWER_UNKNOWN);
	expect(&w, "max(runq) of victim < 5ms", KF_ANSWER_NO);
	expect(&w, "total(runq) of victim < 1%", KF_ANSWER_UNKNOWN);
	release(&w);
}

static void an_empty_window(void **state)
{
	struct kf_snapshot *s = make(1, MS(100), MS(100));
	struct world w;

	build(&w, s);
	expect_why(&w, "runq > 5ms", "the window is empty");
	expect(&w, "rate(runq) > 5/s", KF_ANSWER_UNKNOWN);
	expect(&w, "total(runq) >= 0%", KF_ANSWER_YES);
	release(&w);
}

static void dropped_records(void **state)
{
	struct world w;

	ten_gaps(&w);
	w.s->rings[KF_CLASS_SCHED][0].drop_first_ns = MS(150);
	expect(&w, "runq of victim > 5ms", KF_ANSWER_YES);
	expect_why(&w, "runq of victim > 50ms", "scheduling records of the window were lost");
	expect(&w, "p90(runq) of victim > 5ms", KF_ANSWER_UNKNOWN);
	release(&w);
}

/* Two reads by 20: 30 ms, of which it slept, and 3 ms, in which it did not. */
static void read_twice(struct world *w, uint32_t mode)
{
	struct kf_snapshot *s = window();

	s->syscall_mode = mode;
	resumed(s, 0, MS(100) + 1000, 0, 20);
	blocked(s, 0, MS(111), 20, 0, SYS_read);
	waking(s, 0, MS(139), 20, 0, 0);
	tells(switched(s, 0, MS(139) + 1000, 0, 20), MS(139), KF_CAUSE_WOKEN, 0);
	if (mode >= KF_SYSCALLS_SLOW) {
		called(s, 0, MS(110), MS(140), 20, SYS_read, 1);
		called(s, 0, MS(150), MS(153), 20, SYS_read, 1);
	}
	died(s, 0, MS(190), 20, 0);
	build(w, s);
}

static void syscalls_with_records(void **state)
{
	struct world w;

	read_twice(&w, KF_SYSCALLS_SLOW);
	expect(&w, "syscall > 29ms", KF_ANSWER_YES);
	expect(&w, "syscall > 30ms", KF_ANSWER_NO);
	expect(&w, "count(syscall:read,write) >= 2", KF_ANSWER_YES);
	expect(&w, "syscall:write > 1ns", KF_ANSWER_NO);
	expect(&w, "total(syscall:read) > 33%", KF_ANSWER_NO);
	w.s->rings[KF_CLASS_SYSCALL][0].oldest_ns = MS(120);
	expect_why(&w, "syscall:write > 1ms", "syscall records of the window were lost");
	release(&w);
}

/* What did not block is not known: never a pass. */
static void syscalls_without_records(void **state)
{
	struct world w;

	read_twice(&w, KF_SYSCALLS_BLOCKING);
	expect(&w, "syscall:read > 27ms", KF_ANSWER_YES);
	expect_why(&w, "syscall:read > 30ms", "--syscalls slow");
	expect(&w, "count(syscall) > 0", KF_ANSWER_UNKNOWN);
	expect(&w, "total(syscall) > 27%", KF_ANSWER_YES);
	release(&w);
	read_twice(&w, KF_SYSCALLS_OFF);
	expect_why(&w, "futex > 1s", "--syscalls off");
	release(&w);
}

/* The filter left 20 out: its reads have no records although those of others would have. */
static void syscalls_of_others(void **state)
{
	struct kf_snapshot *s = window();
	struct world w;

	s->syscall_mode = KF_SYSCALLS_SLOW;
	kf_snapshot_set(&s->filter, "pid 30");
	resumed(s, 0, MS(100) + 1000, 0, 20);
	blocked(s, 0, MS(111), 20, 0, SYS_read);
	waking(s, 0, MS(139), 20, 0, 0);
	tells(switched(s, 0, MS(139) + 1000, 0, 20), MS(139), KF_CAUSE_WOKEN, 0);
	died(s, 0, MS(190), 20, 0);
	build(&w, s);
	expect_why(&w, "syscall:read > 1s", "the filter left it out");
	release(&w);
}

/* 20 is kept off the CPU from 110 to 150 ms, 30 of them because of a quota. */
static void quotas(void **state)
{
	struct kf_snapshot *s = window();
	struct world w;

	resumed(s, 0, MS(100) + 1000, 0, 20);
	switched(s, 0, MS(110), 20, 0)->flags |= KF_F_THROTTLED;
	tells(switched(s, 0, MS(150), 0, 20), MS(110), KF_CAUSE_PREEMPTED, 0);
	throttled(s, 0, MS(150), 20, MS(30), 0, true);
	died(s, 0, MS(190), 20, 0);
	knows_taken(s);
	build(&w, s);
	expect(&w, "total(throttled) > 29%", KF_ANSWER_YES);
	expect(&w, "total(throttled) > 30%", KF_ANSWER_NO);
	expect(&w, "throttled > 29ms", KF_ANSWER_YES);
	expect(&w, "total(steal) > 1%", KF_ANSWER_NO);
	w.s->sources = KF_SOURCES_ALL & ~KF_SOURCE_QUOTA;
	expect(&w, "total(throttled) > 29%", KF_ANSWER_YES);
	expect(&w, "total(steal) > 1%", KF_ANSWER_NO);
	expect_why(&w, "total(throttled) > 30%", "throttled was not recorded");
	w.s->rings[KF_CLASS_TAKEN][0].oldest_ns = MS(120);
	expect_why(&w, "total(irq) > 30%", "records of irq in the window were lost");
	release(&w);
}

static void time_of_cpus(void **state)
{
	struct kf_snapshot *s = window();
	struct world w;

	resumed(s, 0, MS(100) + 1000, 0, 20);
	stole(s, 0, MS(110), MS(120), MS(4));
	stole(s, 0, MS(195), MS(205), MS(6)); /* 1 to 5 of them in the window */
	died(s, 0, MS(190), 20, 0);
	knows_taken(s);
	build(&w, s);
	expect(&w, "total(steal) >= 5%", KF_ANSWER_YES);
	expect(&w, "total(steal) > 9%", KF_ANSWER_NO);
	expect(&w, "total(steal) > 6%", KF_ANSWER_UNKNOWN);
	expect(&w, "total(softirq) > 0%", KF_ANSWER_NO);
	release(&w);
}

static void the_worst_in_words(void **state)
{
	struct kf_measured m;
	struct kf_expr x;
	char text[512];
	struct world w;

	ten_gaps(&w);
	x = expr_of("max(futex) of victim > 2ms");
	m = measured(&w, x.text);
	assert_string_equal(kf_measured_worst(&m, &x, w.t, text, sizeof(text)),
			    "victim/20 waited 1.00 ms in futex(0x0), woken by hog/30");
	assert_string_equal(kf_measured_value(&m, &x, text, sizeof(text)), "1.00 ms");
	assert_string_equal(kf_expr_limit(&x, text, sizeof(text)), "> 2.00 ms");
	x = expr_of("total(futex) of victim >= 12.5%");
	m = measured(&w, x.text);
	assert_string_equal(kf_measured_value(&m, &x, text, sizeof(text)), "10 %");
	assert_string_equal(kf_expr_limit(&x, text, sizeof(text)), ">= 12.5 %");
	assert_string_equal(kf_measured_worst(&m, &x, w.t, text, sizeof(text)), "most of it: victim/20, 10.0 ms");
	release(&w);
}

/*
 * A window of 1 s. nginx/20 sleeps 1 ms in futex, waits 1 ms to run behind hog/30 and runs 1 ms, again and again; but from
 * 400 to 490 ms on it waits for 9 ms each time.
 */
static struct kf_snapshot *a_bad_tenth(void)
{
	struct kf_snapshot *s = make(1, MS(1000), MS(2000));
	uint64_t now = MS(1000) + 1000;

	s->syscall_mode = KF_SYSCALLS_BLOCKING;
	knows_taken(s);
	tells(switched(s, 0, now, 0, 20), MS(999), KF_CAUSE_WOKEN, 0);
	while (now < MS(1985)) {
		uint64_t gap = now >= MS(1400) && now < MS(1490) ? MS(9) : MS(1);

		blocked(s, 0, now + MS(1), 20, 30, SYS_futex);
		waking(s, 0, now + MS(2), 20, 30, 0);
		now += MS(2) + gap;
		tells(switched(s, 0, now, 30, 20), now - gap, KF_CAUSE_WOKEN, 30);
	}
	named(scanned(s, 20, 0, 0, KF_NR_USER), "nginx");
	named(scanned(s, 30, 0, 0, KF_NR_USER), "hog");
	return s;
}

static void periods(void **state)
{
	struct kf_measured m;
	struct world w;

	build(&w, a_bad_tenth());
	/* Over the whole window they are few. */
	expect(&w, "p95(runq) of nginx > 2ms", KF_ANSWER_NO);
	expect(&w, "p95(runq) of nginx > 2ms / 100ms", KF_ANSWER_YES);
	expect(&w, "p95(runq) of nginx > 9ms / 100ms", KF_ANSWER_NO);
	expect(&w, "avg(runq) of nginx > 5ms / 100ms", KF_ANSWER_YES);
	expect(&w, "avg(runq) of nginx > 5ms", KF_ANSWER_NO);
	expect(&w, "total(runq) of nginx > 70% / 100ms", KF_ANSWER_YES);
	expect(&w, "total(runq) of nginx > 95% / 100ms", KF_ANSWER_NO);
	expect(&w, "count(runq > 5ms) of nginx >= 8 / 100ms", KF_ANSWER_YES);
	expect(&w, "count(runq > 5ms) of nginx > 9 / 100ms", KF_ANSWER_NO);
	expect(&w, "rate(runq > 5ms) of nginx >= 80/s/100ms", KF_ANSWER_YES);
	expect(&w, "rate(runq > 5ms) of nginx > 9/s", KF_ANSWER_NO);
	expect(&w, "count(futex) of nginx < 15 / 100ms", KF_ANSWER_YES);
	expect(&w, "count(futex) of nginx < 6 / 100ms", KF_ANSWER_NO);
	expect(&w, "max(runq) of nginx < 2ms / 100ms", KF_ANSWER_YES);
	m = measured(&w, "count(runq > 5ms) of nginx > 1 / 100ms");
	assert_in_range(m.from_ns, MS(1380), MS(1420));
	assert_int_equal(m.window_ns, MS(100));
	assert_in_range(m.value, 8, 9);
	assert_true(m.has_worst);
	assert_int_equal(kf_sample_ns(&m.worst), MS(9));
	/* The smallest, for "below". */
	m = measured(&w, "count(futex) of nginx < 15 / 100ms");
	assert_in_range(m.from_ns, MS(1380), MS(1420));
	release(&w);
}

/* The same as without a period. */
static void a_period_as_long_as_the_window(void **state)
{
	static const char *const texts[] = { "p90(runq) > 2ms",	     "avg(runq) of nginx > 1500us",
					     "total(futex) < 30%",   "count(runq>2ms) > 8",
					     "rate(futex) >= 300/s", "total(block) of nginx > 200ms",
					     "p50(futex) < 1ms",     "total(steal) > 1%" };
	char with_period[100];
	struct world w;

	build(&w, a_bad_tenth());
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct kf_measured a = measured(&w, texts[i]), b;

		snprintf(with_period, sizeof(with_period), "%s / 1s", texts[i]);
		b = measured(&w, with_period);
		if (a.answer != b.answer || a.value != b.value || a.n_waits != b.n_waits)
			fail_msg("%s: %d, %lu of %lu; with a period %d, %lu of %lu", texts[i], a.answer, a.value,
				 a.n_waits, b.answer, b.value, b.n_waits);
	}
	release(&w);
}

static void a_period_longer_than_the_window(void **state)
{
	struct world w;

	build(&w, a_bad_tenth());
	expect(&w, "count(runq > 5ms) > 5 / 2s", KF_ANSWER_YES);
	expect_why(&w, "count(runq > 5ms) > 50 / 2s", "the window holds 1.00 s, less than the period of 2.00 s");
	expect_why(&w, "p1(runq) > 1ns / 2s", "less than the period");
	expect_why(&w, "count(runq > 5ms) < 50 / 2s", "less than the period");
	expect(&w, "total(runq) of nginx > 10% / 2s", KF_ANSWER_YES);
	expect(&w, "total(runq) of nginx > 30% / 2s", KF_ANSWER_UNKNOWN);
	expect(&w, "rate(runq > 5ms) > 4/s/2s", KF_ANSWER_YES);
	expect(&w, "rate(runq > 5ms) > 6/s/2s", KF_ANSWER_UNKNOWN);
	release(&w);
}

/* 20 sleeps from 1450 to 1500 ms, and is not seen before 1700: it may have slept in between, and woken up at any time. */
static void periods_with_lost_records(void **state)
{
	struct kf_snapshot *s = make(1, MS(1000), MS(2000));
	struct world w;

	s->syscall_mode = KF_SYSCALLS_BLOCKING;
	tells(switched(s, 0, MS(1000) + 1000, 0, 20), MS(999), KF_CAUSE_WOKEN, 0);
	blocked(s, 0, MS(1450), 20, 0, SYS_futex);
	waking(s, 0, MS(1500), 20, 0, 0);
	tells(switched(s, 0, MS(1500) + 1000, 0, 20), MS(1500), KF_CAUSE_WOKEN, 0);
	tells(switched(s, 0, MS(1700), 30, 20), MS(1699), KF_CAUSE_WOKEN, 0);
	died(s, 0, MS(1990), 20, 0);
	build(&w, s);
	assert_true(w.samples.lists[KF_SAMPLE_HOLE].n > 0);
	expect(&w, "count(futex) of 20 > 0 / 100ms", KF_ANSWER_YES);
	expect(&w, "count(futex) of 20 > 1 / 100ms", KF_ANSWER_UNKNOWN);
	/* Longer than the period, but not than the hole. */
	expect(&w, "count(futex > 150ms) of 20 > 0 / 100ms", KF_ANSWER_UNKNOWN);
	expect(&w, "count(futex > 250ms) of 20 > 0 / 100ms", KF_ANSWER_NO);
	expect(&w, "count(futex > 30ms) of 20 > 5 / 100ms", KF_ANSWER_NO);
	expect(&w, "avg(futex) of 20 > 40ms / 100ms", KF_ANSWER_YES);
	expect(&w, "avg(futex) of 20 > 150ms / 100ms", KF_ANSWER_UNKNOWN);
	expect(&w, "p99(futex) of 20 > 1s / 100ms", KF_ANSWER_NO);
	expect(&w, "total(futex) of 20 > 49% / 100ms", KF_ANSWER_YES);
	expect(&w, "total(futex) of 20 > 60% / 100ms", KF_ANSWER_UNKNOWN);
	expect(&w, "total(futex) of 20 > 100% / 100ms", KF_ANSWER_NO);
	release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_numbers),
		cmocka_unit_test(percentiles_are_nearest_rank),
		cmocka_unit_test(a_wait_that_has_not_ended),
		cmocka_unit_test(a_wait_that_began_before),
		cmocka_unit_test(lost_records),
		cmocka_unit_test(nobody_is_no_pass),
		cmocka_unit_test(a_window_too_short),
		cmocka_unit_test(an_empty_window),
		cmocka_unit_test(dropped_records),
		cmocka_unit_test(syscalls_with_records),
		cmocka_unit_test(syscalls_without_records),
		cmocka_unit_test(syscalls_of_others),
		cmocka_unit_test(quotas),
		cmocka_unit_test(time_of_cpus),
		cmocka_unit_test(the_worst_in_words),
		cmocka_unit_test(periods),
		cmocka_unit_test(a_period_as_long_as_the_window),
		cmocka_unit_test(a_period_longer_than_the_window),
		cmocka_unit_test(periods_with_lost_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
