/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/culprits.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "model/parts.h"
#include "model/timeline.h"

/* What one culprit cost one victim. */
struct pair {
	uint32_t culprit;
	uint32_t victim;
	uint64_t ns;
};

struct pairs {
	struct pair *items;
	size_t n, room;
	size_t fold_at; /* so many are worth summing up again */
};

static int by_culprit_then_victim(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;

	if (a->culprit != b->culprit)
		return a->culprit < b->culprit ? -1 : 1;
	return (a->victim > b->victim) - (a->victim < b->victim);
}

/* Sorts, and makes one of equal pairs. */
static void fold(struct pairs *p)
{
	size_t kept = 0;

	if (!p->n)
		return;
	qsort(p->items, p->n, sizeof(p->items[0]), by_culprit_then_victim);
	for (size_t i = 1; i < p->n; i++) {
		if (by_culprit_then_victim(&p->items[kept], &p->items[i]) == 0)
			p->items[kept].ns += p->items[i].ns;
		else
			p->items[++kept] = p->items[i];
	}
	p->n = kept + 1;
}

static int add_pair(struct pairs *p, uint32_t culprit, uint32_t victim, uint64_t ns)
{
	if (p->n >= p->fold_at) {
		fold(p);
		p->fold_at = p->n < 32768 ? 65536 : p->n * 2;
	}
	if (KF_GROW(p->items, p->n, p->room))
		return -1;
	p->items[p->n++] = (struct pair){ culprit, victim, ns };
	return 0;
}

static uint32_t who(const struct kf_part *part)
{
	switch ((enum kf_part_kind)part->kind) {
	case KF_PART_THREAD:
		return part->thread;
	case KF_PART_IDLE:
		return KF_IDLE;
	default:
		return KF_NOBODY;
	}
}

static int collect(const struct kf_timeline *t, const struct kf_gap *const *gaps, size_t n_gaps, struct pairs *pairs,
		   struct kf_error *e)
{
	struct kf_parts parts = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < n_gaps; i++) {
		err = kf_gap_parts(t, gaps[i], &parts, e);
		for (size_t k = 0; !err && k < parts.n; k++)
			if (add_pair(pairs, who(&parts.items[k]), gaps[i]->thread, parts.items[k].ns))
				err = kf_fail_memory(e, "culprits");
	}
	kf_parts_release(&parts);
	return err;
}

static int by_ns(const void *va, const void *vb)
{
	const struct kf_culprit *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	return (a->thread > b->thread) - (a->thread < b->thread);
}

/* pairs are folded: all of one culprit follow one another. */
static int sum_up(const struct pairs *pairs, struct kf_culprit **out, size_t *n_out)
{
	struct kf_culprit *list = NULL;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *pair = &pairs->items[i];
		struct kf_culprit *c = n ? &list[n - 1] : NULL;

		if (!c || c->thread != pair->culprit) {
			if (KF_GROW(list, n, room)) {
				free(list);
				return -1;
			}
			c = &list[n++];
			*c = (struct kf_culprit){ .thread = pair->culprit, .top_victim = pair->victim };
		}
		c->ns += pair->ns;
		c->n_victims++;
		if (pair->ns > c->top_victim_ns) {
			c->top_victim = pair->victim;
			c->top_victim_ns = pair->ns;
		}
	}
	if (n)
		qsort(list, n, sizeof(list[0]), by_ns);
	*out = list;
	*n_out = n;
	return 0;
}

int kf_culprits_find(const struct kf_timeline *t, const struct kf_gap *const *gaps, size_t n_gaps,
		     struct kf_culprit **out, size_t *n_out, struct kf_error *e)
{
	struct pairs pairs = { .fold_at = 65536 };
	int err = collect(t, gaps, n_gaps, &pairs, e);

	if (!err) {
		fold(&pairs);
		if (sum_up(&pairs, out, n_out))
			err = kf_fail_memory(e, "culprits");
	}
	free(pairs.items);
	return err;
}
