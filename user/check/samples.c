/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/samples.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "kflight/record.h"

/* Where a thread is while the moves are replayed. */
struct walk {
	uint64_t since_ns;
	struct kf_wait wait;
	uint8_t state; /* enum kf_state */
	bool no_begin; /* of the state */
};

struct collector {
	struct kf_samples *s;
	const struct kf_timeline *t;
	struct walk *walks; /* by thread */
};

static int add(struct kf_samples *s, enum kf_sample_kind kind, struct kf_sample sample)
{
	struct kf_sample_list *list = &s->lists[kind];

	if (sample.end_ns <= sample.start_ns)
		return 0;
	if (KF_GROW(list->items, list->n, list->room))
		return -1;
	list->items[list->n++] = sample;
	return 0;
}

static bool is_vague(const struct kf_wait *wait)
{
	return wait->kind == KF_WAIT_KIND_UNKNOWN || wait->nr == KF_NR_COMPAT;
}

static int add_block(struct collector *c, uint32_t thread, uint64_t end_ns, uint8_t end_flags, uint32_t waker)
{
	const struct walk *w = &c->walks[thread];
	struct kf_sample sample = {
		.start_ns = w->since_ns,
		.end_ns = end_ns,
		.thread = thread,
		.waker = waker,
		.arg0 = w->wait.arg0,
		.nr = w->wait.nr,
		.wait = w->wait.kind,
		.in_syscall = w->wait.in_syscall,
		.flags = (uint8_t)(end_flags | (w->no_begin ? KF_SAMPLE_NO_BEGIN : 0) |
				   (is_vague(&w->wait) ? KF_SAMPLE_VAGUE : 0)),
	};

	if (add(c->s, KF_SAMPLE_BLOCK, sample))
		return -1;
	/* It has no record before it returns. */
	return (end_flags & KF_SAMPLE_OPEN) && sample.in_syscall ? add(c->s, KF_SAMPLE_SYSCALL, sample) : 0;
}

/* The state a thread was in is over, or the window is. */
static int leave(struct collector *c, uint32_t thread, uint64_t ts_ns, uint8_t end_flags, uint32_t waker)
{
	const struct walk *w = &c->walks[thread];

	switch (w->state) {
	case KF_STATE_BLOCKED:
		return add_block(c, thread, ts_ns, end_flags, waker);
	case KF_STATE_UNKNOWN:
		return add(
			c->s, KF_SAMPLE_HOLE,
			(struct kf_sample){ .start_ns = w->since_ns,
					    .end_ns = ts_ns,
					    .thread = thread,
					    .flags = (uint8_t)(end_flags | (w->no_begin ? KF_SAMPLE_NO_BEGIN : 0)) });
	}
	return 0;
}

static int add_syscall(struct collector *c, const struct kf_transition *move)
{
	return add(c->s, KF_SAMPLE_SYSCALL,
		   (struct kf_sample){ .start_ns = move->since_ns,
				       .end_ns = move->ts_ns,
				       .thread = move->thread,
				       .waker = KF_NOBODY,
				       .arg0 = move->wait.arg0,
				       .nr = move->wait.nr,
				       .in_syscall = true });
}

static int replay(struct collector *c, const struct kf_transition *move)
{
	struct walk *w = &c->walks[move->thread];
	enum kf_state to = kf_move_leads_to(move, w->state);
	uint8_t lost = move->kind == KF_MOVE_LOST ? KF_SAMPLE_NO_END : 0;

	if (move->kind == KF_MOVE_SYSCALL)
		return add_syscall(c, move);
	if (to == w->state)
		return 0;
	if (leave(c, move->thread, move->ts_ns, lost, move->kind == KF_MOVE_WAKE ? move->other : KF_NOBODY))
		return -1;
	*w = (struct walk){
		.since_ns = move->ts_ns, .wait = move->wait, .state = to, .no_begin = move->kind == KF_MOVE_FOUND
	};
	return 0;
}

static void begin(struct collector *c, uint32_t thread)
{
	const struct kf_thread *th = &c->t->threads[thread];
	struct walk *w = &c->walks[thread];

	*w = (struct walk){ .since_ns = c->t->floor_ns, .wait = th->start_wait, .state = th->start_state };
	if (w->state != KF_STATE_BLOCKED) {
		w->no_begin = w->state == KF_STATE_UNKNOWN;
		return;
	}
	w->no_begin = !th->start_since_ns;
	if (th->start_since_ns && th->start_since_ns < w->since_ns)
		w->since_ns = th->start_since_ns;
}

