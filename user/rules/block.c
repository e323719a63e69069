/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/block.h"

#include <stdlib.h>

#include "base/error.h"
#include "rules/search.h"

/* The wait a thread is in; wait NULL: in none. */
struct begun {
	const struct kf_wait *wait;
	uint64_t start_ns;
	uint16_t cpu;
	bool cut;
};

static struct begun begun_before(const struct kf_timeline *t, const struct kf_thread *th)
{
	if (th->start_state != KF_STATE_BLOCKED)
		return (struct begun){ 0 };
	return (struct begun){ .wait = &th->start_wait,
			       .start_ns = th->start_since_ns ? th->start_since_ns : t->floor_ns,
			       .cpu = th->start_cpu,
			       .cut = !th->start_since_ns };
}

/* What the thread waits for after this move. */
static struct begun begun_after(const struct begun *before, const struct kf_transition *move)
{
	switch (move->kind) {
	case KF_MOVE_BLOCK:
		return (struct begun){ .wait = &move->wait, .start_ns = move->ts_ns, .cpu = move->cpu };
	case KF_MOVE_FOUND:
		if (move->state == KF_STATE_BLOCKED)
			return (struct begun){
				.wait = &move->wait, .start_ns = move->ts_ns, .cpu = move->cpu, .cut = true
			};
		return (struct begun){ 0 };
	case KF_MOVE_SYSCALL:
	case KF_MOVE_EXEC:
		return *before;
	}
	return (struct begun){ 0 };
}

static struct kf_block block_of(const struct begun *begun, uint32_t thread, uint64_t end_ns)
{
	return (struct kf_block){ .wait = begun->wait,
				  .start_ns = begun->start_ns < end_ns ? begun->start_ns : end_ns,
				  .end_ns = end_ns,
				  .thread = thread,
				  .waker = KF_NOBODY,
				  .cpu = begun->cpu,
				  .cut = begun->cut };
}

static int end_open_ones(struct kf_search *s, const struct begun *begun, kf_block_fn fn, void *arg, struct kf_error *e)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < s->t->n_threads; i++) {
		struct kf_block block = block_of(&begun[i], i, s->t->end_ns);

		block.open = true;
		if (begun[i].wait && s->wanted[i])
			ret = fn(s, &block, arg, e);
	}
	return ret;
}

static int walk(struct kf_search *s, struct begun *begun, kf_block_fn fn, void *arg, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_moves; i++) {
		const struct kf_transition *move = &s->t->moves[i];
		struct begun *b = &begun[move->thread];

		if (move->kind == KF_MOVE_WAKE && b->wait && s->wanted[move->thread]) {
			struct kf_block block = block_of(b, move->thread, move->ts_ns);
			int ret;

			block.waker = move->other;
			block.waker_irq = move->flags & KF_MOVE_F_IRQ;
			ret = fn(s, &block, arg, e);
			if (ret)
				return ret;
		}
		*b = begun_after(b, move);
	}
	return end_open_ones(s, begun, fn, arg, e);
}

int kf_search_blocks(struct kf_search *s, kf_block_fn fn, void *arg, struct kf_error *e)
{
	struct begun *begun = calloc(s->t->n_threads + 1, sizeof(*begun));
	int ret;

	if (!begun)
		return kf_fail_memory(e, "findings");
	for (size_t i = 0; i < s->t->n_threads; i++)
		begun[i] = begun_before(s->t, &s->t->threads[i]);
	ret = walk(s, begun, fn, arg, e);
	free(begun);
	return ret;
}
