/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/timeline.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "built.h"
#include "make_snapshot.h"

/* Short names for the states and moves, as the expectations below write them. */
static const char *const move_names[] = { "?",	  "run",  "stop", "block", "wake", "migrate",
					  "fork", "exit", "exec", "call",  "lost", "found" };

static uint32_t thread_of(const struct kf_timeline *t, uint32_t tid)
{
	uint32_t index = kf_timeline_find(t, tid, 0);

	if (index == KF_NOBODY)
		fail_msg("no thread %u", tid);
	return index;
}

static const struct kf_thread *get(const struct kf_timeline *t, uint32_t tid)
{
	return &t->threads[thread_of(t, tid)];
}

/* "run 2000@1, block 3000@1": the moves of all users of this tid. */
static void expect_moves(const struct kf_timeline *t, uint32_t tid, const char *want)
{
	char got[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < t->n_moves; i++) {
		const struct kf_transition *m = &t->moves[i];

		if (t->threads[m->thread].tid != tid)
			continue;
		len += snprintf(got + len, sizeof(got) - len, "%s%s%s %" PRIu64, len ? ", " : "",
				m->flags & KF_MOVE_F_REPAIRED ? "*" : "", move_names[m->kind], m->ts_ns);
		if (m->cpu != KF_NO_CPU)
			len += snprintf(got + len, sizeof(got) - len, "@%u", m->cpu);
	}
	assert_string_equal(got, want);
}

/* "10 1000-2000, idle 2000-9000" */
static void expect_runs(const struct kf_timeline *t, uint16_t cpu, const char *want)
{
	char got[1024] = "", who[16];
	size_t len = 0;

	for (size_t i = 0; i < t->cpus[cpu].n_runs; i++) {
		const struct kf_run *run = &t->cpus[cpu].runs[i];

		snprintf(who, sizeof(who), "%u", run->thread < t->n_threads ? t->threads[run->thread].tid : 0);
		len += snprintf(got + len, sizeof(got) - len, "%s%s %" PRIu64 "-%" PRIu64, len ? ", " : "",
				run->thread == KF_IDLE	      ? "idle"
				: run->thread == KF_NOT_KNOWN ? "?"
							      : who,
				run->start_ns, run->end_ns);
	}
	assert_string_equal(got, want);
}

/* "20 2000-2500@1": every gap, with its stretches where there are several. */
static void expect_gaps(const struct kf_timeline *t, const char *want)
{
	char got[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < t->n_gaps; i++) {
		const struct kf_gap *gap = &t->gaps[i];

		len += snprintf(got + len, sizeof(got) - len, "%s%u", len ? ", " : "", t->threads[gap->thread].tid);
		for (uint32_t k = 0; k < gap->n_stretches; k++) {
			const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + k];

			len += snprintf(got + len, sizeof(got) - len, " %" PRIu64 "-%" PRIu64, stretch->start_ns,
					stretch->end_ns);
			if (stretch->cpu != KF_NO_CPU)
				len += snprintf(got + len, sizeof(got) - len, "@%u", stretch->cpu);
		}
		if (gap->open)
			len += snprintf(got + len, sizeof(got) - len, " open");
	}
	assert_string_equal(got, want);
}

/* A wakes B, B waits for the CPU that C has, runs, blocks. */
static void wake_wait_run_block(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	waking(s, 0, 2000, 20, 10, 1);
	switched(s, 1, 2500, 30, 20);
	blocked(s, 1, 3000, 20, 0, SYS_futex);
	blocked(s, 0, 4000, 10, 0, SYS_nanosleep);
	t = built(s);

	expect_moves(t, 20, "wake 2000@1, run 2500@1, block 3000@1");
	expect_moves(t, 30, "stop 2500@1");
	expect_moves(t, 10, "block 4000@0");
	expect_runs(t, 0, "10 1000-4000, idle 4000-9000");
	expect_runs(t, 1, "30 1000-2500, 20 2500-3000, idle 3000-9000");
	expect_gaps(t, "20 2000-2500@1, 30 2500-9000@1 open");
	assert_int_equal(get(t, 20)->start_state, KF_STATE_BLOCKED);
	assert_int_equal(get(t, 10)->start_state, KF_STATE_RUNNING);
	assert_int_equal(get(t, 20)->running_ns, 500);
	assert_int_equal(get(t, 20)->runnable_ns, 500);
	assert_int_equal(get(t, 20)->blocked_by_ns[KF_WAIT_FUTEX_LOCK], 6000);
	assert_int_equal(t->gaps[0].waker, thread_of(t, 10));
	assert_int_equal(t->gaps[0].cause, KF_CAUSE_WOKEN);
	assert_int_equal(t->gaps[1].cause, KF_CAUSE_PREEMPTED);
	assert_int_equal(t->n_repaired, 0);
	assert_int_equal(t->n_ignored, 0);
	kf_timeline_free(&t);
}

