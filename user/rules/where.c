/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/where.h"

#include "base/bisect.h"
#include "rules/search.h"
#include "rules/words.h"

/* The first of the thread's moves at ts_ns or later: a place in moves. */
static size_t move_at(const struct kf_timeline *t, const uint32_t *moves, size_t n, uint64_t ts_ns)
{
	return KF_BISECT(n, i, t->moves[moves[i]].ts_ns < ts_ns);
}

/* What it slept in before move number i of it, a WAKE. */
static const struct kf_wait *slept_in(const struct kf_timeline *t, uint32_t thread, const uint32_t *moves, size_t i)
{
	while (i-- > 0) {
		const struct kf_transition *move = &t->moves[moves[i]];

		if (move->kind == KF_MOVE_BLOCK)
			return &move->wait;
		if (move->kind == KF_MOVE_FOUND)
			return move->state == KF_STATE_BLOCKED ? &move->wait : NULL;
		if (move->kind != KF_MOVE_SYSCALL && move->kind != KF_MOVE_EXEC)
			return NULL;
	}
	return t->threads[thread].start_state == KF_STATE_BLOCKED ? &t->threads[thread].start_wait : NULL;
}

/* What the thread of a gap was doing when it began. */
static const struct kf_wait *before_gap(const struct kf_timeline *t, const struct kf_gap *gap, const uint32_t *moves,
					size_t n)
{
	for (size_t i = move_at(t, moves, n, gap->start_ns); i < n; i++) {
		const struct kf_transition *move = &t->moves[moves[i]];

		if (move->ts_ns != gap->start_ns)
			break;
		if (move->kind == KF_MOVE_STOP)
			return &move->wait;
		if (move->kind == KF_MOVE_WAKE)
			return slept_in(t, gap->thread, moves, i);
	}
	return NULL;
}

int kf_where(struct kf_search *s, const struct kf_hit *hit, struct kf_line *line, struct kf_error *e)
{
	const struct kf_wait *wait = &hit->wait;

	if (hit->gap) {
		size_t n;
		const uint32_t *moves = kf_search_moves(s, hit->thread, &n, e);

		if (!moves)
			return -1;
		wait = before_gap(s->t, hit->gap, moves, n);
	}
	if (wait)
		kf_line_where(line, wait);
	return 0;
}
