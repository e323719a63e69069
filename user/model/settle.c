/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/settle.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/repair.h"
#include "snapshot/snapshot.h"

static const struct kf_task *task_of(const struct kf_machine *m, uint32_t tid)
{
	const struct kf_tid *t = kf_tids_find(&m->tids, tid);

	return t && t->task ? &m->snapshot->tasks[t->task - 1] : NULL;
}

/* The scan is later than the window: by then the number may have another user. */
static bool is_same(const struct kf_machine *m, const struct kf_tid *t, const struct kf_task *task)
{
	const struct kf_thread *thread = &m->threads[t->thread];
	uint64_t known_ns = t->identity.start_time_ns;

	if (known_ns && known_ns != task->start_time_ns)
		return false;
	if (task->start_time_ns > (thread->born_ns ? thread->born_ns : m->floor_ns))
		return false;
	return m->tracks[t->thread].state != KF_STATE_DEAD || kf_task_is_gone(task->state);
}

static void add_task(struct kf_machine *m, uint32_t index)
{
	const struct kf_task *task = &m->snapshot->tasks[index];
	struct kf_tid *t;

	if (!task->tid || task->start_time_ns >= m->end_ns)
		return;
	t = kf_tids_get(&m->tids, task->tid);
	if (t->thread == KF_NOBODY) {
		if (t->identity.start_time_ns && t->identity.start_time_ns != task->start_time_ns)
			t->identity = (struct kf_identity){ 0 };
		t->task = index + 1;
		if (task->start_time_ns < m->floor_ns && !kf_task_is_gone(task->state))
			kf_machine_add_thread(m, task->tid, KF_TRACK_UNSEEN);
	} else if (is_same(m, t, task)) {
		t->task = index + 1;
	} else {
		m->n_ignored++;
	}
}

static uint32_t present(const struct kf_machine *m, uint32_t tid)
{
	const struct kf_tid *t = tid ? kf_tids_find(&m->tids, tid) : NULL;

	return t ? t->thread : KF_NOBODY;
}

static void note(struct kf_machine *m, uint32_t tid, enum kf_after after, uint16_t cpu)
{
	uint32_t thread = present(m, tid);

	if (thread == KF_NOBODY || m->tracks[thread].after != KF_AFTER_NOTHING)
		return;
	m->tracks[thread].after = after;
	m->tracks[thread].after_cpu = cpu;
}

static void note_after(struct kf_machine *m, const struct kf_event *event)
{
	const struct kf_slot *slot = event->slot;
	struct kf_lane *lane = &m->lanes[event->cpu];
	uint32_t next;

	if (slot->kind == KF_WAKING)
		note(m, slot->tid, KF_AFTER_WOKEN, event->cpu);
	if (slot->kind != KF_SWITCH)
		return;
	if (lane->after == KF_NOBODY)
		lane->after = slot->tid ? present(m, slot->tid) : KF_IDLE;
	note(m, slot->tid, KF_AFTER_SWITCHED_OUT, event->cpu);
	next = present(m, slot->peer);
	if (next != KF_NOBODY && m->tracks[next].after == KF_AFTER_NOTHING)
		m->tracks[next].after_since_ns = kf_told_by(m, event).since_ns;
	note(m, slot->peer, KF_AFTER_SWITCHED_IN, event->cpu);
}

/* The thread that had this number at the floor. */
static uint32_t user_at_floor(struct kf_machine *m, uint32_t tid)
{
	const struct kf_tid *t = kf_tids_get(&m->tids, tid);

	return t->first != KF_NOBODY ? t->first : kf_machine_thread(m, tid);
}

/* Who a CPU without a switch in the window ran: whoever it had switched to last. */
static uint32_t who_before(struct kf_machine *m, const struct kf_events *ev, uint32_t cpu)
{
	const struct kf_ring_copy *ring = &m->snapshot->rings[KF_CLASS_SCHED][cpu];
	struct kf_event event;

	for (size_t back = 0; kf_events_before_floor(ev, cpu, back, &event); back++) {
		if (event.ts_ns <= ring->drop_last_ns)
			break;
		if (event.slot->kind == KF_SWITCH)
			return event.slot->peer ? user_at_floor(m, event.slot->peer) : KF_IDLE;
	}
	return KF_NOBODY;
}

static uint32_t who_at_scan(const struct kf_machine *m, uint32_t cpu)
{
	for (uint32_t i = 0; i < m->n_threads; i++) {
		const struct kf_task *task =
			m->tracks[i].state == KF_TRACK_UNSEEN ? task_of(m, m->threads[i].tid) : NULL;

		if (task && (task->flags & KF_TASK_ON_CPU) && task->cpu == cpu &&
		    m->tracks[i].after == KF_AFTER_NOTHING)
			return i;
	}
	return KF_NOBODY;
}

static bool was_silent(const struct kf_machine *m, uint32_t cpu)
{
	for (int class = 0; class < KF_CLASSES; class ++)
		if (m->snapshot->rings[class][cpu].n_slots || m->snapshot->rings[class][cpu].written)
			return false;
	return true;
}

