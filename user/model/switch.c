/* SPDX-License-Identifier: BSD-2-Clause */
/* SWITCH records: who left a CPU and why, who came and since when it had waited. */
#include "model/machine.h"

#include "model/repair.h"

#include <sys/syscall.h>

/* Task states, as in include/linux/sched.h. */
#define TASK_GONE (0x10 | 0x20 | 0x80) /* EXIT_DEAD, EXIT_ZOMBIE, TASK_DEAD */

/* A wake-up seen before the switch-out it ends is that old at most: the waker waits for the run queue lock. */
#define MAX_WAKE_LEAD_NS 50000
/* The model and the record's own past agree within the clock tick of the latter; more than this is a lost record. */
#define SLACK_NS 1000

struct kf_wait kf_wait_judged(struct kf_wait wait, uint32_t task_state)
{
	kf_wait_judge(&wait, task_state);
	return wait;
}

bool kf_task_is_gone(uint32_t task_state)
{
	return task_state & TASK_GONE;
}

struct kf_wait kf_wait_of_switch(const struct kf_event *event)
{
	struct kf_slot_args args = kf_event_args(event);
	struct kf_wait wait = {
		.arg0 = args.arg0,
		.arg1 = args.arg1,
		.arg2 = args.arg2,
		.nr = event->slot->nr,
		.filetype = args.filetype,
		.in_syscall = event->slot->flags & KF_F_IN_SYSCALL,
	};

	/* Without its second slot (a broken ring) the kind stays unknown. */
	return event->more ? kf_wait_judged(wait, args.state) : wait;
}

bool kf_switch_blocks(const struct kf_event *event)
{
	const struct kf_slot *slot = event->slot;

	if ((slot->flags & KF_F_PREEMPT) || !(slot->flags & KF_F_MORE))
		return false;
	return !event->more || kf_event_args(event).state;
}

static void stop(struct kf_machine *m, const struct kf_event *event, uint32_t thread)
{
	const struct kf_slot *slot = event->slot;
	struct kf_transition *move = kf_machine_move(m, event->ts_ns, thread, KF_MOVE_STOP, 0);

	move->cpu = event->cpu;
	move->wait.nr = slot->nr;
	move->wait.in_syscall = slot->flags & KF_F_IN_SYSCALL;
	if (slot->flags & KF_F_THROTTLED)
		move->flags |= KF_MOVE_F_THROTTLED;
	else if (slot->flags & KF_F_PREEMPT)
		move->flags |= KF_MOVE_F_IN_KERNEL;
	else if (move->wait.in_syscall && slot->nr == SYS_sched_yield)
		move->flags |= KF_MOVE_F_YIELD;
	m->tracks[thread].pending.ts_ns = 0; /* it found its thread awake */
	kf_machine_enter(m, thread, KF_STATE_RUNNABLE, event->cpu, event->ts_ns);
}

static void block(struct kf_machine *m, const struct kf_event *event, uint32_t thread)
{
	struct kf_transition *move = kf_machine_move(m, event->ts_ns, thread, KF_MOVE_BLOCK, 0);
	struct kf_track *track = &m->tracks[thread];

	move->cpu = event->cpu;
	move->wait = kf_wait_of_switch(event);
	if (track->pending.ts_ns && event->ts_ns - track->pending.ts_ns > MAX_WAKE_LEAD_NS)
		track->pending.ts_ns = 0; /* of an earlier wait that never came about */
	kf_machine_enter(m, thread, KF_STATE_BLOCKED, event->cpu, event->ts_ns);
}

static void leave_cpu(struct kf_machine *m, const struct kf_event *event, uint32_t thread)
{
	if (event->slot->nr == KF_NR_KTHREAD)
		m->threads[thread].kernel = true;
	if (!kf_switch_blocks(event)) {
		stop(m, event, thread);
	} else if (kf_task_is_gone(kf_event_args(event).state)) {
		kf_machine_move(m, event->ts_ns, thread, KF_MOVE_EXIT, 0)->cpu = event->cpu;
		kf_machine_enter(m, thread, KF_STATE_DEAD, event->cpu, event->ts_ns);
		m->threads[thread].died_ns = event->ts_ns;
	} else {
		block(m, event, thread);
	}
}

/* Makes the record's prev the one who runs on its CPU, whatever the model thought. */
static void agree_on_prev(struct kf_machine *m, const struct kf_event *event, uint32_t prev)
{
	struct kf_lane *lane = &m->lanes[event->cpu];

	if (!lane->seen && (prev == KF_IDLE || m->tracks[prev].state == KF_TRACK_UNSEEN)) {
		/* The first switch of the window names who ran since the floor. */
		if (prev != KF_IDLE)
			kf_machine_begin(m, prev, KF_STATE_RUNNING, event->cpu);
		kf_lane_set(m, event->cpu, prev, m->floor_ns);
		return;
	}
	if (lane->who == prev)
		return;
	if (prev != KF_IDLE) {
		kf_repair_find_running(m, prev, event->cpu, event->ts_ns);
		return;
	}
	kf_repair_lose_cpu(m, event->cpu);
	kf_lane_set(m, event->cpu, KF_IDLE, event->ts_ns);
}

