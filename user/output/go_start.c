/* SPDX-License-Identifier: BSD-2-Clause */
/* go_start.c - the states at the start of the cut: found by applying the moves before it, then shown. */
#include <stdlib.h>

#include "output/go_gaps.h"
#include "output/go_writer.h"

/* The longest replay: status, start, goroutine start, stop, proc stop, start, goroutine start, syscall. */
#define REPLAY_EVENTS 8

uint64_t kf_go_start_length_ns(const struct kf_timeline *t)
{
	return t->n_threads * REPLAY_EVENTS + t->n_cpus + 1;
}

static void apply(struct kf_go_now *now, const struct kf_transition *move)
{
	switch ((enum kf_move)move->kind) {
	case KF_MOVE_RUN:
		now->state = KF_STATE_RUNNING;
		break;
	case KF_MOVE_STOP:
	case KF_MOVE_WAKE:
	case KF_MOVE_FORK:
		now->state = KF_STATE_RUNNABLE;
		break;
	case KF_MOVE_BLOCK:
		now->state = KF_STATE_BLOCKED;
		now->wait = move->wait;
		return;
	case KF_MOVE_EXIT:
		now->state = KF_STATE_DEAD;
		return;
	case KF_MOVE_LOST:
		now->state = KF_STATE_UNKNOWN;
		return;
	case KF_MOVE_FOUND:
		now->state = move->state;
		now->wait = move->wait;
		break;
	case KF_MOVE_MIGRATE:
		break;
	case KF_MOVE_EXEC:
	case KF_MOVE_SYSCALL:
		return;
	}
	now->cpu = move->cpu;
}

/* Backwards: every wait learns who ended it. */
static void find_wakers(struct kf_go_writer *w)
{
	const struct kf_timeline *t = w->t;
	bool *by_thread = w->start_by_thread; /* at the end of the loop: as of the first move of the cut */

	for (size_t i = t->n_moves; i-- > w->next_move;) {
		const struct kf_transition *move = &t->moves[i];

		if (move->thread >= t->n_threads)
			continue;
		if (move->kind == KF_MOVE_WAKE)
			by_thread[move->thread] = (move->flags & KF_MOVE_F_CTX_KNOWN) &&
						  !(move->flags & KF_MOVE_F_IRQ) && move->other < t->n_threads;
		else if (move->kind == KF_MOVE_BLOCK || move->kind == KF_MOVE_FOUND)
			w->by_thread[i] = by_thread[move->thread];
	}
}

int kf_go_start_find(struct kf_go_writer *w)
{
	const struct kf_timeline *t = w->t;

	w->now = calloc(t->n_threads + 1, sizeof(*w->now));
	w->start_by_thread = calloc(t->n_threads + 1, sizeof(*w->start_by_thread));
	w->by_thread = calloc(t->n_moves + 1, sizeof(*w->by_thread));
	if (!w->now || !w->start_by_thread || !w->by_thread)
		return -1;
	for (size_t i = 0; i < t->n_threads; i++) {
		w->now[i].state = t->threads[i].start_state;
		w->now[i].cpu = t->threads[i].start_cpu;
		w->now[i].wait = t->threads[i].start_wait;
	}
	for (; w->next_move < t->n_moves && t->moves[w->next_move].ts_ns < w->from_ns; w->next_move++) {
		const struct kf_transition *move = &t->moves[w->next_move];

		if (move->thread < t->n_threads)
			apply(&w->now[move->thread], move);
	}
	find_wakers(w);
	return 0;
}

static void replay(struct kf_go_writer *w, uint32_t thread)
{
	const struct kf_go_now *now = &w->now[thread];
	uint32_t root = kf_go_names_stack(w->names, thread, KF_GO_STACK_ROOT, NULL);
	struct kf_go_why preempted = { kf_go_wire_string(w->wire, "preempted"), root };

	if (now->state == KF_STATE_UNKNOWN || now->state == KF_STATE_DEAD)
		return;
	kf_go_lanes_run(w->lanes, w->start_ns, thread, now->cpu);
	if (now->state == KF_STATE_BLOCKED)
		kf_go_show_wait(w, w->start_ns, thread, &now->wait, w->start_by_thread[thread]);
	else
		kf_go_lanes_stop(w->lanes, w->start_ns, thread, preempted);
}

/* Every thread was runnable, ran for a nanosecond and then got where it is. */
static void emit_replay(struct kf_go_writer *w)
{
	const struct kf_timeline *t = w->t;

	for (uint32_t i = 0; i < t->n_threads; i++)
		if (w->now[i].state != KF_STATE_UNKNOWN && w->now[i].state != KF_STATE_DEAD)
			kf_go_lanes_declare(w->lanes, w->start_ns, i, KF_GO_IS_RUNNABLE, 0);
	for (uint32_t i = 0; i < t->n_threads; i++)
		replay(w, i);
	for (uint32_t i = 0; i < t->n_threads; i++) {
		if (w->now[i].state != KF_STATE_RUNNING)
			continue;
		kf_go_lanes_run(w->lanes, w->from_ns, i, w->now[i].cpu);
		kf_go_show_call(w, w->from_ns, i);
	}
}

static void emit_status(struct kf_go_writer *w, uint32_t thread)
{
	const struct kf_go_now *now = &w->now[thread];
	const struct kf_wait *wait = now->call ? &now->call->wait : NULL;
	uint32_t stack;

	switch (now->state) {
	case KF_STATE_RUNNING:
		stack = kf_go_names_stack(w->names, thread, KF_GO_STACK_SYSCALL, wait);
		kf_go_lanes_declare_running(w->lanes, w->start_ns, thread, now->cpu, wait != NULL, stack);
		break;
	case KF_STATE_RUNNABLE:
		stack = kf_go_names_stack(w->names, thread, KF_GO_STACK_ROOT, NULL);
		kf_go_lanes_declare(w->lanes, w->start_ns, thread, KF_GO_IS_RUNNABLE, stack);
		break;
	case KF_STATE_BLOCKED:
		stack = kf_go_names_stack(w->names, thread, KF_GO_STACK_WAIT, &now->wait);
		kf_go_lanes_declare(
			w->lanes, w->start_ns, thread,
			now->wait.uninterruptible && now->wait.in_syscall ? KF_GO_IS_ASLEEP : KF_GO_IS_WAITING, stack);
		break;
	default:
		break;
	}
}

static uint64_t declare_cpus(struct kf_go_writer *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->t->n_cpus; i++) {
		if (!w->t->cpus[i].n_runs)
			continue;
		kf_go_lanes_declare_cpu(w->lanes, w->start_ns, (uint16_t)i);
		n++;
	}
	return n;
}

void kf_go_start_emit(struct kf_go_writer *w)
{
	const struct kf_timeline *t = w->t;
	uint64_t n_cpus;

	if (w->o->init == KF_GO_INIT_STATUS)
		for (uint32_t i = 0; i < t->n_threads; i++)
			emit_status(w, i);
	n_cpus = declare_cpus(w); /* those that are still free */
	if (w->o->init == KF_GO_INIT_REPLAY)
		emit_replay(w);
	for (uint32_t i = 0; i < t->n_threads; i++) {
		if (!kf_go_lanes_on_cpu(w->lanes, i))
			continue;
		kf_go_lanes_procs(w->lanes, w->from_ns, i, n_cpus);
		kf_go_about(w, w->from_ns, i);
		break;
	}
	for (uint32_t i = 0; i < t->n_threads; i++)
		if (w->now[i].state == KF_STATE_RUNNABLE)
			kf_go_gaps_begin(w, w->from_ns, i, w->now[i].cpu, KF_NOBODY);
}
