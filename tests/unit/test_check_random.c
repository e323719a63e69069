/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Never a false pass: random schedules of which everything is known, then a record is lost and the window is cut, and
 * every answer that is still given must be the true one.
 *
 * KF_SEED=N starts elsewhere, KF_ROUNDS=N tries more.
 */
#include "check/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "hand_expr.h"
#include "make_snapshot.h"
#include "model/timeline.h"

#define N_THREADS 3
#define US(n)	  ((uint64_t)(n)*1000)
#define BEGIN	  US(1000000)
#define MAX_WAITS 4000

struct truth {
	uint64_t start, end;
	bool futex; /* else runq */
};

/* One CPU on which threads 10, 11, ... take turns. */
struct world {
	uint64_t round; /* the seed it began with */
	uint64_t seed;
	struct kf_snapshot *s;
	uint64_t now;
	uint64_t since[N_THREADS]; /* runnable or blocked */
	bool blocked[N_THREADS];
	int running; /* -1 idle */
	struct truth waits[MAX_WAITS];
	size_t n_waits;
};

static uint32_t roll(struct world *w, uint32_t n)
{
	w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(w->seed >> 33) % n;
}

static void note(struct world *w, int thread, bool futex)
{
	assert_true(w->n_waits < MAX_WAITS);
	w->waits[w->n_waits++] = (struct truth){ w->since[thread], w->now, futex };
}

static uint32_t tid_of(int thread)
{
	return thread < 0 ? 0 : 10 + (uint32_t)thread;
}

static void switch_to(struct world *w, int next, bool block)
{
	uint32_t prev_tid = tid_of(w->running);
	struct kf_slot *slot;

	if (next == w->running)
		return;
	slot = block ? blocked(w->s, 0, w->now, prev_tid, tid_of(next), SYS_futex)
		     : switched(w->s, 0, w->now, prev_tid, tid_of(next));
	if (w->running >= 0) {
		w->since[w->running] = w->now;
		w->blocked[w->running] = block;
	}
	if (next >= 0) {
		/* Every switch knows since when; the cause is not told apart here: most waits begin with a wake-up. */
		tells(slot, w->since[next], KF_CAUSE_WOKEN, 0);
		note(w, next, false);
	}
	w->running = next;
}

static int pick(struct world *w)
{
	int first = (int)roll(w, N_THREADS);

	for (int i = 0; i < N_THREADS; i++) {
		int thread = (first + i) % N_THREADS;

		if (thread != w->running && !w->blocked[thread])
			return thread;
	}
	return -1;
}

static void wake(struct world *w, int thread)
{
	note(w, thread, true);
	waking(w->s, 0, w->now, tid_of(thread), tid_of(w->running), 0);
	w->blocked[thread] = false;
	w->since[thread] = w->now;
}

static void step(struct world *w)
{
	int thread = (int)roll(w, N_THREADS);

	w->now += KF_WAIT_TICK_NS * (100 + roll(w, roll(w, 20) ? 3000 : 300000));
	if (w->blocked[thread])
		wake(w, thread);
	else if (w->running < 0 && pick(w) >= 0)
		switch_to(w, pick(w), false);
	else if (w->running >= 0)
		switch_to(w, pick(w), true);
}

static void simulate(struct world *w, uint64_t seed, int steps)
{
	*w = (struct world){ .round = seed, .seed = seed, .now = BEGIN, .running = -1 };
	w->s = make(1, BEGIN, BEGIN);
	w->s->syscall_mode = KF_SYSCALLS_BLOCKING;
	for (int i = 0; i < N_THREADS; i++) {
		w->blocked[i] = true;
		w->since[i] = BEGIN - US(1 + roll(w, 100));
	}
	for (int i = 0; i < steps; i++)
		step(w);
	w->s->end_ns = w->now + 1;
	w->now = w->s->end_ns;
	for (int i = 0; i < N_THREADS; i++) { /* what had not ended is at least that long */
		scanned(w->s, tid_of(i), w->blocked[i] ? INTERRUPTIBLE : 0, 0, w->blocked[i] ? SYS_futex : KF_NR_USER);
		if (i != w->running)
			note(w, i, w->blocked[i]);
	}
}

