/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/account.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "model/timeline.h"

#define NO_STRETCH UINT32_MAX

/* A stretch of a gap that is not over yet. */
struct part {
	struct kf_stretch stretch;
	uint32_t before; /* index of the stretch before it in the same gap, NO_STRETCH none */
};

/* Where a thread is while the moves are replayed. */
struct walk {
	uint64_t since_ns;
	uint64_t stretch_ns; /* begin of the stretch that is open */
	struct kf_gap gap;   /* the gap that is open, while runnable */
	uint32_t last_part;
	uint16_t cpu;
	uint8_t state;
	uint8_t wait_kind;
};

struct account {
	struct kf_timeline *t;
	struct walk *walks; /* one per thread */
	struct part *parts; /* freed as a whole */
	size_t n_parts, room_parts;
	size_t room_gaps, room_stretches;
};

static void spend(struct kf_thread *thread, const struct walk *w, uint64_t until_ns)
{
	uint64_t ns = until_ns - w->since_ns;

	switch (w->state) {
	case KF_STATE_RUNNING:
		thread->running_ns += ns;
		break;
	case KF_STATE_RUNNABLE:
		thread->runnable_ns += ns;
		break;
	case KF_STATE_BLOCKED:
		thread->blocked_ns += ns;
		thread->blocked_by_ns[w->wait_kind] += ns;
		break;
	case KF_STATE_UNKNOWN:
		thread->unknown_ns += ns;
		break;
	}
}

/* The open stretch ends; one of no length is dropped. */
static int end_stretch(struct account *a, struct walk *w, uint64_t ts_ns)
{
	if (ts_ns <= w->stretch_ns)
		return 0;
	if (KF_GROW(a->parts, a->n_parts, a->room_parts) || a->n_parts >= NO_STRETCH)
		return -1;
	a->parts[a->n_parts] = (struct part){ { w->stretch_ns, ts_ns, w->cpu }, w->last_part };
	w->last_part = a->n_parts++;
	w->stretch_ns = ts_ns;
	return 0;
}

/* Moves the stretches of a gap, which are linked backwards, into the timeline. */
static int keep_stretches(struct account *a, struct kf_gap *gap, uint32_t last)
{
	struct kf_timeline *t = a->t;
	size_t n = 0;

	for (uint32_t i = last; i != NO_STRETCH; i = a->parts[i].before)
		n++;
	while (a->room_stretches - t->n_stretches < n)
		if (kf_grow((void **)&t->stretches, a->room_stretches, &a->room_stretches, sizeof(*t->stretches)))
			return -1;
	if (t->n_stretches + n > UINT32_MAX)
		return -1;
	gap->first_stretch = t->n_stretches;
	gap->n_stretches = n;
	t->n_stretches += n;
	for (uint32_t i = last; i != NO_STRETCH; i = a->parts[i].before)
		t->stretches[gap->first_stretch + --n] = a->parts[i].stretch;
	/* The parts of this gap are mostly the youngest: use their room again. */
	if (gap->n_stretches == 1 && last == a->n_parts - 1)
		a->n_parts--;
	return 0;
}

static void begin_gap(struct walk *w, uint32_t thread, uint64_t start_ns, uint8_t cause, uint32_t waker)
{
	w->gap = (struct kf_gap){ .thread = thread, .cause = cause, .waker = waker, .start_ns = start_ns };
	w->stretch_ns = start_ns;
	w->last_part = NO_STRETCH;
}

static int end_gap(struct account *a, struct walk *w, uint64_t ts_ns, uint16_t cpu, bool open)
{
	struct kf_thread *thread = &a->t->threads[w->gap.thread];

	if (ts_ns <= w->gap.start_ns)
		return 0;
	if (end_stretch(a, w, ts_ns) || KF_GROW(a->t->gaps, a->t->n_gaps, a->room_gaps))
		return -1;
	w->gap.end_ns = ts_ns;
	w->gap.cpu = cpu;
	w->gap.open = open;
	if (keep_stretches(a, &w->gap, w->last_part))
		return -1;
	a->t->gaps[a->t->n_gaps++] = w->gap;
	thread->n_gaps++;
	if (ts_ns - w->gap.start_ns > thread->worst_gap_ns)
		thread->worst_gap_ns = ts_ns - w->gap.start_ns;
	return 0;
}