/* Preempted in user mode, in the kernel, by a quota, and giving the CPU away: all stay runnable. */
static void reasons_to_stop(void **state)
{
	struct kf_snapshot *s = make(1, 1000, 9000);
	struct kf_timeline *t;
	struct kf_slot *slot;

	resumed(s, 0, 2000, 10, 20);
	slot = tells(left(s, 0, 3000, 20, 30, SYS_read, INTERRUPTIBLE), 1000, KF_CAUSE_PREEMPTED, 0);
	slot->flags |= KF_F_PREEMPT; /* about to sleep, but still on the queue */
	resumed(s, 0, 4000, 30, 40)->flags |= KF_F_THROTTLED;
	slot = switched(s, 0, 5000, 40, 0);
	slot->nr = SYS_sched_yield;
	slot->flags |= KF_F_IN_SYSCALL;
	t = built(s);

	expect_moves(t, 10, "stop 2000@0");
	expect_moves(t, 20, "run 2000@0, stop 3000@0");
	assert_int_equal(t->moves[0].flags, 0);
	assert_int_equal(t->moves[2].flags, KF_MOVE_F_IN_KERNEL);
	assert_int_equal(t->moves[2].wait.nr, SYS_read);
	assert_int_equal(t->moves[4].flags, KF_MOVE_F_THROTTLED);
	assert_int_equal(t->moves[6].flags, KF_MOVE_F_YIELD);
	expect_gaps(t, "20 1000-2000@0, 30 1000-3000@0, 40 1000-4000@0, 10 2000-9000@0 open, 20 3000-9000@0 open, "
		       "30 4000-9000@0 open, 40 5000-9000@0 open");
	assert_true(t->gaps[5].throttled);
	assert_true(t->gaps[6].yielded);
	kf_timeline_free(&t);
}

/* The waker is faster than the sleeper's own switch. */
static void woken_before_it_left(void **state)
{
	struct kf_snapshot *s = make(2, 100000, 900000);
	struct kf_timeline *t;

	waking_early(s, 0, 200000, 20, 10, 1);
	tells(blocked(s, 1, 210000, 20, 30, SYS_futex), 100000, KF_CAUSE_PREEMPTED, 0);
	switched(s, 1, 300000, 30, 20);
	t = built(s);

	expect_moves(t, 20, "block 210000@1, wake 210000@1, run 300000@1");
	expect_gaps(t, "30 100000-210000@1, 20 210000-300000@1, 30 300000-900000@1 open");
	assert_int_equal(t->gaps[1].waker, thread_of(t, 10));
	assert_int_equal(t->n_repaired, 0);
	kf_timeline_free(&t);
}

/* A wake-up that found its thread awake is not the one that ended the next sleep. */
static void wake_that_did_not_count(void **state)
{
	struct kf_snapshot *s = make(2, 100000, 900000);
	struct kf_timeline *t;

	waking_early(s, 0, 200000, 20, 10, 1); /* dropped: it does not block */
	resumed(s, 1, 210000, 20, 30);
	switched(s, 1, 220000, 30, 20);
	waking_early(s, 0, 300000, 20, 10, 1); /* it blocks, but the next wake-up is the one that counts */
	blocked(s, 1, 310000, 20, 30, SYS_futex);
	waking(s, 0, 400000, 20, 10, 1);
	switched(s, 1, 410000, 30, 20);
	t = built(s);

	expect_moves(t, 20, "stop 210000@1, run 220000@1, block 310000@1, wake 400000@1, run 410000@1");
	assert_int_equal(t->n_repaired, 0);
	kf_timeline_free(&t);
}

