/* SPDX-License-Identifier: BSD-2-Clause */
/* How threads become runnable and which queue they are on: WAKING, WAKEUP_NEW and MIGRATE records. */
#include "model/machine.h"

#include "model/repair.h"

static uint16_t cpu_of(const struct kf_machine *m, uint16_t cpu)
{
	return cpu < m->n_cpus ? cpu : KF_NO_CPU;
}

static uint8_t context_flags(uint8_t slot_flags)
{
	switch ((slot_flags & KF_F_CONTEXT_MASK) >> KF_F_CONTEXT_SHIFT) {
	case KF_CTX_TASK:
		return KF_MOVE_F_CTX_KNOWN;
	case KF_CTX_SOFTIRQ:
	case KF_CTX_HARDIRQ:
	case KF_CTX_NMI:
		return KF_MOVE_F_CTX_KNOWN | KF_MOVE_F_IRQ;
	}
	return 0;
}

struct kf_wakeup kf_wakeup_of(struct kf_machine *m, const struct kf_event *event)
{
	const struct kf_slot *slot = event->slot;

	return (struct kf_wakeup){
		.ts_ns = event->ts_ns,
		.arg0 = slot->arg0_lo | (uint64_t)slot->arg0_hi << 32,
		.waker = kf_machine_mention(m, slot->peer),
		.cpu = cpu_of(m, slot->cpu),
		.nr = slot->nr,
		.flags = context_flags(slot->flags),
		.in_syscall = slot->flags & KF_F_IN_SYSCALL,
		.on_cpu = slot->flags & KF_F_ON_CPU,
	};
}

void kf_wake(struct kf_machine *m, uint32_t thread, const struct kf_wakeup *wakeup, uint64_t ts_ns, uint8_t flags)
{
	struct kf_track *track = &m->tracks[thread];
	size_t at = m->moves.n;
	struct kf_transition *move = kf_machine_move(m, ts_ns, thread, KF_MOVE_WAKE, wakeup->flags | flags);

	move->other = wakeup->waker;
	move->cpu = wakeup->cpu;
	move->wait.nr = wakeup->nr;
	move->wait.in_syscall = wakeup->in_syscall;
	move->wait.arg0 = wakeup->arg0;
	kf_machine_enter(m, thread, KF_STATE_RUNNABLE, wakeup->cpu, ts_ns);
	track->pending.ts_ns = 0;
	track->wake_move = m->moves.n > at ? at : KF_NO_MOVE;
	track->placing = track->wake_move != KF_NO_MOVE;
}

/* The wait that ends here began before the window, and the record tells what it was. */
static bool begin_with_past(struct kf_machine *m, uint32_t thread, const struct kf_event *event,
			    const struct kf_wakeup *wakeup)
{
	struct kf_slot_past past = kf_event_past(event);
	struct kf_wait wait = {
		.arg0 = past.arg0,
		.arg1 = past.arg1,
		.nr = past.nr,
		.filetype = past.filetype & ~KF_PAST_IN_SYSCALL,
		.in_syscall = past.filetype & KF_PAST_IN_SYSCALL,
	};

	if (!event->more || wakeup->on_cpu || past.since_ns > m->floor_ns)
		return false;
	kf_machine_begin(m, thread, KF_STATE_BLOCKED, wakeup->cpu);
	m->threads[thread].start_wait = kf_wait_judged(wait, past.state);
	m->threads[thread].start_since_ns = past.since_ns;
	m->tracks[thread].past_known = true;
	kf_wake(m, thread, wakeup, event->ts_ns, 0);
	return true;
}

void kf_step_waking(struct kf_machine *m, const struct kf_event *event)
{
	struct kf_wakeup wakeup;
	struct kf_track *track;
	uint32_t thread;

	if (!event->slot->tid) {
		m->n_ignored++;
		return;
	}
	kf_lane_witness(m, event->cpu, event->slot->peer, event->ts_ns);
	wakeup = kf_wakeup_of(m, event);
	thread = kf_machine_thread(m, event->slot->tid);
	track = &m->tracks[thread];
	switch (track->state) {
	case KF_TRACK_UNSEEN:
		/* Blocked, or about to: its next record tells, if this one does not. */
		if (track->pending.ts_ns || begin_with_past(m, thread, event, &wakeup))
			break;
		track->pending = wakeup;
		track->placing = true;
		if (!track->first_drift)
			track->home = wakeup.cpu;
		break;
	case KF_TRACK_UNBORN:
		kf_repair_birth(m, thread, wakeup.cpu, KF_NOBODY, event->ts_ns);
		break;
	case KF_STATE_RUNNING:
		/* The last one counts: each changes the state that the thread is about to block in. */
		track->pending = wakeup;
		track->placing = true;
		break;
	case KF_STATE_BLOCKED:
		kf_wake(m, thread, &wakeup, event->ts_ns, 0);
		break;
	case KF_STATE_RUNNABLE:
		track->again_ns = event->ts_ns;
		break;
	case KF_STATE_UNKNOWN:
		if (wakeup.on_cpu)
			break;
		kf_machine_move(m, event->ts_ns, thread, KF_MOVE_FOUND, KF_MOVE_F_REPAIRED)->state = KF_STATE_BLOCKED;
		kf_wake(m, thread, &wakeup, event->ts_ns, 0);
		break;
	}
}