static int walk_moves(struct collector *c)
{
	const struct kf_timeline *t = c->t;

	for (uint32_t i = 0; i < t->n_threads; i++)
		begin(c, i);
	for (size_t i = 0; i < t->n_moves; i++)
		if (replay(c, &t->moves[i]))
			return -1;
	for (uint32_t i = 0; i < t->n_threads; i++)
		if (leave(c, i, t->end_ns, KF_SAMPLE_OPEN, KF_NOBODY))
			return -1;
	return 0;
}

static bool began_unseen(const struct kf_timeline *t, const struct kf_gap *gap)
{
	const struct kf_thread *th = &t->threads[gap->thread];

	return gap->start_ns <= t->floor_ns && !th->start_since_ns;
}

static int by_begin(const void *va, const void *vb)
{
	const struct kf_sample *a = va, *b = vb;

	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* Does the unknown begin where the gap ends? The holes are sorted. */
static bool ends_in_hole(const struct kf_sample_list *holes, const struct kf_gap *gap)
{
	const struct kf_sample key = { .thread = gap->thread, .start_ns = gap->end_ns };

	return holes->n && bsearch(&key, holes->items, holes->n, sizeof(*holes->items), by_begin);
}

/*
 * A throttled gap whose begin or length is not told has no times: at most all of it. An open one is taken for throttled as long
 * as it lasts.
 */
static int add_throttled(struct collector *c, const struct kf_gap *gap, uint8_t flags)
{
	struct kf_sample sample = { .start_ns = gap->throttled_start_ns,
				    .end_ns = gap->throttled_end_ns,
				    .thread = gap->thread,
				    .waker = KF_NOBODY,
				    .flags = flags & (gap->open ? KF_SAMPLE_CUT : 0),
				    .gap = gap };

	if (gap->kind != KF_GAP_THROTTLED && !gap->throttled)
		return 0;
	if (sample.end_ns <= sample.start_ns) {
		sample.start_ns = gap->start_ns;
		sample.end_ns = gap->end_ns;
		sample.flags = flags | KF_SAMPLE_VAGUE;
	}
	return add(c->s, KF_SAMPLE_THROTTLED, sample);
}

static int add_gap(struct collector *c, const struct kf_gap *gap)
{
	struct kf_sample sample = {
		.start_ns = gap->start_ns, .end_ns = gap->end_ns, .thread = gap->thread, .waker = gap->waker, .gap = gap
	};

	if (gap->open)
		sample.flags |= KF_SAMPLE_OPEN;
	else if (ends_in_hole(&c->s->lists[KF_SAMPLE_HOLE], gap))
		sample.flags |= KF_SAMPLE_NO_END;
	if (began_unseen(c->t, gap))
		sample.flags |= KF_SAMPLE_NO_BEGIN;
	return add(c->s, KF_SAMPLE_RUNQ, sample) || add_throttled(c, gap, sample.flags);
}

static int collect(struct collector *c)
{
	struct kf_sample_list *holes = &c->s->lists[KF_SAMPLE_HOLE];

	if (walk_moves(c))
		return -1;
	if (holes->n)
		qsort(holes->items, holes->n, sizeof(*holes->items), by_begin);
	for (size_t i = 0; i < c->t->n_gaps; i++)
		if (add_gap(c, &c->t->gaps[i]))
			return -1;
	return 0;
}

int kf_samples_collect(struct kf_samples *s, const struct kf_timeline *t, struct kf_error *e)
{
	struct collector c = { .s = s, .t = t };
	int err;

	memset(s, 0, sizeof(*s));
	c.walks = calloc(t->n_threads + 1, sizeof(*c.walks));
	err = c.walks ? collect(&c) : -1;
	free(c.walks);
	return err ? kf_fail_memory(e, "the waits") : 0;
}

void kf_samples_release(struct kf_samples *s)
{
	for (int kind = 0; kind < KF_SAMPLE_KINDS; kind++)
		free(s->lists[kind].items);
	memset(s, 0, sizeof(*s));
}

uint64_t kf_sample_range_ns(const struct kf_sample *s, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t from = s->start_ns > from_ns ? s->start_ns : from_ns;
	uint64_t to = s->end_ns < to_ns ? s->end_ns : to_ns;

	return to > from ? to - from : 0;
}

uint64_t kf_sample_window_ns(const struct kf_sample *s, const struct kf_timeline *t)
{
	return kf_sample_range_ns(s, t->floor_ns, t->end_ns);
}

bool kf_sample_is_futex(const struct kf_sample *s)
{
	return (s->flags & KF_SAMPLE_VAGUE) || s->wait == KF_WAIT_FUTEX_LOCK || s->wait == KF_WAIT_FUTEX_COND;
}