/* Too old to be of this sleep, and no other one is known: when it woke is not known. */
static void stale_wake(void **state)
{
	struct kf_snapshot *s = make(2, 100000, 900000);
	struct kf_timeline *t;

	waking_early(s, 0, 200000, 20, 10, 1);
	tells(blocked(s, 1, 260000, 20, 30, SYS_futex), 100000, KF_CAUSE_PREEMPTED, 0);
	switched(s, 1, 300000, 30, 20);
	t = built(s);

	expect_moves(t, 20, "block 260000@1, *lost 260000, *found 300000, run 300000@1");
	assert_int_equal(get(t, 20)->unknown_ns, 40000);
	assert_int_equal(get(t, 20)->runnable_ns, 0);
	assert_int_equal(t->n_repaired, 2);
	kf_timeline_free(&t);
}

/* At the end of the window only what comes later tells whether an early wake-up counted. */
static void early_wake_at_the_end(void **state)
{
	for (int told = 0; told < 4; told++) {
		struct kf_snapshot *s = make(2, 100000, 300000);
		struct kf_timeline *t;

		waking_early(s, 0, 200000, 20, 10, 1);
		blocked(s, 1, 210000, 20, 30, SYS_futex);
		if (told == 1)
			switched(s, 1, 310000, 30, 20);
		if (told == 2)
			waking(s, 0, 310000, 20, 10, 1);
		if (told == 3)
			scanned(s, 20, INTERRUPTIBLE, 1, SYS_futex);
		t = built(s);
		expect_moves(t, 20,
			     told == 0	 ? "block 210000@1, *lost 210000"
			     : told == 1 ? "block 210000@1, wake 210000@1"
					 : "block 210000@1");
		kf_timeline_free(&t);
	}
}

static void second_wake_changes_nothing(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	waking(s, 0, 2000, 20, 10, 1);
	waking(s, 0, 2100, 20, 11, 1);
	switched(s, 1, 3000, 30, 20);
	t = built(s);

	expect_moves(t, 20, "wake 2000@1, run 3000@1");
	assert_int_equal(t->gaps[0].waker, thread_of(t, 10));
	assert_int_equal(t->n_ignored, 0);
	kf_timeline_free(&t);
}

/* The wake-up chooses a CPU, later the balancer moves the waiting thread. */
static void queues(void **state)
{
	struct kf_snapshot *s = make(3, 1000, 9000);
	struct kf_timeline *t;

	waking(s, 0, 2000, 20, 10, 0);
	migrated(s, 0, 2010, 20, 0, 1, false);
	migrated(s, 0, 3000, 20, 1, 2, true);
	switched(s, 2, 4000, 30, 20);
	t = built(s);

	expect_moves(t, 20, "wake 2000@1, migrate 3000@2, run 4000@2");
	expect_gaps(t, "20 2000-3000@1 3000-4000@2, 30 4000-9000@2 open");
	kf_timeline_free(&t);
}

/* It ran on another CPU than the one whose queue it was on: on whose it was in between is not known. */
static void lost_migration(void **state)
{
	struct kf_snapshot *s = make(3, 1000, 9000);
	struct kf_timeline *t;

	waking(s, 0, 2000, 20, 10, 1);
	switched(s, 2, 4000, 30, 20);
	t = built(s);

	expect_moves(t, 20, "wake 2000@1, *migrate 2000, run 4000@2");
	expect_gaps(t, "20 2000-4000, 30 4000-9000@2 open");
	assert_int_equal(t->n_repaired, 1);
	kf_timeline_free(&t);
}

/* Moved before anything else is known of it: the switch tells that it was runnable all along. */
static void migrated_since_the_floor(void **state)
{
	struct kf_snapshot *s = make(3, 1000, 9000);
	struct kf_timeline *t;

	migrated(s, 0, 3000, 20, 1, 2, true);
	resumed(s, 2, 4000, 30, 20);
	t = built(s);

	expect_gaps(t, "20 1000-3000@1 3000-4000@2, 30 4000-9000@2 open");
	kf_timeline_free(&t);
}

/* Neither a record nor the switch knows: that it was runnable since the floor would be a guess. */
static void runnable_since_nobody_knows(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	switched(s, 0, 4000, 30, 20);
	migrated(s, 0, 3000, 21, 1, 0, true); /* this one was, then */
	switched(s, 0, 5000, 20, 21);
	t = built(s);

	expect_moves(t, 20, "found 4000, run 4000@0, stop 5000@0");
	assert_int_equal(get(t, 20)->unknown_ns, 3000);
	expect_moves(t, 21, "found 3000, migrate 3000@0, run 5000@0");
	expect_gaps(t, "21 3000-5000@0, 30 4000-9000@0 open, 20 5000-9000@0 open");
	assert_int_equal(t->n_repaired, 0);
	kf_timeline_free(&t);
}