static void begin_gap_of(struct walk *w, const struct kf_transition *move)
{
	uint8_t cause = KF_CAUSE_UNKNOWN;
	uint32_t waker = KF_NOBODY;

	if (move->kind == KF_MOVE_STOP) {
		cause = KF_CAUSE_PREEMPTED;
	} else if (move->kind == KF_MOVE_WAKE || move->kind == KF_MOVE_FORK) {
		cause = move->kind == KF_MOVE_WAKE ? KF_CAUSE_WOKEN : KF_CAUSE_FORKED;
		waker = move->other;
	}
	begin_gap(w, move->thread, move->ts_ns, cause, waker);
	w->gap.throttled = move->flags & KF_MOVE_F_THROTTLED;
	w->gap.yielded = move->flags & KF_MOVE_F_YIELD;
	w->gap.waker_irq = move->kind == KF_MOVE_WAKE && (move->flags & KF_MOVE_F_IRQ);
}

static int replay(struct account *a, const struct kf_transition *move)
{
	struct walk *w = &a->walks[move->thread];
	enum kf_state to = kf_move_leads_to(move, w->state);

	if (move->kind == KF_MOVE_MIGRATE) {
		if (move->cpu != w->cpu && end_stretch(a, w, move->ts_ns))
			return -1;
		w->cpu = move->cpu;
	}
	if (to == w->state)
		return 0;
	spend(&a->t->threads[move->thread], w, move->ts_ns);
	if (w->state == KF_STATE_RUNNABLE &&
	    end_gap(a, w, move->ts_ns, to == KF_STATE_RUNNING ? move->cpu : w->cpu, false))
		return -1;
	if (to == KF_STATE_RUNNABLE)
		begin_gap_of(w, move);
	a->t->threads[move->thread].n_runs += to == KF_STATE_RUNNING;
	w->state = to;
	w->since_ns = move->ts_ns;
	w->cpu = move->cpu;
	w->wait_kind = to == KF_STATE_BLOCKED && move->wait.kind < KF_WAIT_KINDS ? move->wait.kind : 0;
	return 0;
}

static int begin(struct account *a, uint32_t index)
{
	const struct kf_thread *thread = &a->t->threads[index];
	struct walk *w = &a->walks[index];
	uint64_t since_ns = a->t->floor_ns;

	*w = (struct walk){ .since_ns = a->t->floor_ns,
			    .state = thread->start_state,
			    .cpu = thread->start_cpu,
			    .wait_kind = thread->start_wait.kind };
	if (thread->start_state == KF_STATE_RUNNING)
		a->t->threads[index].n_runs++;
	if (thread->start_state != KF_STATE_RUNNABLE)
		return 0;
	if (thread->start_since_ns && thread->start_since_ns < since_ns)
		since_ns = thread->start_since_ns;
	begin_gap(w, index, since_ns, thread->start_cause, thread->start_waker);
	w->gap.waker_irq = thread->start_waker_irq;
	/* On whose queue it was before the floor is not known. */
	w->cpu = KF_NO_CPU;
	if (end_stretch(a, w, a->t->floor_ns))
		return -1;
	w->cpu = thread->start_cpu;
	return 0;
}

static int end(struct account *a, uint32_t index)
{
	struct walk *w = &a->walks[index];

	spend(&a->t->threads[index], w, a->t->end_ns);
	if (w->state == KF_STATE_RUNNABLE)
		return end_gap(a, w, a->t->end_ns, w->cpu, true);
	return 0;
}

static int replay_all(struct account *a)
{
	for (uint32_t i = 0; i < a->t->n_threads; i++)
		if (begin(a, i))
			return -1;
	for (size_t i = 0; i < a->t->n_moves; i++)
		if (replay(a, &a->t->moves[i]))
			return -1;
	for (uint32_t i = 0; i < a->t->n_threads; i++)
		if (end(a, i))
			return -1;
	return 0;
}

int kf_timeline_account(struct kf_timeline *t, struct kf_error *e)
{
	struct account a = { .t = t };
	int err;

	a.walks = calloc(t->n_threads + 1, sizeof(*a.walks));
	err = a.walks ? replay_all(&a) : -1;
	free(a.walks);
	free(a.parts);
	return err ? kf_fail_memory(e, "gaps") : 0;
}