/* One that was woken in the window and had left its CPU by then did not run all the time. */
static bool can_have_run(const struct kf_machine *m, uint32_t thread)
{
	const struct kf_track *track = &m->tracks[thread];

	return track->state == KF_TRACK_UNSEEN && (!track->pending.ts_ns || track->pending.on_cpu);
}

static void settle_cpu(struct kf_machine *m, const struct kf_events *ev, uint32_t cpu)
{
	struct kf_lane *lane = &m->lanes[cpu];
	uint32_t who = lane->witness_differs ? KF_NOT_KNOWN : lane->witness;

	if (lane->seen)
		return;
	if (who == KF_NOBODY)
		who = who_before(m, ev, cpu);
	if (who == KF_NOBODY)
		who = lane->after;
	if (who == KF_NOBODY)
		who = who_at_scan(m, cpu);
	if (who == KF_NOBODY && was_silent(m, cpu))
		return;
	if (who < KF_NOT_KNOWN && can_have_run(m, who)) {
		m->tracks[who].pending.ts_ns = 0;
		kf_machine_begin(m, who, KF_STATE_RUNNING, cpu);
	} else if (who != KF_IDLE) {
		who = KF_NOT_KNOWN;
	}
	kf_lane_set(m, cpu, who, m->floor_ns);
}

static void begin_blocked(struct kf_machine *m, uint32_t thread)
{
	struct kf_wakeup wakeup = m->tracks[thread].pending;

	kf_machine_begin(m, thread, KF_STATE_BLOCKED, m->tracks[thread].home);
	if (wakeup.ts_ns)
		kf_wake(m, thread, &wakeup, wakeup.ts_ns, 0);
}

/* It was runnable at the scan. All the window long? Not if its CPU had nothing to do at some time. */
static bool can_have_starved(const struct kf_machine *m, const struct kf_task *task)
{
	const struct kf_lane *lane = task->cpu < m->n_cpus ? &m->lanes[task->cpu] : NULL;

	if (!lane || (task->flags & KF_TASK_ON_CPU) || !lane->n_runs)
		return false;
	for (size_t i = 0; i < lane->n_runs; i++)
		if (lane->runs[i].thread >= KF_NOT_KNOWN)
			return false;
	return true;
}

static void settle_by_scan(struct kf_machine *m, uint32_t thread, const struct kf_task *task)
{
	const struct kf_told nothing = { .waker = KF_NOBODY };
	struct kf_wait wait;

	if (!task || kf_task_is_gone(task->state)) {
		kf_machine_begin(m, thread, KF_STATE_UNKNOWN, KF_NO_CPU);
	} else if (task->state) {
		if (m->tracks[thread].home == KF_NO_CPU && task->cpu < m->n_cpus)
			m->tracks[thread].home = task->cpu;
		kf_machine_begin(m, thread, KF_STATE_BLOCKED, m->tracks[thread].home);
		wait = (struct kf_wait){ .arg0 = task->arg0,
					 .arg1 = task->arg1,
					 .arg2 = task->arg2,
					 .nr = task->nr,
					 .filetype = task->filetype,
					 .in_syscall = task->flags & KF_TASK_IN_SYSCALL };
		m->threads[thread].start_wait = kf_wait_judged(wait, task->state);
	} else if (can_have_starved(m, task)) {
		kf_begin_runnable(m, thread, &nothing, task->cpu);
	} else {
		kf_machine_begin(m, thread, KF_STATE_UNKNOWN, KF_NO_CPU);
	}
}

/* The trigger was about this very wait: it says since when, and a throttled thread can wait for an idle CPU. */
static bool starved_by_trigger(const struct kf_machine *m, uint32_t thread)
{
	const struct kf_trigger *trigger = &m->snapshot->trigger;

	return trigger->kind == KF_TRIGGER_RUNQ && (trigger->flags & KF_TRIGGER_OPEN) &&
	       trigger->tid == m->threads[thread].tid && trigger->since_ns && trigger->since_ns <= m->floor_ns;
}

static void settle_unseen(struct kf_machine *m, uint32_t thread)
{
	struct kf_track *track = &m->tracks[thread];
	struct kf_told told = { .since_ns = track->after_since_ns, .waker = KF_NOBODY };
	const struct kf_told triggered = { .since_ns = m->snapshot->trigger.since_ns, .waker = KF_NOBODY };
	const struct kf_task *task = task_of(m, m->threads[thread].tid);

	if (!track->present && track->after == KF_AFTER_NOTHING && !task && m->snapshot->n_tasks)
		kf_repair_end_before_floor(m, thread);
	else if (track->pending.ts_ns)
		begin_blocked(m, thread);
	else if (track->after == KF_AFTER_WOKEN)
		begin_blocked(m, thread);
	else if (track->after == KF_AFTER_SWITCHED_IN && told.since_ns &&
		 told.since_ns <= m->floor_ns + KF_WAIT_TICK_NS)
		kf_begin_runnable(m, thread, &told, track->after_cpu);
	else if (starved_by_trigger(m, thread))
		kf_begin_runnable(m, thread, &triggered, task && task->cpu < m->n_cpus ? task->cpu : KF_NO_CPU);
	else if (track->after != KF_AFTER_NOTHING)
		kf_machine_begin(m, thread, KF_STATE_UNKNOWN, KF_NO_CPU);
	else
		settle_by_scan(m, thread, task);
}

