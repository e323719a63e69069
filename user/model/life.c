/* SPDX-License-Identifier: BSD-2-Clause */
/* Births, names, deaths (FORK, EXEC, EXIT, RENAME), and SYSCALL records. */
#include "model/machine.h"

#include <string.h>

#include "base/array.h"
#include "model/repair.h"

static void copy_comm(char to[KF_COMM_BYTES], const struct kf_slot_name *name)
{
	memcpy(to, name->comm_lo, sizeof(name->comm_lo));
	memcpy(to + sizeof(name->comm_lo), name->comm_hi, sizeof(name->comm_hi));
	to[KF_COMM_BYTES - 1] = '\0';
}

static void learn_birth(struct kf_tid *t, const struct kf_event *event)
{
	struct kf_slot_name name = kf_event_name(event);

	t->identity = (struct kf_identity){
		.tgid = event->slot->tgid,
		.parent_tgid = event->slot->parent_tgid,
		.start_time_ns = name.start_time_ns,
	};
	copy_comm(t->identity.comm, &name);
}

static void learn_name(struct kf_tid *t, const struct kf_event *event)
{
	struct kf_slot_name name = kf_event_name(event);
	struct kf_identity *id = &t->identity;

	if (id->start_time_ns && name.start_time_ns && id->start_time_ns != name.start_time_ns)
		*id = (struct kf_identity){ 0 }; /* of an earlier user */
	id->start_time_ns = name.start_time_ns;
	id->tgid = event->slot->tgid;
	copy_comm(id->comm, &name);
}

/* Records after the window give a name only to threads that got none from it. */
static void learn_late(struct kf_machine *m, const struct kf_event *event)
{
	struct kf_tid *t = kf_tids_find(&m->tids, event->slot->tid);

	if (event->slot->kind == KF_FORK || !t || t->thread == KF_NOBODY || t->identity.comm[0] ||
	    m->tracks[t->thread].state == KF_STATE_DEAD)
		return;
	learn_name(t, event);
	kf_machine_identify(m, t);
}

static int keep_name(struct kf_machine *m, const char *name, uint32_t *offset)
{
	size_t bytes = strlen(name) + 1;

	if (m->n_names > UINT32_MAX - KF_COMM_BYTES)
		return -1;
	while (m->room_names - m->n_names < bytes)
		if (kf_grow((void **)&m->names, m->room_names, &m->room_names, 1))
			return -1;
	memcpy(m->names + m->n_names, name, bytes);
	*offset = m->n_names;
	m->n_names += bytes;
	return 0;
}

/* Is it this thread that runs there? A CPU without a switch so far then ran it since the floor. */
static bool runs_on(struct kf_machine *m, uint32_t thread, uint32_t cpu)
{
	if (!m->lanes[cpu].seen && m->tracks[thread].state == KF_TRACK_UNSEEN) {
		m->tracks[thread].pending.ts_ns = 0;
		kf_machine_begin(m, thread, KF_STATE_RUNNING, cpu);
		kf_lane_set(m, cpu, thread, m->floor_ns);
	}
	return m->lanes[cpu].who == thread;
}

static bool is_alive(const struct kf_machine *m, uint32_t thread)
{
	return thread != KF_NOBODY && m->tracks[thread].state != KF_STATE_DEAD;
}

/*
 * A thread that was not its process's leader called exec: the leader is gone and the thread has its number now. Told as
 * the end of the one and the birth of another at the same instant, because a thread has one number.
 */
static void take_over(struct kf_machine *m, const struct kf_event *event)
{
	uint32_t old = kf_machine_mention(m, event->slot->peer), leader, heir;

	leader = kf_tids_get(&m->tids, event->slot->tid)->thread;
	if (!is_alive(m, old))
		return;
	if (!runs_on(m, old, event->cpu)) {
		kf_repair_vanish(m, old, event->ts_ns);
		return;
	}
	if (is_alive(m, leader))
		kf_repair_vanish(m, leader, event->ts_ns);
	kf_machine_move(m, event->ts_ns, old, KF_MOVE_EXIT, 0)->cpu = event->cpu;
	m->threads[old].died_ns = event->ts_ns;
	kf_machine_enter(m, old, KF_STATE_DEAD, event->cpu, event->ts_ns);

	heir = kf_machine_add_thread(m, event->slot->tid, KF_TRACK_UNBORN);
	m->threads[heir].born_ns = event->ts_ns;
	kf_machine_move(m, event->ts_ns, heir, KF_MOVE_FORK, 0)->cpu = event->cpu;
	m->moves.items[m->moves.n - 1].other = old;
	kf_machine_move(m, event->ts_ns, heir, KF_MOVE_RUN, 0)->cpu = event->cpu;
	kf_machine_enter(m, heir, KF_STATE_RUNNING, event->cpu, event->ts_ns);
	kf_lane_set(m, event->cpu, heir, event->ts_ns);
}