/* The wake-up is before the floor: the switch itself tells. */
static void runnable_since_before_the_floor(void **state)
{
	struct kf_snapshot *s = make(1, 100000, 900000);
	struct kf_timeline *t;

	tells(switched(s, 0, 164000, 30, 20), 36000, KF_CAUSE_WOKEN, 10)->flags |= KF_F_WAKER_IRQ;
	t = built(s);

	assert_int_equal(get(t, 20)->start_state, KF_STATE_RUNNABLE);
	assert_int_equal(get(t, 20)->start_since_ns, 36000);
	expect_gaps(t, "20 36000-100000 100000-164000@0, 30 164000-900000@0 open");
	assert_int_equal(t->gaps[0].cause, KF_CAUSE_WOKEN);
	assert_int_equal(t->gaps[0].waker, thread_of(t, 10));
	assert_true(t->gaps[0].waker_irq);
	assert_int_equal(get(t, 20)->runnable_ns, 64000);
	assert_int_equal(get(t, 20)->worst_gap_ns, 128000);
	kf_timeline_free(&t);
}

/* Wake-ups whose record was lost: the switch tells since when, as exactly as it can. */
static void lost_wakes(void **state)
{
	struct kf_snapshot *s = make(2, 100000, 900000);
	struct kf_timeline *t;

	tells(switched(s, 0, 200000, 30, 20), 180032, KF_CAUSE_WOKEN, 10);
	blocked(s, 0, 300000, 20, 30, SYS_futex);
	tells(switched(s, 0, 400000, 30, 20), 374400, KF_CAUSE_WOKEN, 11);
	blocked(s, 0, 500000, 20, 30, SYS_futex);
	switched(s, 0, 600000, 30, 20); /* and this one does not know either */
	t = built(s);

	expect_moves(t, 20,
		     "*wake 180032@0, run 200000@0, block 300000@0, *wake 374400@0, run 400000@0, block 500000@0, "
		     "*lost 500000, *found 600000, run 600000@0");
	assert_int_equal(get(t, 20)->start_state, KF_STATE_BLOCKED);
	assert_int_equal(get(t, 20)->unknown_ns, 100000);
	assert_int_equal(t->n_repaired, 4);
	kf_timeline_free(&t);
}

/* A CPU's switch names another prev than the last one's next: a switch is missing. */
static void lost_switch(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	resumed(s, 0, 2000, 10, 20);
	waking(s, 0, 2500, 99, 20, 1); /* 20 is there still */
	blocked(s, 0, 4000, 30, 0, SYS_read);
	t = built(s);

	expect_runs(t, 0, "10 1000-2000, 20 2000-2500, ? 2500-4000, idle 4000-9000");
	expect_moves(t, 20, "run 2000@0, *lost 2500");
	expect_moves(t, 30, "*found 4000@0, block 4000@0");
	assert_int_equal(get(t, 30)->start_state, KF_STATE_UNKNOWN);
	assert_int_equal(get(t, 30)->unknown_ns, 3000);
	kf_timeline_free(&t);
}

/* It is switched in while it still runs elsewhere: its switch-out is missing. */
static void in_two_places(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	resumed(s, 0, 2000, 10, 20);
	switched(s, 1, 5000, 11, 20);
	t = built(s);

	expect_runs(t, 0, "10 1000-2000, ? 2000-9000");
	expect_runs(t, 1, "11 1000-5000, 20 5000-9000");
	expect_moves(t, 20, "run 2000@0, *lost 2000, *found 5000, run 5000@1");
	kf_timeline_free(&t);
}

/* The switch knows of a younger wait than the model: it ran and slept in between, unrecorded. */
static void lost_run(void **state)
{
	struct kf_snapshot *s = make(2, 100000, 900000);
	struct kf_timeline *t;

	waking(s, 0, 200000, 20, 10, 1);
	tells(switched(s, 1, 500000, 30, 20), 436000, KF_CAUSE_WOKEN, 11);
	t = built(s);

	expect_moves(t, 20, "wake 200000@1, *lost 200000, *found 436000, *wake 436000, run 500000@1");
	expect_gaps(t, "20 436000-500000, 30 500000-900000@1 open");
	kf_timeline_free(&t);
}