/* The first switch in the window tells who ran before it: were it lost, nobody would notice. */
static size_t first_switch(const struct world *w)
{
	const struct kf_ring_copy *ring = &w->s->rings[KF_CLASS_SCHED][0];
	size_t at = 0;

	while (at < ring->n_slots && (ring->slots[at].kind != KF_SWITCH || ring->slots[at].ts_ns <= w->s->floor_ns))
		at++;
	return at;
}

/* Nor would it be noticed if there is no later record of the thread. */
static bool is_switched_later(const struct kf_ring_copy *ring, size_t at, uint32_t tid)
{
	for (size_t i = at + 1; tid && i < ring->n_slots; i++)
		if (ring->slots[i].kind == KF_SWITCH && (ring->slots[i].tid == tid || ring->slots[i].peer == tid))
			return true;
	return !tid;
}

static bool is_missed(const struct world *w, size_t at)
{
	const struct kf_ring_copy *ring = &w->s->rings[KF_CLASS_SCHED][0];
	const struct kf_slot *slot = &ring->slots[at];

	return at > first_switch(w) && is_switched_later(ring, at, slot->tid) &&
	       (slot->kind == KF_WAKING || is_switched_later(ring, at, slot->peer));
}

/* Begins the window later, and takes a record out of it, with its second slot. */
static void damage(struct world *w)
{
	struct kf_ring_copy *ring = &w->s->rings[KF_CLASS_SCHED][0];
	size_t at, width;

	if (roll(w, 2))
		w->s->floor_ns = BEGIN + (w->s->end_ns - BEGIN) / (2 + roll(w, 5));
	at = first_switch(w) + 1 + roll(w, (uint32_t)ring->n_slots);
	if (at >= ring->n_slots)
		return;
	while (ring->slots[at].kind == KF_MORE)
		at--;
	width = ring->slots[at].flags & KF_F_MORE ? 2 : 1;
	if (!is_missed(w, at))
		return;
	memmove(&ring->slots[at], &ring->slots[at + width], (ring->n_slots - at - width) * sizeof(*ring->slots));
	ring->n_slots -= width;
}

/* Of the waits that reach into the window. */
static uint64_t longest(const struct world *w, bool futex, uint64_t from, uint64_t *n_longer, uint64_t limit)
{
	uint64_t most = 0;

	*n_longer = 0;
	for (size_t i = 0; i < w->n_waits; i++) {
		const struct truth *wait = &w->waits[i];

		if (wait->futex != futex || wait->end <= from)
			continue;
		*n_longer += wait->end - wait->start > limit;
		if (wait->end - wait->start > most)
			most = wait->end - wait->start;
	}
	return most;
}

static enum kf_answer ask(const struct kf_view *v, const char *text)
{
	struct kf_error e = { 0 };
	struct kf_expr x = expr_of(text);
	struct kf_measured m;

	if (kf_measure(&m, &x, NULL, v, &e))
		fail_msg("'%s': %s", text, e.message);
	return m.answer;
}

struct tally {
	unsigned long yes, no, unknown;
};

#define PERIOD US(100000)

/* Of the periods of the window, the most waits that are longer and ended in one; the period is so much wider at both ends. */
static uint64_t most_in_a_period(const struct world *w, bool futex, const struct kf_timeline *t, uint64_t limit,
				 int wider)
{
	uint64_t most = 0, from, last = t->end_ns - PERIOD;

	for (from = t->floor_ns;; from += PERIOD / 10) {
		uint64_t n = 0;

		from = from < last ? from : last;
		for (size_t i = 0; i < w->n_waits; i++) {
			const struct truth *wait = &w->waits[i];
			int64_t after = (int64_t)(wait->end - from), before = (int64_t)(from + PERIOD - wait->end);

			n += wait->futex == futex && wait->end - wait->start > limit && after > -wider &&
			     before >= -wider;
		}
		most = n > most ? n : most;
		if (from == last)
			return most;
	}
}

/* The same of periods: whatever is not known of the others, what is said of the worst must be true. */
static void compare_periods(const struct world *w, const struct kf_view *v, bool futex, uint64_t limit,
			    struct tally *tally)
{
	uint64_t low, high;
	enum kf_answer answer;
	char text[100];

