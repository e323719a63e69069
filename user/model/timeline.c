/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/bisect.h"
#include "base/error.h"
#include "model/about.h"
#include "model/account.h"
#include "model/events.h"
#include "model/machine.h"
#include "model/settle.h"
#include "model/taken.h"
#include "snapshot/snapshot.h"

#define KTHREADD_TID 2

static int walk(struct kf_machine *m, struct kf_events *ev, struct kf_error *e)
{
	struct kf_event event;

	while (kf_events_next(ev, &event)) {
		if (event.ts_ns >= m->end_ns)
			return kf_settle(m, ev, &event, e);
		if (kf_machine_step(m, &event))
			return kf_fail_memory(e, "the timeline");
	}
	return kf_settle(m, ev, NULL, e);
}

static const struct kf_task *task_of(const struct kf_machine *m, const struct kf_tid *t)
{
	return t && t->task ? &m->snapshot->tasks[t->task - 1] : NULL;
}

static void copy_comm(char to[KF_COMM_BYTES], const char from[KF_COMM_BYTES])
{
	memcpy(to, from, KF_COMM_BYTES - 1);
	to[KF_COMM_BYTES - 1] = '\0';
}

/* The scan is later than every record, so it only fills in. */
static void name_by_scan(struct kf_machine *m, struct kf_thread *thread, const struct kf_task *task)
{
	if (!thread->comm[0])
		copy_comm(thread->comm, task->comm);
	if (!thread->tgid)
		thread->tgid = task->tgid;
	if (!thread->parent_tgid)
		thread->parent_tgid = task->ppid;
	thread->process_leader = thread->tgid == thread->tid;
	thread->kernel |= !!(task->flags & KF_TASK_KTHREAD);
}

/* A process has the name of its leader: the last thread with that number, or what the scan says of one that is gone. */
static void name_process(struct kf_machine *m, struct kf_thread *thread)
{
	const struct kf_tid *t = thread->tgid ? kf_tids_find(&m->tids, thread->tgid) : NULL;
	const struct kf_task *task = task_of(m, t);
	const struct kf_thread *leader = t && t->thread != KF_NOBODY ? &m->threads[t->thread] : NULL;

	copy_comm(thread->process_comm, thread->comm);
	if (leader && leader->comm[0])
		copy_comm(thread->process_comm, leader->comm);
	else if (task && task->comm[0])
		copy_comm(thread->process_comm, task->comm);
	if (!thread->parent_tgid && leader)
		thread->parent_tgid = leader->parent_tgid;
	thread->kernel |= thread->tid == KTHREADD_TID || thread->parent_tgid == KTHREADD_TID;
}

static void name_threads(struct kf_machine *m)
{
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct kf_tid *t = kf_tids_find(&m->tids, m->threads[i].tid);
		const struct kf_task *task = t && t->thread == i ? task_of(m, t) : NULL;

		if (task)
			name_by_scan(m, &m->threads[i], task);
	}
	for (size_t i = 0; i < m->n_threads; i++)
		name_process(m, &m->threads[i]);
}

/* Takes what the machine made. */
static int take(struct kf_timeline *t, struct kf_machine *m, struct kf_error *e)
{
	t->cpus = calloc(m->n_cpus + 1, sizeof(*t->cpus));
	if (!t->cpus || kf_moves_settle(&m->moves))
		return kf_fail_memory(e, "the timeline");
	t->n_cpus = m->n_cpus;
	for (uint32_t cpu = 0; cpu < m->n_cpus; cpu++) {
		t->cpus[cpu] = (struct kf_cpu){ .runs = m->lanes[cpu].runs, .n_runs = m->lanes[cpu].n_runs };
		m->lanes[cpu].runs = NULL;
	}
	t->floor_ns = m->floor_ns;
	t->end_ns = m->end_ns;
	t->threads = m->threads;
	t->n_threads = m->n_threads;
	t->moves = m->moves.items;
	t->n_moves = m->moves.n;
	t->names = m->names;
	t->names_bytes = m->n_names;
	t->n_records = m->n_records;
	t->n_repaired = m->n_repaired;
	t->n_ignored = m->n_ignored;
	m->threads = NULL;
	m->moves.items = NULL;
	m->names = NULL;
	return 0;
}