/* Fork, exec, exit, and the number is used again. */
static void births_and_deaths(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	const struct kf_thread *first, *second;
	struct kf_timeline *t;

	life(s, 0, 2000, KF_FORK, 50, 10, 50, "shell", 1990)->parent_tgid = 10;
	wakeup_new(s, 0, 2100, 50, 10, 1);
	switched(s, 1, 2200, 0, 50);
	life(s, 1, 2500, KF_EXEC, 50, 50, 50, "worker", 1990);
	life(s, 1, 3000, KF_EXIT, 50, 0, 50, "worker", 1990);
	died(s, 1, 3100, 50, 0);
	wakeup_new(s, 0, 5000, 50, 10, 1); /* its FORK was lost */
	switched(s, 1, 5500, 0, 50);
	t = built(s);

	expect_moves(t, 50, "fork 2100@1, run 2200@1, exec 2500@1, exit 3100@1, fork 5000@1, run 5500@1");
	second = get(t, 50);
	first = &t->threads[kf_timeline_find(t, 50, 2600)];
	assert_int_equal(first->reuse, 0);
	assert_int_equal(first->born_ns, 2100);
	assert_int_equal(first->died_ns, 3100);
	assert_int_equal(first->tgid, 50);
	assert_int_equal(first->parent_tgid, 10);
	assert_int_equal(first->start_state, KF_STATE_DEAD);
	assert_true(first->process_leader);
	assert_string_equal(first->comm, "worker");
	assert_int_equal(second->reuse, 1);
	assert_int_equal(second->born_ns, 5000);
	assert_int_equal(second->died_ns, 0);
	for (size_t i = 0; i < t->n_moves; i++)
		if (t->moves[i].kind == KF_MOVE_EXEC)
			assert_string_equal(t->names + t->moves[i].note, "worker");
	assert_int_equal(kf_timeline_find(t, 50, 4000), KF_NOBODY);
	expect_gaps(t, "50 2100-2200@1, 50 5000-5500@1");
	assert_int_equal(t->gaps[0].cause, KF_CAUSE_FORKED);
	assert_int_equal(t->gaps[0].waker, thread_of(t, 10));
	assert_int_equal(t->n_repaired, 0);
	kf_timeline_free(&t);
}

/* The WAKEUP_NEW is lost: the switch tells of the birth. */
static void lost_birth(void **state)
{
	struct kf_snapshot *s = make(1, 100000, 900000);
	struct kf_timeline *t;

	tells(switched(s, 0, 264000, 30, 50), 200000, KF_CAUSE_FORKED, 30);
	died(s, 0, 300000, 50, 30);
	t = built(s);

	expect_moves(t, 50, "*fork 200000, run 264000@0, exit 300000@0");
	assert_int_equal(get(t, 50)->born_ns, 200000);
	kf_timeline_free(&t);
}

/* The exit is lost, but the number is given away again. */
static void lost_death(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	blocked(s, 1, 2000, 50, 0, SYS_futex);
	wakeup_new(s, 0, 5000, 50, 10, 1);
	t = built(s);

	expect_moves(t, 50, "block 2000@1, *lost 2000, *found 5000, fork 5000@1");
	assert_int_equal(t->threads[kf_timeline_find(t, 50, 3000)].died_ns, 5000);
	kf_timeline_free(&t);
}

/* Thread 52 of process 50 calls exec: the leader ends, and 52 goes on as 50. */
static void exec_of_another_thread(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;
	uint32_t heir;

	resumed(s, 0, 1500, 10, 52);
	died(s, 1, 2000, 50, 0);
	life(s, 0, 3000, KF_EXEC, 50, 52, 50, "next", 77);
	blocked(s, 0, 4000, 50, 0, SYS_read);
	t = built(s);

	expect_moves(t, 52, "run 1500@0, exit 3000@0");
	expect_moves(t, 50, "exit 2000@1, fork 3000@0, run 3000@0, exec 3000@0, block 4000@0");
	expect_runs(t, 0, "10 1000-1500, 52 1500-3000, 50 3000-4000, idle 4000-9000");
	heir = thread_of(t, 50);
	assert_int_equal(t->threads[heir].reuse, 1);
	assert_int_equal(t->threads[heir].born_ns, 3000);
	assert_string_equal(t->threads[heir].comm, "next");
	assert_int_equal(t->n_repaired, 0);
	kf_timeline_free(&t);
}