	if (v->t->end_ns - v->t->floor_ns < PERIOD)
		return;
	low = most_in_a_period(w, futex, v->t, limit, -2 * KF_WAIT_TICK_NS);
	high = most_in_a_period(w, futex, v->t, limit, 2 * KF_WAIT_TICK_NS);
	for (uint64_t n = low ? low - 1 : 0; n <= high + 1; n++) {
		snprintf(text, sizeof(text), "count(%s > %lluns) > %llu / 100ms", futex ? "futex" : "runq",
			 (unsigned long long)limit, (unsigned long long)n);
		answer = ask(v, text);
		if ((answer == KF_ANSWER_YES && high <= n) || (answer == KF_ANSWER_NO && low > n))
			fail_msg("KF_SEED=%llu: %s: answer %d, but there were %llu to %llu",
				 (unsigned long long)w->round, text, answer, (unsigned long long)low,
				 (unsigned long long)high);
		tally->yes += answer == KF_ANSWER_YES;
		tally->no += answer == KF_ANSWER_NO;
		tally->unknown += answer == KF_ANSWER_UNKNOWN;
	}
}

static unsigned long given(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

/* A begin or end of a wait told by a switch is exact to a tick. */
static void compare(const struct world *w, const struct kf_view *v, bool futex, uint64_t limit, struct tally *tally)
{
	uint64_t n_longer, most = longest(w, futex, v->t->floor_ns, &n_longer, limit);
	const char *kind = futex ? "futex" : "runq";
	enum kf_answer max, count;
	char text[100];

	snprintf(text, sizeof(text), "max(%s) > %lluns", kind, (unsigned long long)limit);
	max = ask(v, text);
	if ((max == KF_ANSWER_YES && most + KF_WAIT_TICK_NS <= limit) ||
	    (max == KF_ANSWER_NO && most > limit + KF_WAIT_TICK_NS))
		fail_msg("KF_SEED=%llu: %s: answer %d, but the longest was %llu", (unsigned long long)w->round, text,
			 max, (unsigned long long)most);
	snprintf(text, sizeof(text), "count(%s > %lluns) > %llu", kind, (unsigned long long)limit,
		 (unsigned long long)(n_longer ? n_longer - 1 : 0));
	count = ask(v, text);
	if ((count == KF_ANSWER_NO && n_longer) || (count == KF_ANSWER_YES && !n_longer))
		fail_msg("KF_SEED=%llu: %s: answer %d, but there were %llu", (unsigned long long)w->round, text, count,
			 (unsigned long long)n_longer);
	tally->yes += max == KF_ANSWER_YES;
	tally->no += max == KF_ANSWER_NO;
	tally->unknown += max == KF_ANSWER_UNKNOWN;
}

static void never_a_false_answer(void **state)
{
	static struct world w;
	unsigned long first = given("KF_SEED", 1), rounds = given("KF_ROUNDS", 400);
	struct tally tally = { 0 }, of_periods = { 0 };

	for (unsigned long seed = first; seed < first + rounds; seed++) {
		struct kf_samples samples;
		struct kf_view v = { .samples = &samples };
		struct kf_timeline *t;
		struct kf_error e;

		simulate(&w, seed, 20 + (int)(seed % 300));
		damage(&w);
		if (kf_timeline_build(&t, w.s, &e) || kf_samples_collect(&samples, t, &e))
			fail_msg("KF_SEED=%lu: %s", seed, e.message);
		v.t = t;
		v.s = w.s;
		for (int i = 0; i < 8; i++)
			compare(&w, &v, i & 1, (roll(&w, 30000) + 7) * 1000 + 500, &tally);
		for (int i = 0; i < 4; i++)
			compare_periods(&w, &v, i & 1, (roll(&w, i < 2 ? 30000 : 300) + 7) * 1000 + 500, &of_periods);
		kf_samples_release(&samples);
		kf_timeline_free(&t);
		kf_snapshot_free(&w.s);
	}
	print_message("%lu yes, %lu no, %lu unknown; of periods %lu, %lu, %lu\n", tally.yes, tally.no, tally.unknown,
		      of_periods.yes, of_periods.no, of_periods.unknown);
	assert_true(tally.yes > 100 && tally.no > 100);
	assert_true(of_periods.yes > 100 && of_periods.no > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_a_false_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