static int build(struct kf_timeline *t, struct kf_machine *m, const struct kf_snapshot *s, struct kf_error *e)
{
	struct kf_events *ev = NULL;
	int err;

	if (kf_machine_init(m, s, e) || kf_events_open(&ev, s, e))
		return -1;
	m->n_ignored = kf_events_bad(ev);
	err = walk(m, ev, e);
	kf_events_close(&ev);
	if (err)
		return -1;
	name_threads(m);
	if (kf_about_threads(t, m, e) || take(t, m, e) || kf_taken_read(t, s, e) || kf_timeline_account(t, e))
		return -1;
	return kf_taken_judge_gaps(t, s, e);
}

int kf_timeline_build(struct kf_timeline **out, const struct kf_snapshot *snapshot, struct kf_error *e)
{
	struct kf_timeline *t = calloc(1, sizeof(*t));
	struct kf_machine m = { 0 };
	int err;

	if (!t)
		return kf_fail_memory(e, "the timeline");
	err = build(t, &m, snapshot, e);
	kf_machine_release(&m);
	if (err)
		kf_timeline_free(&t);
	else
		*out = t;
	return err;
}

static void free_cpu(struct kf_cpu *cpu)
{
	free(cpu->runs);
	free(cpu->taken);
}

void kf_timeline_free(struct kf_timeline **t)
{
	if (!t || !*t)
		return;
	for (size_t cpu = 0; (*t)->cpus && cpu < (*t)->n_cpus; cpu++)
		free_cpu(&(*t)->cpus[cpu]);
	free((*t)->cpus);
	free((*t)->threads);
	free((*t)->moves);
	free((*t)->gaps);
	free((*t)->stretches);
	free((*t)->names);
	free((*t)->prios);
	free((*t)->cgroups);
	free((*t)->group_paths);
	free((*t)->masks);
	free((*t)->irqs);
	free(*t);
	*t = NULL;
}

size_t kf_cpu_run_at(const struct kf_cpu *cpu, uint64_t ts_ns)
{
	return KF_BISECT(cpu->n_runs, i, cpu->runs[i].end_ns <= ts_ns);
}

size_t kf_cpu_taken_at(const struct kf_cpu *cpu, uint64_t ts_ns)
{
	return KF_BISECT(cpu->n_taken, i, cpu->taken[i].end_ns <= ts_ns);
}

uint32_t kf_timeline_find(const struct kf_timeline *t, uint32_t tid, uint64_t ts_ns)
{
	uint32_t found = KF_NOBODY;

	for (uint32_t i = 0; i < t->n_threads; i++) {
		const struct kf_thread *thread = &t->threads[i];

		if (thread->tid != tid)
			continue;
		if (!ts_ns) {
			if (found == KF_NOBODY || thread->reuse > t->threads[found].reuse)
				found = i;
		} else if (thread->born_ns <= ts_ns && (!thread->died_ns || ts_ns <= thread->died_ns)) {
			found = i;
		}
	}
	return found;
}

enum kf_state kf_move_leads_to(const struct kf_transition *move, enum kf_state state)
{
	switch (move->kind) {
	case KF_MOVE_RUN:
		return KF_STATE_RUNNING;
	case KF_MOVE_STOP:
	case KF_MOVE_WAKE:
	case KF_MOVE_FORK:
		return KF_STATE_RUNNABLE;
	case KF_MOVE_BLOCK:
		return KF_STATE_BLOCKED;
	case KF_MOVE_EXIT:
		return KF_STATE_DEAD;
	case KF_MOVE_LOST:
		return KF_STATE_UNKNOWN;
	case KF_MOVE_FOUND:
		return move->state;
	}
	return state;
}