static int step_exec(struct kf_machine *m, const struct kf_event *event)
{
	uint32_t tid = event->slot->tid, peer = event->slot->peer, note, thread;
	struct kf_transition *move;
	struct kf_tid *t;

	if (peer && peer != tid)
		take_over(m, event);
	kf_lane_witness(m, event->cpu, tid, event->ts_ns);
	t = kf_tids_get(&m->tids, tid);
	learn_name(t, event);
	thread = kf_machine_mention(m, tid);
	if (m->tracks[thread].state == KF_STATE_DEAD) {
		m->n_ignored++;
		return 0;
	}
	kf_machine_identify(m, t);
	if (keep_name(m, t->identity.comm, &note))
		return -1;
	move = kf_machine_move(m, event->ts_ns, thread, KF_MOVE_EXEC, 0);
	move->note = note;
	move->cpu = event->cpu;
	m->tracks[thread].spoke = true;
	return 0;
}

/*
 * What EXIT and RENAME say in passing. As every change has a record, the first one known was so from the start. Records from
 * before the window say nothing: those of later changes may be overwritten.
 */
static void learn_prio(struct kf_machine *m, struct kf_tid *t, const struct kf_event *event, bool in_window)
{
	uint16_t prio = event->slot->nr;

	if (!(prio & KF_PRIO_KNOWN) || !in_window)
		return;
	t->identity.prio = prio;
	if (is_alive(m, t->thread))
		kf_machine_set_prio(m, t->thread, prio, m->threads[t->thread].prio ? event->ts_ns : 0);
}

/* After the window, only what was before this first change tells something about it. */
static void learn_prio_late(struct kf_machine *m, const struct kf_event *event)
{
	const struct kf_tid *t = kf_tids_find(&m->tids, event->slot->tid);

	if (t && is_alive(m, t->thread) && !m->threads[t->thread].prio)
		kf_machine_set_prio(m, t->thread, (uint16_t)event->slot->peer, 0);
}

static void step_prio(struct kf_machine *m, const struct kf_event *event, bool in_window)
{
	uint16_t before = (uint16_t)event->slot->peer, now = event->slot->nr;
	uint32_t thread;

	if (!event->slot->tid || !(now & KF_PRIO_KNOWN)) {
		m->n_ignored++;
		return;
	}
	if (event->ts_ns >= m->end_ns) {
		learn_prio_late(m, event);
		return;
	}
	if (!in_window)
		return;
	thread = kf_machine_mention(m, event->slot->tid);
	if (is_alive(m, thread)) {
		if (!m->threads[thread].prio)
			kf_machine_set_prio(m, thread, before, 0);
		kf_machine_doubt_prio(m, thread);
		kf_machine_set_prio(m, thread, now, event->ts_ns);
	}
	kf_tids_get(&m->tids, event->slot->tid)->identity.prio = now;
}

int kf_step_life(struct kf_machine *m, const struct kf_event *event, bool in_window)
{
	const struct kf_slot *slot = event->slot;
	struct kf_tid *t;

	if (slot->kind == KF_PRIO) {
		step_prio(m, event, in_window);
		return 0;
	}
	if (!slot->tid || !event->more) {
		m->n_ignored++;
		return 0;
	}
	if (event->ts_ns >= m->end_ns) {
		learn_late(m, event);
		return 0;
	}
	if (slot->kind == KF_EXEC && in_window)
		return step_exec(m, event);
	if (in_window)
		kf_lane_witness(m, event->cpu, slot->kind == KF_EXIT ? slot->tid : slot->peer, event->ts_ns);
	t = kf_tids_get(&m->tids, slot->tid);
	if (slot->kind == KF_FORK) {
		learn_birth(t, event); /* of the thread to come: its WAKEUP_NEW makes it */
		t->identity.prio = in_window && slot->nr & KF_PRIO_KNOWN ? slot->nr : 0;
		return 0;
	}
	learn_name(t, event);
	learn_prio(m, t, event, in_window);
	if (in_window)
		kf_machine_identify(m, t);
	return 0;
}

static struct kf_wait wait_of_syscall(const struct kf_event *event)
{
	struct kf_slot_args args = kf_event_args(event);
	struct kf_wait wait = {
		.arg0 = args.arg0, .arg1 = args.arg1, .arg2 = args.state, .nr = event->slot->nr, .in_syscall = true
	};

	return kf_wait_judged(wait, 1);
}

void kf_step_syscall(struct kf_machine *m, const struct kf_event *event)
{
	const struct kf_slot *slot = event->slot;
	struct kf_transition *move;
	struct kf_thread *thread;
	uint32_t index;

	if (!slot->tid || slot->start_ns > event->ts_ns) {
		m->n_ignored++;
		return;
	}
	kf_lane_witness(m, event->cpu, slot->tid, event->ts_ns);
	index = kf_machine_mention(m, slot->tid);
	if (m->tracks[index].state == KF_STATE_DEAD) {
		m->n_ignored++;
		return;
	}
	move = kf_machine_move(m, event->ts_ns, index, KF_MOVE_SYSCALL, 0);
	move->cpu = event->cpu;
	move->since_ns = slot->start_ns;
	move->ret =
		event->more ? (int64_t)((uint64_t)kf_event_args(event).arg2 << 32 | slot->peer) : (int32_t)slot->peer;
	move->wait = wait_of_syscall(event);
	m->tracks[index].spoke = true;
	thread = &m->threads[index];
	if (slot->start_ns < m->floor_ns && !thread->born_ns && !thread->start_wait.in_syscall)
		thread->start_wait = move->wait;
}
