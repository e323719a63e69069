/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A toy scheduler that writes the records a kernel would, and knows the truth. With all records the timeline must agree
 * with it to the nanosecond; with records missing at random it must still keep its promises.
 */
#include "model/timeline.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "make_snapshot.h"
#include "model/check.h"
#include "model/parts.h"

#define N_CPUS	  3
#define N_TIDS	  24
#define FIRST_TID 100
#define STEPS	  3000
#define STEP_NS	  3000 /* at least; 500 more on average, so the records go on after the window */
#define BEGIN_NS  1000000
#define FLOOR_NS  (BEGIN_NS + STEPS * STEP_NS / 4)
#define END_NS	  (BEGIN_NS + STEPS * STEP_NS)
#define LEAD_NS	  50000 /* a wake-up this long before a switch-out may be the one that ends the sleep */

struct toy_thread {
	enum kf_state state;
	uint32_t cpu;	   /* running on, queued on, or where it ran last */
	uint64_t since_ns; /* in this state */
	uint64_t start_ns; /* of the thread */
	uint64_t awake_ns; /* last wake-up that did not count */
	enum kf_cause cause;
	uint32_t waker;
	uint32_t reuse; /* of its tid in the window */
	uint64_t spent_ns[KF_STATES];
};

/* What interrupted whom: in truth, by CPU and in order of time, without overlap. */
struct toy_taken {
	uint64_t start_ns, end_ns;
	uint8_t kind; /* enum kf_part_kind */
};

struct toy {
	struct kf_snapshot *s;
	struct toy_taken taken[N_CPUS][STEPS];
	size_t n_taken[N_CPUS];
	uint16_t prio[N_TIDS];
	struct toy_thread threads[N_TIDS]; /* tid FIRST_TID + index */
	uint32_t running[N_CPUS];	   /* tid, 0 idle */
	uint64_t now_ns;
	uint64_t random;
};

static uint32_t roll(struct toy *toy, uint32_t n)
{
	toy->random = toy->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (toy->random >> 33) % n;
}

static struct toy_thread *who(struct toy *toy, uint32_t tid)
{
	return &toy->threads[tid - FIRST_TID];
}

static uint64_t clip(uint64_t ns)
{
	return ns < FLOOR_NS ? FLOOR_NS : ns > END_NS ? END_NS : ns;
}

static void enter(struct toy *toy, struct toy_thread *th, enum kf_state state, uint32_t cpu)
{
	th->spent_ns[th->state] += clip(toy->now_ns) - clip(th->since_ns);
	th->state = state;
	th->since_ns = toy->now_ns;
	th->cpu = cpu;
}

static void become_runnable(struct toy *toy, struct toy_thread *th, uint32_t cpu, enum kf_cause cause, uint32_t waker)
{
	enter(toy, th, KF_STATE_RUNNABLE, cpu);
	th->cause = cause;
	th->waker = waker;
}

/* A random thread in this state (on this CPU if cpu < N_CPUS); 0 none. */
static uint32_t any(struct toy *toy, enum kf_state state, uint32_t cpu)
{
	uint32_t from = roll(toy, N_TIDS);

	for (uint32_t i = 0; i < N_TIDS; i++) {
		uint32_t tid = FIRST_TID + (from + i) % N_TIDS;

		if (who(toy, tid)->state == state && (cpu >= N_CPUS || who(toy, tid)->cpu == cpu))
			return tid;
	}
	return 0;
}

/* prev leaves in this state; next is whoever is queued. */
static void do_switch(struct toy *toy, uint32_t cpu, enum kf_state leaves)
{
	uint32_t prev = toy->running[cpu], next = any(toy, KF_STATE_RUNNABLE, cpu);
	struct kf_slot *slot;

	if (prev == next || (leaves == KF_STATE_RUNNABLE && !next))
		return;
	if (prev && leaves == KF_STATE_BLOCKED)
		slot = blocked(toy->s, cpu, toy->now_ns, prev, next, SYS_futex);
	else if (prev && leaves == KF_STATE_DEAD)
		slot = died(toy->s, cpu, toy->now_ns, prev, next);
	else
		slot = switched(toy->s, cpu, toy->now_ns, prev, next);
	if (next)
		tells(slot, who(toy, next)->since_ns, who(toy, next)->cause, who(toy, next)->waker);
	if (prev && leaves == KF_STATE_RUNNABLE)
		become_runnable(toy, who(toy, prev), cpu, KF_CAUSE_PREEMPTED, 0);
	else if (prev)
		enter(toy, who(toy, prev), leaves, cpu);
	if (next)
		enter(toy, who(toy, next), KF_STATE_RUNNING, cpu);
	toy->running[cpu] = next;
}

