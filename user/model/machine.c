/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "snapshot/snapshot.h"

/* More than any record or the settling of any thread adds. */
#define RESERVE_MOVES	32
#define RESERVE_THREADS 8

int kf_machine_init(struct kf_machine *m, const struct kf_snapshot *s, struct kf_error *e)
{
	if (s->end_ns < s->floor_ns)
		return kf_fail(e, KF_USAGE, NULL, "the window ends before it begins");
	if (s->n_cpus >= KF_NO_CPU)
		return kf_fail(e, KF_USAGE, NULL, "%u CPUs are more than a record can name", s->n_cpus);
	m->snapshot = s;
	m->floor_ns = s->floor_ns;
	m->end_ns = s->end_ns;
	m->n_cpus = s->n_cpus;
	m->lanes = calloc(s->n_cpus + 1, sizeof(*m->lanes));
	if (!m->lanes)
		return kf_fail_memory(e, "CPUs");
	for (uint32_t cpu = 0; cpu < m->n_cpus; cpu++)
		m->lanes[cpu] = (struct kf_lane){ .who = KF_NOT_KNOWN,
						  .witness = KF_NOBODY,
						  .after = KF_NOBODY,
						  .since_ns = s->floor_ns,
						  .certain_ns = s->floor_ns };
	return 0;
}

void kf_machine_release(struct kf_machine *m)
{
	for (uint32_t cpu = 0; m->lanes && cpu < m->n_cpus; cpu++)
		free(m->lanes[cpu].runs);
	free(m->lanes);
	free(m->threads);
	free(m->tracks);
	free(m->drifts);
	free(m->names);
	free(m->prios);
	kf_moves_release(&m->moves);
	kf_tids_release(&m->tids);
	*m = (struct kf_machine){ 0 };
}

int kf_machine_reserve(struct kf_machine *m)
{
	/* Every drift can become a move at any time. */
	if (kf_moves_reserve(&m->moves, RESERVE_MOVES + m->n_drifts) || kf_tids_reserve(&m->tids, RESERVE_THREADS))
		return -1;
	if (KF_GROW(m->drifts, m->n_drifts, m->room_drifts))
		return -1;
	while (m->room_prios - m->n_prios < 2 * RESERVE_THREADS)
		if (kf_grow((void **)&m->prios, m->room_prios, &m->room_prios, sizeof(*m->prios)))
			return -1;
	while (m->room_threads - m->n_threads < RESERVE_THREADS)
		if (kf_grow((void **)&m->threads, m->room_threads, &m->room_threads, sizeof(*m->threads)))
			return -1;
	while (m->room_tracks - m->n_threads < RESERVE_THREADS)
		if (kf_grow((void **)&m->tracks, m->room_tracks, &m->room_tracks, sizeof(*m->tracks)))
			return -1;
	return 0;
}

/* A record can end runs on three CPUs at most, two on each: its own, and those its two threads were thought to be on.
 */
int kf_lane_reserve(struct kf_lane *lane)
{
	while (lane->room_runs - lane->n_runs < 8)
		if (kf_grow((void **)&lane->runs, lane->room_runs, &lane->room_runs, sizeof(*lane->runs)))
			return -1;
	return 0;
}

static int reserve_run_room(struct kf_machine *m, const struct kf_event *event)
{
	const uint32_t tids[] = { event->slot->tid, event->slot->peer };

	if (kf_lane_reserve(&m->lanes[event->cpu]))
		return -1;
	for (int i = 0; i < 2; i++) {
		const struct kf_tid *t = kf_tids_find(&m->tids, tids[i]);
		uint16_t cpu = t && t->thread != KF_NOBODY ? m->tracks[t->thread].cpu : KF_NO_CPU;

		if (cpu < m->n_cpus && kf_lane_reserve(&m->lanes[cpu]))
			return -1;
	}
	return 0;
}

static int step_in_window(struct kf_machine *m, const struct kf_event *event)
{
	m->n_records++;
	switch (event->slot->kind) {
	case KF_SWITCH:
		kf_step_switch(m, event);
		return 0;
	case KF_WAKING:
		kf_step_waking(m, event);
		return 0;
	case KF_WAKEUP_NEW:
		kf_step_wakeup_new(m, event);
		return 0;
	case KF_MIGRATE:
		kf_step_migrate(m, event);
		return 0;
	case KF_SYSCALL:
		kf_step_syscall(m, event);
		return 0;
	default:
		return kf_step_life(m, event, true);
	}
}

int kf_machine_step(struct kf_machine *m, const struct kf_event *event)
{
	if (event->cpu >= m->n_cpus)
		return 0;
	if (kf_machine_reserve(m) || reserve_run_room(m, event))
		return -1;
	if (event->ts_ns >= m->floor_ns && event->ts_ns < m->end_ns)
		return step_in_window(m, event);
	if ((event->slot->kind >= KF_FORK && event->slot->kind <= KF_RENAME) || event->slot->kind == KF_PRIO)
		return kf_step_life(m, event, false);
	return 0;
}

uint32_t kf_machine_add_thread(struct kf_machine *m, uint32_t tid, uint8_t track_state)
{
	struct kf_tid *t = kf_tids_get(&m->tids, tid);
	uint32_t index = m->n_threads++;
	uint32_t reuse = t->thread == KF_NOBODY ? 0 : m->threads[t->thread].reuse + 1;

	m->threads[index] =
		(struct kf_thread){ .tid = tid,
				    .reuse = reuse,
				    .start_state = track_state == KF_TRACK_UNBORN ? KF_STATE_DEAD : KF_STATE_UNKNOWN,
				    .start_cpu = KF_NO_CPU,
				    .start_waker = KF_NOBODY,
				    .start_wait.nr = KF_NR_USER };
	m->tracks[index] = (struct kf_track){ .state = track_state,
					      .cpu = KF_NO_CPU,
					      .home = KF_NO_CPU,
					      .after_cpu = KF_NO_CPU,
					      .tid = tid,
					      .since_ns = m->floor_ns,
					      .certain_ns = m->floor_ns,
					      .wake_move = KF_NO_MOVE };
	if (t->thread == KF_NOBODY)
		t->first = index;
	else
		m->tracks[index].since_ns = m->threads[t->thread].died_ns;
	t->thread = index;
	kf_machine_identify(m, t);
	return index;
}