/* Woken just before it blocked, and no later move in the window: did the wake-up count? */
static void settle_early_wake(struct kf_machine *m, uint32_t thread)
{
	struct kf_track *track = &m->tracks[thread];
	const struct kf_task *task = task_of(m, m->threads[thread].tid);
	struct kf_wakeup wakeup = track->pending;

	track->pending.ts_ns = 0;
	if (track->after == KF_AFTER_SWITCHED_IN)
		kf_wake(m, thread, &wakeup, track->since_ns, 0);
	else if (track->after != KF_AFTER_WOKEN && !(task && task->state))
		kf_repair_lose(m, thread);
}

static void settle_thread(struct kf_machine *m, uint32_t thread)
{
	struct kf_track *track = &m->tracks[thread];

	if (track->state == KF_TRACK_UNSEEN)
		settle_unseen(m, thread);
	else if (track->state == KF_STATE_BLOCKED && track->pending.ts_ns)
		settle_early_wake(m, thread);
}

/* The thread that had this number at the floor, if this CPU is where it was then. */
static uint32_t floor_user(const struct kf_machine *m, uint32_t tid, uint32_t cpu)
{
	const struct kf_tid *t = tid ? kf_tids_find(&m->tids, tid) : NULL;

	if (!t || t->first == KF_NOBODY || m->tracks[t->first].past_known || m->threads[t->first].start_cpu != cpu)
		return KF_NOBODY;
	return t->first;
}

/*
 * A thread that was blocked at the floor and last ran on this CPU got into that wait with its last switch here: had it
 * run elsewhere since, this would not be where it ran last. The same for one that runs.
 */
static void look_back(struct kf_machine *m, const struct kf_event *event)
{
	uint32_t prev = floor_user(m, event->slot->tid, event->cpu);
	uint32_t next = floor_user(m, event->slot->peer, event->cpu);

	if (prev != KF_NOBODY) {
		m->tracks[prev].past_known = true;
		if (m->threads[prev].start_state == KF_STATE_BLOCKED && kf_switch_blocks(event)) {
			m->threads[prev].start_wait = kf_wait_of_switch(event);
			m->threads[prev].start_since_ns = event->ts_ns;
		}
	}
	if (next != KF_NOBODY) {
		m->tracks[next].past_known = true;
		if (m->threads[next].start_state == KF_STATE_RUNNING)
			m->threads[next].start_since_ns = event->ts_ns;
	}
}

static void look_back_on_cpu(struct kf_machine *m, const struct kf_events *ev, uint32_t cpu)
{
	const struct kf_ring_copy *ring = &m->snapshot->rings[KF_CLASS_SCHED][cpu];
	struct kf_event event;

	for (size_t back = 0; kf_events_before_floor(ev, cpu, back, &event); back++) {
		if (event.ts_ns <= ring->drop_last_ns)
			return;
		if (event.slot->kind == KF_SWITCH)
			look_back(m, &event);
	}
}

static int take_rest(struct kf_machine *m, struct kf_events *ev, const struct kf_event *first_after)
{
	struct kf_event event;

	if (!first_after)
		return 0;
	event = *first_after;
	do {
		if (kf_machine_step(m, &event)) /* names only */
			return -1;
		note_after(m, &event);
	} while (kf_events_next(ev, &event));
	return 0;
}

static int settle_cpus(struct kf_machine *m, const struct kf_events *ev)
{
	for (uint32_t cpu = 0; cpu < m->n_cpus; cpu++) {
		struct kf_lane *lane = &m->lanes[cpu];

		if (kf_machine_reserve(m) || kf_lane_reserve(lane))
			return -1;
		settle_cpu(m, ev, cpu);
		if (lane->seen)
			kf_lane_set(m, cpu, lane->who, m->end_ns);
	}
	return 0;
}

int kf_settle(struct kf_machine *m, struct kf_events *ev, const struct kf_event *first_after, struct kf_error *e)
{
	for (uint32_t i = 0; i < m->snapshot->n_tasks; i++) {
		if (kf_machine_reserve(m))
			return kf_fail_memory(e, "threads");
		add_task(m, i);
	}
	if (take_rest(m, ev, first_after) || settle_cpus(m, ev))
		return kf_fail_memory(e, "the timeline");
	for (uint32_t i = 0; i < m->n_threads; i++) {
		/* It can lose the CPU it was thought to run on. */
		if (kf_machine_reserve(m))
			return kf_fail_memory(e, "the timeline");
		settle_thread(m, i);
	}
	for (uint32_t cpu = 0; cpu < m->n_cpus; cpu++)
		look_back_on_cpu(m, ev, cpu);
	return 0;
}