/* Threads without a record in the window, from the scan: asleep, starving, of a later time, and not believable. */
static void threads_of_the_scan(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;
	struct kf_task *task;

	resumed(s, 0, 2000, 10, 20);
	switched(s, 0, 8000, 20, 10);
	blocked(s, 1, 2000, 30, 0, SYS_read);
	task = scanned(s, 40, UNINTERRUPTIBLE, 0, SYS_fsync);
	strcpy(task->comm, "syncer");
	task->arg0 = 5;
	scanned(s, 41, 0, 0, KF_NR_USER);
	scanned(s, 42, 0, 1, KF_NR_USER); /* CPU 1 was idle: it can not have waited for it */
	scanned(s, 43, INTERRUPTIBLE, 0, SYS_read)->start_time_ns = 9500;
	scanned(s, 44, DEAD, 0, KF_NR_USER);
	scanned(s, 45, 0, 1, KF_NR_USER); /* but for this one, the trigger knows better (a quota) */
	s->trigger =
		(struct kf_trigger){ .kind = KF_TRIGGER_RUNQ, .flags = KF_TRIGGER_OPEN, .tid = 45, .since_ns = 700 };
	scanned(s, 2, INTERRUPTIBLE, 0, KF_NR_KTHREAD)->flags = KF_TASK_KTHREAD;
	t = built(s);

	assert_int_equal(get(t, 40)->start_state, KF_STATE_BLOCKED);
	assert_int_equal(get(t, 40)->blocked_by_ns[KF_WAIT_DISK], 8000);
	assert_int_equal(get(t, 40)->start_wait.nr, SYS_fsync);
	assert_int_equal(get(t, 40)->start_wait.arg0, 5);
	assert_true(get(t, 40)->start_wait.uninterruptible);
	assert_string_equal(get(t, 40)->comm, "syncer");
	assert_string_equal(get(t, 40)->process_comm, "syncer");
	assert_int_equal(get(t, 41)->runnable_ns, 8000);
	assert_int_equal(get(t, 42)->unknown_ns, 8000);
	expect_gaps(t, "20 1000-2000@0, 10 2000-8000@0, 20 8000-9000@0 open, 41 1000-9000@0 open, 45 700-1000 "
		       "1000-9000@1 open");
	assert_int_equal(kf_timeline_find(t, 43, 0), KF_NOBODY);
	assert_int_equal(kf_timeline_find(t, 44, 0), KF_NOBODY);
	assert_true(get(t, 2)->kernel);
	assert_int_equal(get(t, 2)->blocked_by_ns[KF_WAIT_KTHREAD], 8000);
	kf_timeline_free(&t);
}

/* What a thread that did nothing in the window did first after it. */
static void threads_of_later_records(void **state)
{
	struct kf_snapshot *s = make(2, 100000, 900000);
	struct kf_timeline *t;

	switched(s, 0, 200000, 10, 11);
	waking(s, 0, 910000, 40, 10, 0);
	resumed(s, 0, 920000, 11, 41);
	tells(switched(s, 0, 930000, 41, 42), 902000, KF_CAUSE_WOKEN, 10);
	switched(s, 1, 940000, 43, 0);
	for (uint32_t tid = 40; tid <= 43; tid++)
		scanned(s, tid, INTERRUPTIBLE, 0, SYS_read);
	t = built(s);

	assert_int_equal(get(t, 40)->start_state, KF_STATE_BLOCKED);
	assert_int_equal(get(t, 40)->start_wait.kind, KF_WAIT_KIND_UNKNOWN);
	assert_int_equal(get(t, 41)->runnable_ns, 800000);
	assert_int_equal(get(t, 42)->start_state, KF_STATE_UNKNOWN);
	assert_int_equal(get(t, 43)->running_ns, 800000);
	expect_runs(t, 1, "43 100000-900000");
	kf_timeline_free(&t);
}

/* Who ran on a CPU that never switched. */
static void silent_cpus(void **state)
{
	struct kf_snapshot *s = make(5, 1000, 9000);
	struct kf_timeline *t;

	switched(s, 0, 500, 0, 10); /* before the floor */
	waking(s, 0, 2000, 99, 10, 4);
	switched(s, 1, 500, 11, 0);
	waking(s, 2, 2000, 98, 12, 4);
	waking(s, 2, 3000, 98, 13, 4); /* contradicts */
	scanned(s, 14, 0, 3, KF_NR_USER)->flags |= KF_TASK_ON_CPU;
	t = built(s);

	expect_runs(t, 0, "10 1000-9000");
	assert_int_equal(get(t, 10)->start_since_ns, 500);
	expect_runs(t, 1, "idle 1000-9000");
	expect_runs(t, 2, "? 1000-9000");
	expect_runs(t, 3, "14 1000-9000");
	assert_int_equal(t->cpus[4].n_runs, 0);
	kf_timeline_free(&t);
}

