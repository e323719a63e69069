/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/repair.h"

static void lose_at(struct kf_machine *m, uint32_t thread, uint64_t ts_ns)
{
	kf_machine_move(m, ts_ns, thread, KF_MOVE_LOST, KF_MOVE_F_REPAIRED);
	m->tracks[thread].pending.ts_ns = 0;
	m->tracks[thread].was_lost = true;
	kf_machine_enter(m, thread, KF_STATE_UNKNOWN, KF_NO_CPU, ts_ns);
}

/* Nothing but perhaps a wake-up was seen of it: it was blocked until then. */
static void lose_unseen(struct kf_machine *m, uint32_t thread)
{
	struct kf_wakeup wakeup = m->tracks[thread].pending;

	if (!wakeup.ts_ns || wakeup.on_cpu) {
		kf_machine_begin(m, thread, KF_STATE_UNKNOWN, KF_NO_CPU);
		m->tracks[thread].pending.ts_ns = 0;
		return;
	}
	kf_machine_begin(m, thread, KF_STATE_BLOCKED, m->tracks[thread].home);
	kf_wake(m, thread, &wakeup, wakeup.ts_ns, 0);
	lose_at(m, thread, wakeup.ts_ns);
}

void kf_repair_lose_cpu(struct kf_machine *m, uint32_t cpu)
{
	uint32_t who = m->lanes[cpu].who;
	uint64_t at = m->lanes[cpu].certain_ns;

	if (who == KF_NOT_KNOWN)
		return;
	kf_lane_set(m, cpu, KF_NOT_KNOWN, at);
	if (who != KF_IDLE)
		lose_at(m, who, at);
}

/* hole_ns: nothing was missing before it, so far as is known. */
static void lose_since(struct kf_machine *m, uint32_t thread, uint64_t hole_ns)
{
	struct kf_track *track = &m->tracks[thread];

	switch (track->state) {
	case KF_TRACK_UNSEEN:
		lose_unseen(m, thread);
		break;
	case KF_STATE_RUNNING:
		kf_repair_lose_cpu(m, track->cpu);
		break;
	case KF_STATE_RUNNABLE:
	case KF_STATE_BLOCKED:
		lose_at(m, thread, hole_ns > track->certain_ns ? hole_ns : track->certain_ns);
		break;
	}
}

void kf_repair_lose(struct kf_machine *m, uint32_t thread)
{
	lose_since(m, thread, 0);
}

static void find(struct kf_machine *m, uint32_t thread, enum kf_state state, uint16_t cpu, uint64_t ts_ns,
		 uint8_t flags)
{
	struct kf_transition *move = kf_machine_move(m, ts_ns, thread, KF_MOVE_FOUND, flags);

	move->state = state;
	move->cpu = cpu;
	kf_machine_enter(m, thread, state, cpu, ts_ns);
}

void kf_repair_find_running(struct kf_machine *m, uint32_t thread, uint16_t cpu, uint64_t ts_ns)
{
	/* The CPU certainly ran somebody else until then, and what it wrote is whole until then. */
	uint64_t hole_ns = m->lanes[cpu].certain_ns;

	kf_repair_lose_cpu(m, cpu);
	if (m->tracks[thread].state == KF_TRACK_UNBORN) {
		kf_repair_birth(m, thread, cpu, KF_NOBODY, ts_ns);
		kf_machine_move(m, ts_ns, thread, KF_MOVE_RUN, KF_MOVE_F_REPAIRED)->cpu = cpu;
		kf_machine_enter(m, thread, KF_STATE_RUNNING, cpu, ts_ns);
	} else {
		lose_since(m, thread, hole_ns);
		find(m, thread, KF_STATE_RUNNING, cpu, ts_ns, KF_MOVE_F_REPAIRED);
	}
	kf_lane_set(m, cpu, thread, ts_ns);
}

struct kf_wakeup kf_told_wakeup(const struct kf_told *told, uint16_t cpu)
{
	return (struct kf_wakeup){
		.ts_ns = told->since_ns,
		.waker = told->waker,
		.cpu = cpu,
		.nr = KF_NR_USER,
		.flags = told->waker_irq ? KF_MOVE_F_IRQ | KF_MOVE_F_CTX_KNOWN : 0,
	};
}

void kf_repair_find_runnable(struct kf_machine *m, uint32_t thread, const struct kf_told *told, uint64_t ts_ns)
{
	bool in_time = told->since_ns && told->since_ns >= m->tracks[thread].since_ns && told->since_ns <= ts_ns;
	/* A thread of which nothing was known since the floor is not one whose records were lost. */
	uint8_t flags = m->tracks[thread].was_lost ? KF_MOVE_F_REPAIRED : 0;
	struct kf_wakeup wakeup;

	/* On whose queue it was is as unknown as the rest. */
	if (in_time && told->cause == KF_CAUSE_WOKEN) {
		find(m, thread, KF_STATE_BLOCKED, KF_NO_CPU, told->since_ns, flags);
		wakeup = kf_told_wakeup(told, KF_NO_CPU);
		kf_wake(m, thread, &wakeup, told->since_ns, KF_MOVE_F_REPAIRED);
	} else {
		find(m, thread, KF_STATE_RUNNABLE, KF_NO_CPU, in_time ? told->since_ns : ts_ns, flags);
	}
}

void kf_repair_birth(struct kf_machine *m, uint32_t thread, uint16_t cpu, uint32_t parent, uint64_t ts_ns)
{
	struct kf_transition *move = kf_machine_move(m, ts_ns, thread, KF_MOVE_FORK, KF_MOVE_F_REPAIRED);

	move->cpu = cpu;
	move->other = parent;
	m->threads[thread].born_ns = ts_ns;
	kf_machine_enter(m, thread, KF_STATE_RUNNABLE, cpu, ts_ns);
}

void kf_repair_end_before_floor(struct kf_machine *m, uint32_t thread)
{
	kf_machine_begin(m, thread, KF_STATE_DEAD, KF_NO_CPU);
	m->threads[thread].died_ns = m->floor_ns;
}

void kf_repair_vanish(struct kf_machine *m, uint32_t thread, uint64_t ts_ns)
{
	if (m->tracks[thread].state == KF_TRACK_UNSEEN && !m->tracks[thread].present) {
		kf_repair_end_before_floor(m, thread);
		return;
	}
	kf_repair_lose(m, thread);
	find(m, thread, KF_STATE_DEAD, KF_NO_CPU, ts_ns, KF_MOVE_F_REPAIRED);
	m->threads[thread].died_ns = ts_ns;
}