static void do_wake(struct toy *toy, uint32_t cpu)
{
	uint32_t tid = any(toy, KF_STATE_BLOCKED, N_CPUS), to;

	if (!tid)
		return;
	waking(toy->s, cpu, toy->now_ns, tid, toy->running[cpu], who(toy, tid)->cpu);
	to = who(toy, tid)->cpu;
	become_runnable(toy, who(toy, tid), to, KF_CAUSE_WOKEN, toy->running[cpu]);
	if (roll(toy, 2)) {
		to = roll(toy, N_CPUS);
		migrated(toy->s, cpu, toy->now_ns + 10, tid, who(toy, tid)->cpu, to, false)->peer = toy->running[cpu];
		who(toy, tid)->cpu = to;
	}
}

/* The wake-up comes while the sleeper is still on its way out. */
static void do_early_wake(struct toy *toy, uint32_t cpu)
{
	uint32_t tid = any(toy, KF_STATE_RUNNING, N_CPUS), waker = toy->running[cpu], at;

	if (!tid || who(toy, tid)->cpu == cpu)
		return;
	at = who(toy, tid)->cpu;
	waking_early(toy->s, cpu, toy->now_ns, tid, waker, at);
	toy->now_ns += 1 + roll(toy, 2000);
	do_switch(toy, at, KF_STATE_BLOCKED);
	become_runnable(toy, who(toy, tid), at, KF_CAUSE_WOKEN, waker);
}

/* The wake-up of a thread that then does not sleep. */
static void do_vain_wake(struct toy *toy, uint32_t cpu)
{
	uint32_t tid = any(toy, KF_STATE_RUNNING, N_CPUS);

	if (!tid || tid == toy->running[cpu])
		return;
	waking_early(toy->s, cpu, toy->now_ns, tid, toy->running[cpu], who(toy, tid)->cpu);
	who(toy, tid)->awake_ns = toy->now_ns;
}

static void do_migrate(struct toy *toy, uint32_t cpu)
{
	uint32_t tid = any(toy, KF_STATE_RUNNABLE, N_CPUS), to = roll(toy, N_CPUS);

	if (!tid || who(toy, tid)->cpu == to)
		return;
	migrated(toy->s, cpu, toy->now_ns, tid, who(toy, tid)->cpu, to, true)->peer = toy->running[cpu];
	who(toy, tid)->cpu = to;
}

static void do_fork(struct toy *toy, uint32_t cpu)
{
	uint32_t tid = any(toy, KF_STATE_DEAD, N_CPUS), parent = toy->running[cpu];
	struct toy_thread *th;

	if (!tid || !parent)
		return;
	th = who(toy, tid);
	*th = (struct toy_thread){ .state = KF_STATE_DEAD,
				   .start_ns = toy->now_ns,
				   .reuse = th->reuse + (th->since_ns >= FLOOR_NS || th->spent_ns[KF_STATE_RUNNING]) };
	life(toy->s, cpu, toy->now_ns + 1, KF_FORK, tid, parent, tid, "kid", toy->now_ns);
	toy->now_ns += 100;
	wakeup_new(toy->s, cpu, toy->now_ns, tid, parent, cpu);
	become_runnable(toy, th, cpu, KF_CAUSE_FORKED, parent);
}

static bool may_block(const struct toy *toy, uint32_t cpu)
{
	uint32_t tid = toy->running[cpu];

	return tid && toy->now_ns > toy->threads[tid - FIRST_TID].awake_ns + LEAD_NS;
}

/* An interrupt, softirq or steal since the last step; it fits between, so that it takes from one thread only. */
static void do_take(struct toy *toy)
{
	uint32_t cpu = roll(toy, N_CPUS), ns = 1 + roll(toy, 900);
	uint64_t end_ns = toy->now_ns - 1500 - roll(toy, 300);
	struct toy_taken taken = { end_ns - ns, end_ns, 0 };

	switch (roll(toy, 3)) {
	case 0:
		took_irq(toy->s, cpu, taken.start_ns, taken.end_ns, (uint16_t)roll(toy, 4));
		taken.kind = KF_PART_IRQ;
		break;
	case 1:
		took_softirq(toy->s, cpu, taken.start_ns, taken.end_ns, (uint16_t)roll(toy, 4));
		taken.kind = KF_PART_SOFTIRQ;
		break;
	default:
		stole(toy->s, cpu, taken.start_ns, taken.end_ns, ns);
		taken.kind = KF_PART_STEAL;
	}
	toy->taken[cpu][toy->n_taken[cpu]++] = taken;
}

static void do_prio(struct toy *toy, uint32_t cpu)
{
	uint32_t tid = toy->running[cpu];
	uint16_t now = roll(toy, 2) ? NICE((int)roll(toy, 40) - 20) : FIFO(1 + (int)roll(toy, 99));

	if (!tid)
		return;
	changed_prio(toy->s, cpu, toy->now_ns, tid, tid, toy->prio[tid - FIRST_TID], now);
	toy->prio[tid - FIRST_TID] = now;
}