void kf_step_wakeup_new(struct kf_machine *m, const struct kf_event *event)
{
	uint32_t tid = event->slot->tid, parent, thread;
	struct kf_transition *move;
	struct kf_tid *t;

	if (!tid) {
		m->n_ignored++;
		return;
	}
	kf_lane_witness(m, event->cpu, event->slot->peer, event->ts_ns);
	parent = kf_machine_mention(m, event->slot->peer);
	t = kf_tids_get(&m->tids, tid);
	if (t->thread != KF_NOBODY && m->tracks[t->thread].state != KF_STATE_DEAD)
		kf_repair_vanish(m, t->thread, event->ts_ns);
	thread = kf_machine_add_thread(m, tid, KF_TRACK_UNBORN);
	move = kf_machine_move(m, event->ts_ns, thread, KF_MOVE_FORK, context_flags(event->slot->flags));
	move->cpu = cpu_of(m, event->slot->cpu);
	move->other = parent;
	m->threads[thread].born_ns = event->ts_ns;
	kf_machine_enter(m, thread, KF_STATE_RUNNABLE, move->cpu, event->ts_ns);
}

/* The wake-up that was seen first has chosen this CPU. */
static void place(struct kf_machine *m, struct kf_track *track, uint16_t cpu)
{
	track->placing = false;
	if (track->state == KF_STATE_RUNNABLE) {
		m->moves.items[track->wake_move].cpu = cpu;
		track->cpu = cpu;
	} else {
		track->pending.cpu = cpu;
	}
}

void kf_step_migrate(struct kf_machine *m, const struct kf_event *event)
{
	const struct kf_slot *slot = event->slot;
	bool placement = !(slot->flags & KF_F_QUEUED);
	uint16_t to = cpu_of(m, slot->cpu);
	struct kf_track *track;
	uint32_t thread;

	if (!slot->tid) {
		m->n_ignored++;
		return;
	}
	kf_lane_witness(m, event->cpu, slot->peer, event->ts_ns);
	thread = kf_machine_mention(m, slot->tid);
	track = &m->tracks[thread];
	if (track->placing && placement) {
		place(m, track, to);
		return;
	}
	if (track->state == KF_TRACK_UNSEEN && track->pending.ts_ns) {
		struct kf_wakeup wakeup = track->pending;

		kf_machine_begin(m, thread, KF_STATE_BLOCKED, track->home);
		kf_wake(m, thread, &wakeup, wakeup.ts_ns, 0);
	}
	if (track->state == KF_STATE_BLOCKED && track->pending.ts_ns && !placement) {
		/* Woken just before it was switched out: it has been in the queue of the old CPU since then. */
		struct kf_wakeup wakeup = track->pending;

		kf_wake(m, thread, &wakeup, track->since_ns, 0);
		track->placing = false;
	}
	switch (track->state) {
	case KF_STATE_RUNNABLE:
		kf_machine_move(m, event->ts_ns, thread, KF_MOVE_MIGRATE, 0)->cpu = to;
		track->cpu = to;
		track->certain_ns = event->ts_ns;
		break;
	case KF_TRACK_UNSEEN:
		if (!track->first_drift)
			track->home = cpu_of(m, slot->arg0_hi);
		track->present = true;
		kf_drift_add(m, thread,
			     (struct kf_drift){ .ts_ns = event->ts_ns,
						.from = cpu_of(m, slot->arg0_hi),
						.to = to,
						.queued = !placement });
		break;
	case KF_STATE_BLOCKED:
		track->cpu = to;
		track->pending.cpu = to;
		break;
	}
}