void kf_machine_identify(struct kf_machine *m, const struct kf_tid *t)
{
	const struct kf_identity *id = &t->identity;
	struct kf_thread *thread;

	if (t->thread == KF_NOBODY)
		return;
	thread = &m->threads[t->thread];
	if (id->comm[0])
		memcpy(thread->comm, id->comm, sizeof(thread->comm));
	if (id->tgid) {
		thread->tgid = id->tgid;
		thread->process_leader = id->tgid == thread->tid;
	}
	if (id->parent_tgid && id->parent_tgid != id->tgid)
		thread->parent_tgid = id->parent_tgid;
	if (!thread->prio)
		kf_machine_set_prio(m, t->thread, id->prio, 0);
}

void kf_machine_doubt_prio(struct kf_machine *m, uint32_t thread)
{
	const struct kf_track *track = &m->tracks[thread];

	if (track->state != KF_STATE_RUNNING || m->n_prios >= m->room_prios)
		return;
	m->prios[m->n_prios++] = (struct kf_prio_change){ .ts_ns = track->since_ns, .thread = thread };
}

void kf_machine_set_prio(struct kf_machine *m, uint32_t thread, uint16_t prio, uint64_t ts_ns)
{
	struct kf_thread *of = &m->threads[thread];

	if (!(prio & KF_PRIO_KNOWN) || prio == of->prio || m->n_prios >= m->room_prios)
		return;
	m->prios[m->n_prios++] = (struct kf_prio_change){ .ts_ns = ts_ns, .thread = thread, .prio = prio };
	of->prio = prio;
}

uint32_t kf_machine_thread(struct kf_machine *m, uint32_t tid)
{
	const struct kf_tid *t = kf_tids_get(&m->tids, tid);
	uint32_t thread = t->thread;

	if (thread == KF_NOBODY)
		thread = kf_machine_add_thread(m, tid, KF_TRACK_UNSEEN);
	else if (m->tracks[thread].state == KF_STATE_DEAD)
		thread = kf_machine_add_thread(m, tid, KF_TRACK_UNBORN);
	m->tracks[thread].present = true;
	return thread;
}

uint32_t kf_machine_mention(struct kf_machine *m, uint32_t tid)
{
	const struct kf_tid *t;

	if (!tid)
		return KF_IDLE;
	t = kf_tids_get(&m->tids, tid);
	return t->thread != KF_NOBODY ? t->thread : kf_machine_add_thread(m, tid, KF_TRACK_UNSEEN);
}

struct kf_transition *kf_machine_move(struct kf_machine *m, uint64_t ts_ns, uint32_t thread, enum kf_move kind,
				      uint8_t flags)
{
	struct kf_transition *move = kf_moves_add(&m->moves, ts_ns, thread, kind);

	move->flags = flags;
	m->n_repaired += !!(flags & KF_MOVE_F_REPAIRED);
	return move;
}

void kf_machine_enter(struct kf_machine *m, uint32_t thread, enum kf_state state, uint16_t cpu, uint64_t ts_ns)
{
	struct kf_track *track = &m->tracks[thread];

	track->state = state;
	track->since_ns = ts_ns;
	track->certain_ns = ts_ns;
	track->placing = false;
	if (cpu != KF_NO_CPU || state == KF_STATE_RUNNABLE)
		track->cpu = cpu;
}

void kf_machine_begin(struct kf_machine *m, uint32_t thread, enum kf_state state, uint16_t cpu)
{
	m->threads[thread].start_state = state;
	m->threads[thread].start_cpu = cpu;
	kf_machine_enter(m, thread, state, cpu, m->floor_ns);
}

/* Runs of unknown threads that touch are one. */
static void push_run(struct kf_lane *lane, uint64_t end_ns)
{
	struct kf_run *last = lane->n_runs ? &lane->runs[lane->n_runs - 1] : NULL;

	if (end_ns <= lane->since_ns)
		return;
	if (last && last->thread == lane->who && lane->who == KF_NOT_KNOWN)
		last->end_ns = end_ns;
	else
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is room for every switch from the start */
		lane->runs[lane->n_runs++] = (struct kf_run){ lane->since_ns, end_ns, lane->who };
}

void kf_lane_set(struct kf_machine *m, uint32_t cpu, uint32_t who, uint64_t ts_ns)
{
	struct kf_lane *lane = &m->lanes[cpu];

	push_run(lane, ts_ns);
	lane->seen = true;
	lane->who = who;
	lane->since_ns = ts_ns;
	lane->certain_ns = ts_ns;
}

void kf_lane_witness(struct kf_machine *m, uint32_t cpu, uint32_t tid, uint64_t ts_ns)
{
	struct kf_lane *lane = &m->lanes[cpu];
	uint32_t who = kf_machine_mention(m, tid);

	if (who != KF_IDLE)
		m->tracks[who].present = true;
	if (lane->seen) {
		if (lane->who == who)
			lane->certain_ns = ts_ns;
		return;
	}
	if (lane->witness == KF_NOBODY)
		lane->witness = who;
	else if (lane->witness != who)
		lane->witness_differs = true;
}