static void step(struct toy *toy)
{
	uint32_t cpu = roll(toy, N_CPUS), dice = roll(toy, 100);

	toy->now_ns += STEP_NS + roll(toy, 1001);
	if (roll(toy, 2))
		do_take(toy);
	if (!roll(toy, 20))
		do_prio(toy, cpu);
	if (dice < 30)
		do_wake(toy, cpu);
	else if (dice < 35)
		do_early_wake(toy, cpu);
	else if (dice < 38)
		do_vain_wake(toy, cpu);
	else if (dice < 45)
		do_migrate(toy, cpu);
	else if (dice < 48)
		do_fork(toy, cpu);
	else if (dice < 50 && may_block(toy, cpu))
		do_switch(toy, cpu, KF_STATE_DEAD);
	else if (dice < 75 && may_block(toy, cpu))
		do_switch(toy, cpu, KF_STATE_BLOCKED);
	else
		do_switch(toy, cpu, KF_STATE_RUNNABLE);
}

static void scan(struct toy *toy)
{
	for (uint32_t tid = FIRST_TID; tid < FIRST_TID + N_TIDS; tid++) {
		struct toy_thread *th = who(toy, tid);
		struct kf_task *task;

		if (th->state != KF_STATE_DEAD) {
			task = scanned(toy->s, tid, th->state == KF_STATE_BLOCKED, th->cpu, SYS_futex);
			task->start_time_ns = th->start_ns;
			task->flags |= th->state == KF_STATE_RUNNING ? KF_TASK_ON_CPU : 0;
			task->prio = toy->prio[tid - FIRST_TID];
		}
		th->spent_ns[th->state] += clip(toy->now_ns) - clip(th->since_ns);
	}
}

static void play(struct toy *toy, uint64_t seed)
{
	*toy = (struct toy){ .s = make(N_CPUS, FLOOR_NS, END_NS), .now_ns = BEGIN_NS, .random = seed };
	for (uint32_t i = 0; i < N_TIDS; i++)
		toy->threads[i] = (struct toy_thread){ .state = i < N_TIDS / 2 ? KF_STATE_BLOCKED : KF_STATE_DEAD,
						       .cpu = i % N_CPUS,
						       .start_ns = 1 };
	for (uint32_t i = 0; i < N_TIDS; i++)
		toy->prio[i] = NICE(0);
	knows_taken(toy->s);
	for (int i = 0; i < STEPS; i++)
		step(toy);
	scan(toy);
}

static void check(const struct kf_timeline *t, uint64_t seed)
{
	struct kf_parts parts = { 0 };
	struct kf_error e = { 0 };

	if (kf_timeline_check(t, &e))
		fail_msg("seed %" PRIu64 ": %s", seed, e.message);
	for (size_t i = 0; i < t->n_gaps; i++) {
		uint64_t sum = 0;

		assert_int_equal(kf_gap_parts(t, &t->gaps[i], &parts, &e), 0);
		for (size_t k = 0; k < parts.n; k++) {
			assert_true(parts.items[k].ns && parts.items[k].ns <= t->gaps[i].end_ns - t->gaps[i].start_ns);
			sum += parts.items[k].ns;
		}
		assert_int_equal(sum, t->gaps[i].end_ns - t->gaps[i].start_ns);
	}
	kf_parts_release(&parts);
}

static struct kf_timeline *build(const struct kf_snapshot *s, uint64_t seed)
{
	struct kf_timeline *t = NULL;
	struct kf_error e = { 0 };

	if (kf_timeline_build(&t, s, &e))
		fail_msg("seed %" PRIu64 ": %s", seed, e.message);
	check(t, seed);
	return t;
}

static void compare(struct toy *toy, const struct kf_timeline *t, uint32_t tid, uint64_t seed)
{
	const struct toy_thread *th = who(toy, tid);
	uint32_t index = kf_timeline_find(t, tid, 0);
	const struct kf_thread *got = index == KF_NOBODY ? NULL : &t->threads[index];
	uint64_t lived =
		th->spent_ns[KF_STATE_RUNNING] + th->spent_ns[KF_STATE_RUNNABLE] + th->spent_ns[KF_STATE_BLOCKED];

	if (!lived)
		return;
	if (!got) {
		fail_msg("seed %" PRIu64 ": no thread %u", seed, tid);
		return;
	}
	if (got->running_ns != th->spent_ns[KF_STATE_RUNNING] || got->runnable_ns != th->spent_ns[KF_STATE_RUNNABLE] ||
	    got->blocked_ns != th->spent_ns[KF_STATE_BLOCKED])
		fail_msg("seed %" PRIu64 ": thread %u ran %" PRIu64 ", waited %" PRIu64 ", slept %" PRIu64
			 ", unknown %" PRIu64 "; in truth %" PRIu64 ", %" PRIu64 ", %" PRIu64,
			 seed, tid, got->running_ns, got->runnable_ns, got->blocked_ns, got->unknown_ns,
			 th->spent_ns[KF_STATE_RUNNING], th->spent_ns[KF_STATE_RUNNABLE],
			 th->spent_ns[KF_STATE_BLOCKED]);
}