struct kf_told kf_told_by(struct kf_machine *m, const struct kf_event *event)
{
	const struct kf_slot *slot = event->slot;
	struct kf_told told = { .waker = KF_NOBODY };
	uint64_t wait_ns = (uint64_t)slot->wait * KF_WAIT_TICK_NS;

	if (slot->wait >= KF_WAIT_MAX || wait_ns >= event->ts_ns)
		return told;
	told.since_ns = event->ts_ns - wait_ns;
	told.cause = (slot->flags & KF_F_CAUSE_MASK) >> KF_F_CAUSE_SHIFT;
	told.waker_irq = slot->flags & KF_F_WAKER_IRQ;
	if (told.cause == KF_CAUSE_WOKEN || told.cause == KF_CAUSE_FORKED)
		told.waker = kf_machine_mention(m, slot->waker);
	return told;
}

void kf_begin_runnable(struct kf_machine *m, uint32_t thread, const struct kf_told *told, uint16_t cpu)
{
	struct kf_thread *t = &m->threads[thread];

	kf_machine_begin(m, thread, KF_STATE_RUNNABLE, kf_drift_cpu(m, thread, 0, cpu));
	t->start_since_ns = told->since_ns < m->floor_ns ? told->since_ns : 0;
	t->start_cause = told->cause;
	t->start_waker = told->waker;
	t->start_waker_irq = told->waker_irq;
	kf_drift_replay(m, thread, 0);
}

/* Not even the switch knows since when it was runnable. If it was moved from queue to queue, it was then. */
static void find_before_run(struct kf_machine *m, uint32_t thread, const struct kf_told *told, uint64_t ts_ns)
{
	const struct kf_drift *drift = kf_drift_first(m, thread);
	struct kf_told moved = { .waker = KF_NOBODY };

	kf_machine_begin(m, thread, KF_STATE_UNKNOWN, KF_NO_CPU);
	if (told->since_ns || !drift || !drift->queued) {
		kf_repair_find_runnable(m, thread, told, ts_ns);
		return;
	}
	moved.since_ns = drift->ts_ns;
	kf_repair_find_runnable(m, thread, &moved, ts_ns);
	kf_drift_replay(m, thread, drift->ts_ns);
}

/*
 * Runnable since then, and nothing known before: it was when recording began. A queue is only left by a migration, which has a
 * record: so it was in the queue that the first of these names, or in that of the CPU it runs on.
 */
static void find_waiting(struct kf_machine *m, uint32_t thread, const struct kf_told *told, uint16_t cpu)
{
	struct kf_transition *move;

	kf_machine_begin(m, thread, KF_STATE_UNKNOWN, KF_NO_CPU);
	cpu = kf_drift_cpu(m, thread, told->since_ns, cpu);
	move = kf_machine_move(m, told->since_ns, thread, KF_MOVE_FOUND, 0);
	move->state = KF_STATE_RUNNABLE;
	move->cpu = cpu;
	kf_machine_enter(m, thread, KF_STATE_RUNNABLE, cpu, told->since_ns);
	kf_drift_replay(m, thread, told->since_ns + 1);
}

/* The first record of a thread is that it runs: settles what it was at the floor. */
static void begin_before_run(struct kf_machine *m, uint32_t thread, const struct kf_told *told,
			     const struct kf_event *event)
{
	struct kf_wakeup wakeup = m->tracks[thread].pending;
	bool since_floor = told->since_ns <= m->floor_ns + KF_WAIT_TICK_NS;

	if (wakeup.ts_ns && !(told->cause == KF_CAUSE_PREEMPTED && told->since_ns + SLACK_NS < wakeup.ts_ns)) {
		kf_machine_begin(m, thread, KF_STATE_BLOCKED, m->tracks[thread].home);
		kf_wake(m, thread, &wakeup, wakeup.ts_ns, 0);
		return;
	}
	m->tracks[thread].pending.ts_ns = 0;
	if (!told->since_ns) {
		find_before_run(m, thread, told, event->ts_ns);
	} else if (since_floor) {
		kf_begin_runnable(m, thread, told, event->cpu);
	} else if (told->cause == KF_CAUSE_FORKED && !m->tracks[thread].spoke) {
		m->threads[thread].start_state = KF_STATE_DEAD;
		kf_repair_birth(m, thread, KF_NO_CPU, told->waker, told->since_ns);
	} else if (told->cause == KF_CAUSE_WOKEN) {
		kf_machine_begin(m, thread, KF_STATE_BLOCKED, KF_NO_CPU);
		wakeup = kf_told_wakeup(told, kf_drift_cpu(m, thread, told->since_ns, event->cpu));
		kf_wake(m, thread, &wakeup, told->since_ns, KF_MOVE_F_REPAIRED);
		kf_drift_replay(m, thread, told->since_ns + 1);
	} else {
		find_waiting(m, thread, told, event->cpu);
	}
}