/* A thread that was blocked at the floor: the record from before tells in what, if it cannot have run since. */
static void waits_from_before_the_floor(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	blocked(s, 0, 300, 20, 0, SYS_nanosleep);
	blocked(s, 0, 400, 21, 0, SYS_nanosleep);
	blocked(s, 1, 350, 22, 0, SYS_poll);
	switched(s, 1, 360, 0, 22);
	waking(s, 0, 2000, 20, 10, 0);
	waking(s, 0, 2100, 21, 10, 1); /* it was on CPU 1 since */
	waking(s, 0, 2200, 22, 10, 1); /* it had come back: in what it blocked then is not known */
	t = built(s);

	assert_int_equal(get(t, 20)->start_wait.kind, KF_WAIT_SLEEP);
	assert_int_equal(get(t, 20)->start_since_ns, 300);
	assert_int_equal(get(t, 20)->blocked_by_ns[KF_WAIT_SLEEP], 1000);
	assert_int_equal(get(t, 21)->start_wait.kind, KF_WAIT_KIND_UNKNOWN);
	assert_int_equal(get(t, 21)->start_since_ns, 0);
	assert_int_equal(get(t, 22)->start_wait.kind, KF_WAIT_KIND_UNKNOWN);
	kf_timeline_free(&t);
}

/* Overwritten is the record of the switch-out, but not what the wait was: the record that ends it tells. */
static void waits_that_their_end_tells_of(void **state)
{
	struct kf_snapshot *s = make(2, 1000000, 9000000);
	struct kf_slot_past past = {
		.arg0 = 0x7f00c0,
		.state = INTERRUPTIBLE,
		.arg1 = 128, /* FUTEX_WAIT | FUTEX_PRIVATE_FLAG */
		.kind = KF_MORE,
		.filetype = KF_PAST_IN_SYSCALL,
		.nr = SYS_futex,
		.since_ns = 5000,
	};
	struct kf_timeline *t;
	struct kf_slot more;
	uint32_t thread;

	waking(s, 0, 2000000, 20, 10, 1)->flags |= KF_F_MORE;
	memcpy(&more, &past, sizeof(more));
	add_slot(s, KF_CLASS_SCHED, 0, more);
	switched(s, 1, 2500000, 0, 20);
	t = built(s);
	thread = kf_timeline_find(t, 20, 0);
	assert_int_equal(t->threads[thread].start_state, KF_STATE_BLOCKED);
	assert_int_equal(t->threads[thread].start_wait.kind, KF_WAIT_FUTEX_LOCK);
	assert_int_equal(t->threads[thread].start_wait.arg0, 0x7f00c0);
	assert_int_equal(t->threads[thread].start_since_ns, 5000);
	assert_int_equal(t->threads[thread].blocked_by_ns[KF_WAIT_FUTEX_LOCK], 1000000);
	assert_int_equal(t->threads[thread].runnable_ns, 500000);
	kf_timeline_free(&t);
}

static void syscalls(void **state)
{
	struct kf_snapshot *s = make(1, 1000, 9000);
	struct kf_timeline *t;

	called(s, 0, 500, 2000, 10, SYS_write, -11);
	called(s, 0, 3000, 2500, 10, SYS_write, 0); /* ends before it begins */
	blocked(s, 0, 4000, 10, 0, SYS_read);
	t = built(s);

	expect_moves(t, 10, "call 2000@0, block 4000@0");
	assert_int_equal(t->moves[0].since_ns, 500);
	assert_int_equal(t->moves[0].ret, -11);
	assert_int_equal(t->moves[0].wait.nr, SYS_write);
	assert_int_equal(t->moves[0].wait.arg0, 7);
	assert_int_equal(get(t, 10)->start_wait.nr, SYS_write);
	assert_true(get(t, 10)->start_wait.in_syscall);
	assert_int_equal(t->n_ignored, 1);
	kf_timeline_free(&t);
}