/* What a gap's parts say of interrupts is what there was in its stretches, to the nanosecond. */
static void compare_taken(const struct toy *toy, const struct kf_timeline *t, const struct kf_gap *gap,
			  struct kf_parts *parts, uint64_t seed)
{
	uint64_t want[KF_PART_KINDS] = { 0 }, got[KF_PART_KINDS] = { 0 };
	struct kf_error e = { 0 };

	for (uint32_t k = 0; k < gap->n_stretches; k++) {
		const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + k];

		for (size_t i = 0; stretch->cpu < N_CPUS && i < toy->n_taken[stretch->cpu]; i++) {
			const struct toy_taken *taken = &toy->taken[stretch->cpu][i];
			uint64_t from = taken->start_ns > stretch->start_ns ? taken->start_ns : stretch->start_ns;
			uint64_t to = taken->end_ns < stretch->end_ns ? taken->end_ns : stretch->end_ns;

			if (from < FLOOR_NS)
				from = FLOOR_NS;
			want[taken->kind] += to > from ? to - from : 0;
		}
	}
	assert_int_equal(kf_gap_parts(t, gap, parts, &e), 0);
	for (size_t i = 0; i < parts->n; i++)
		got[parts->items[i].kind] += parts->items[i].ns;
	for (int kind = KF_PART_IRQ; kind <= KF_PART_STEAL; kind++)
		if (got[kind] != want[kind])
			fail_msg("seed %" PRIu64 ": gap from %" PRIu64 " to %" PRIu64 ": %s took %" PRIu64
				 ", in truth %" PRIu64,
				 seed, gap->start_ns, gap->end_ns, kf_part_kind_name(kind), got[kind], want[kind]);
}

static void interrupts_agree_with_the_truth(void **state)
{
	static struct toy toy;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct kf_parts parts = { 0 };
		struct kf_timeline *t;

		play(&toy, seed);
		t = build(toy.s, seed);
		for (size_t i = 0; i < t->n_gaps; i++)
			compare_taken(&toy, t, &t->gaps[i], &parts, seed);
		kf_parts_release(&parts);
		kf_timeline_free(&t);
		kf_snapshot_free(&toy.s);
	}
}

static void agrees_with_the_truth(void **state)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct kf_timeline *t;
		struct toy toy;

		play(&toy, seed);
		t = build(toy.s, seed);
		for (uint32_t tid = FIRST_TID; tid < FIRST_TID + N_TIDS; tid++)
			compare(&toy, t, tid, seed);
		if (t->n_repaired || t->n_ignored)
			fail_msg("seed %" PRIu64 ": %" PRIu64 " repaired, %" PRIu64 " ignored", seed, t->n_repaired,
				 t->n_ignored);
		kf_timeline_free(&t);
		kf_snapshot_free(&toy.s);
	}
}

/* Removes that many of 1000 records, with their second slots. */
static void lose(struct toy *toy, uint32_t per_mille)
{
	for (int class = 0; class < KF_CLASSES; class ++) {
		for (uint32_t cpu = 0; cpu < N_CPUS; cpu++) {
			struct kf_ring_copy *ring = &toy->s->rings[class][cpu];
			size_t kept = 0;

			for (size_t i = 0, width; i < ring->n_slots; i += width) {
				width = ring->slots[i].flags & KF_F_MORE ? 2 : 1;
				if (roll(toy, 1000) < per_mille)
					continue;
				memmove(&ring->slots[kept], &ring->slots[i], width * sizeof(*ring->slots));
				kept += width;
			}
			ring->n_slots = kept;
		}
	}
}

static void survives_losses(void **state)
{
	static const uint32_t per_mille[] = { 1, 10, 100, 500, 900 };

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct kf_timeline *t;
		struct toy toy;

		play(&toy, seed);
		lose(&toy, per_mille[seed % 5]);
		t = build(toy.s, seed);
		assert_true(seed % 5 < 2 || t->n_repaired);
		kf_timeline_free(&t);
		kf_snapshot_free(&toy.s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_truth),
		cmocka_unit_test(interrupts_agree_with_the_truth),
		cmocka_unit_test(survives_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