/* It was blocked, and now it runs: by a wake-up that came a little too early, by one whose record was lost, or else. */
static void wake_before_run(struct kf_machine *m, uint32_t thread, const struct kf_told *told,
			    const struct kf_event *event)
{
	struct kf_track *track = &m->tracks[thread];
	struct kf_wakeup wakeup = track->pending;
	uint64_t blocked_ns = track->since_ns;

	if (wakeup.ts_ns && told->since_ns <= blocked_ns + SLACK_NS) {
		kf_wake(m, thread, &wakeup, blocked_ns, 0);
		return;
	}
	if (told->since_ns && told->since_ns + SLACK_NS >= blocked_ns && told->cause == KF_CAUSE_WOKEN) {
		wakeup = kf_told_wakeup(told, track->cpu);
		kf_wake(m, thread, &wakeup, told->since_ns > blocked_ns ? told->since_ns : blocked_ns,
			KF_MOVE_F_REPAIRED);
		return;
	}
	kf_repair_lose(m, thread);
	kf_repair_find_runnable(m, thread, told, event->ts_ns);
}

/* It ran and waited again, unrecorded, if the switch knows of a later begin than the model does. */
static bool missed_something(const struct kf_track *track, const struct kf_told *told)
{
	if (told->since_ns <= track->since_ns + SLACK_NS)
		return false;
	return !track->again_ns || told->since_ns > track->again_ns + SLACK_NS ||
	       told->since_ns + SLACK_NS < track->again_ns;
}

static void make_runnable(struct kf_machine *m, uint32_t thread, const struct kf_event *event)
{
	struct kf_told told = kf_told_by(m, event);
	struct kf_track *track = &m->tracks[thread];
	bool is_birth;

	switch (track->state) {
	case KF_TRACK_UNSEEN:
		begin_before_run(m, thread, &told, event);
		break;
	case KF_TRACK_UNBORN:
		is_birth = told.cause == KF_CAUSE_FORKED && told.since_ns >= track->since_ns;
		kf_repair_birth(m, thread, KF_NO_CPU, is_birth ? told.waker : KF_NOBODY,
				is_birth ? told.since_ns : event->ts_ns);
		break;
	case KF_STATE_BLOCKED:
		wake_before_run(m, thread, &told, event);
		break;
	case KF_STATE_RUNNABLE:
		break;
	default: /* running elsewhere, or unknown */
		kf_repair_lose(m, thread);
		kf_repair_find_runnable(m, thread, &told, event->ts_ns);
	}
	if (missed_something(track, &told)) {
		kf_repair_lose(m, thread);
		kf_repair_find_runnable(m, thread, &told, event->ts_ns);
	}
}

static void enter_cpu(struct kf_machine *m, const struct kf_event *event, uint32_t thread)
{
	struct kf_track *track = &m->tracks[thread];

	make_runnable(m, thread, event);
	if (track->cpu != event->cpu && track->cpu != KF_NO_CPU && track->certain_ns < event->ts_ns)
		kf_machine_move(m, track->certain_ns, thread, KF_MOVE_MIGRATE, KF_MOVE_F_REPAIRED);
	kf_machine_move(m, event->ts_ns, thread, KF_MOVE_RUN, 0)->cpu = event->cpu;
	kf_machine_enter(m, thread, KF_STATE_RUNNING, event->cpu, event->ts_ns);
	track->again_ns = 0;
}

void kf_step_switch(struct kf_machine *m, const struct kf_event *event)
{
	uint32_t prev_tid = event->slot->tid, next_tid = event->slot->peer;
	uint32_t prev, next = KF_IDLE;

	if (prev_tid == next_tid) {
		m->n_ignored++;
		return;
	}
	prev = prev_tid ? kf_machine_thread(m, prev_tid) : KF_IDLE;
	agree_on_prev(m, event, prev);
	if (prev != KF_IDLE)
		leave_cpu(m, event, prev);
	if (next_tid) {
		next = kf_machine_thread(m, next_tid);
		enter_cpu(m, event, next);
	}
	kf_lane_set(m, event->cpu, next, event->ts_ns);
}