/* Names: the last one of the window; later ones only where there is no other. */
static void names(void **state)
{
	struct kf_snapshot *s = make(1, 1000, 9000);
	struct kf_timeline *t;

	life(s, 0, 100, KF_FORK, 10, 1, 10, "old", 90)->parent_tgid = 1;
	life(s, 0, 2000, KF_RENAME, 10, 10, 10, "new-name-16-long", 90);
	life(s, 0, 9500, KF_RENAME, 10, 10, 10, "later", 90);
	life(s, 0, 9600, KF_EXIT, 11, 0, 10, "only", 95);
	switched(s, 0, 3000, 10, 11);
	switched(s, 0, 4000, 11, 12);
	strcpy(scanned(s, 10, 0, 0, KF_NR_USER)->comm, "latest");
	s->tasks[0].start_time_ns = 90;
	strcpy(scanned(s, 12, 0, 0, KF_NR_USER)->comm, "scan");
	s->tasks[1].tgid = 10;
	t = built(s);

	assert_string_equal(get(t, 10)->comm, "new-name-16-lon");
	assert_string_equal(get(t, 11)->comm, "only");
	assert_string_equal(get(t, 11)->process_comm, "new-name-16-lon");
	assert_string_equal(get(t, 12)->comm, "scan");
	assert_int_equal(get(t, 12)->tgid, 10);
	assert_int_equal(get(t, 12)->parent_tgid, 1);
	assert_false(get(t, 12)->process_leader);
	kf_timeline_free(&t);
}

/* Everything at one instant, on several CPUs. */
static void equal_times(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	blocked(s, 0, 2000, 10, 0, SYS_futex);
	waking(s, 1, 2000, 10, 20, 0);
	switched(s, 0, 2000, 0, 10);
	life(s, 1, 3000, KF_FORK, 50, 20, 50, "kid", 1);
	switched(s, 0, 3000, 10, 50);
	wakeup_new(s, 1, 3000, 50, 20, 0);
	t = built(s);

	expect_moves(t, 10, "block 2000@0, wake 2000@0, run 2000@0, stop 3000@0");
	expect_moves(t, 50, "fork 3000@0, run 3000@0");
	assert_int_equal(t->n_repaired, 0);
	kf_timeline_free(&t);
}

/* Nothing at all, and an empty window. */
static void empty(void **state)
{
	struct kf_timeline *t = built(make(2, 1000, 9000));

	assert_int_equal(t->n_threads, 0);
	assert_int_equal(t->cpus[0].n_runs, 0);
	kf_timeline_free(&t);
	t = built(make(0, 1000, 1000));
	kf_timeline_free(&t);
}

static void window_that_ends_before_it_begins(void **state)
{
	struct kf_snapshot *s = make(1, 9000, 1000);
	struct kf_timeline *t = NULL;
	struct kf_error e = { 0 };

	assert_int_equal(kf_timeline_build(&t, s, &e), -1);
	assert_null(t);
	assert_string_equal(e.message, "the window ends before it begins");
	kf_snapshot_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wake_wait_run_block),
		cmocka_unit_test(reasons_to_stop),
		cmocka_unit_test(woken_before_it_left),
		cmocka_unit_test(wake_that_did_not_count),
		cmocka_unit_test(stale_wake),
		cmocka_unit_test(early_wake_at_the_end),
		cmocka_unit_test(second_wake_changes_nothing),
		cmocka_unit_test(queues),
		cmocka_unit_test(lost_migration),
		cmocka_unit_test(migrated_since_the_floor),
		cmocka_unit_test(runnable_since_nobody_knows),
		cmocka_unit_test(runnable_since_before_the_floor),
		cmocka_unit_test(lost_wakes),
		cmocka_unit_test(lost_switch),
		cmocka_unit_test(in_two_places),
		cmocka_unit_test(lost_run),
		cmocka_unit_test(births_and_deaths),
		cmocka_unit_test(lost_birth),
		cmocka_unit_test(lost_death),
		cmocka_unit_test(exec_of_another_thread),
		cmocka_unit_test(threads_of_the_scan),
		cmocka_unit_test(threads_of_later_records),
		cmocka_unit_test(silent_cpus),
		cmocka_unit_test(waits_from_before_the_floor),
		cmocka_unit_test(waits_that_their_end_tells_of),
		cmocka_unit_test(syscalls),
		cmocka_unit_test(names),
		cmocka_unit_test(equal_times),
		cmocka_unit_test(empty),
		cmocka_unit_test(window_that_ends_before_it_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
