/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/culprits.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "model/parts.h"
#include "model/timeline.h"
#include "output/namesakes.h"

/* What one culprit cost one victim. */
struct pair {
	uint32_t name; /* index of any thread with the culprit's name; KF_IDLE, KF_NOBODY */
	uint32_t culprit;
	uint32_t victim;
	uint64_t ns;
};

struct pairs {
	struct pair *items;
	size_t n, room;
	size_t fold_at; /* so many are worth summing up again */
};

static int compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_culprit(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	int order = compare(a->name, b->name);

	order = order ? order : compare(a->culprit, b->culprit);
	return order ? order : compare(a->victim, b->victim);
}

static int by_victim(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	int order = compare(a->name, b->name);

	return order ? order : compare(a->victim, b->victim);
}

/* Sorts by culprit, and makes one of equal pairs. */
static void fold(struct pairs *p)
{
	size_t kept = 0;

	if (!p->n)
		return;
	qsort(p->items, p->n, sizeof(p->items[0]), by_culprit);
	for (size_t i = 1; i < p->n; i++) {
		if (by_culprit(&p->items[kept], &p->items[i]) == 0)
			p->items[kept].ns += p->items[i].ns;
		else
			p->items[++kept] = p->items[i];
	}
	p->n = kept + 1;
}

static int add_pair(struct pairs *p, struct pair pair)
{
	if (p->n >= p->fold_at) {
		fold(p);
		p->fold_at = p->n < 32768 ? 65536 : p->n * 2;
	}
	if (KF_GROW(p->items, p->n, p->room))
		return -1;
	p->items[p->n++] = pair;
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

static int collect(const struct kf_timeline *t, const struct kf_gap *const *gaps, size_t n_gaps, const uint32_t *names,
		   struct pairs *pairs, struct kf_error *e)
{
	struct kf_parts parts = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < n_gaps; i++) {
		err = kf_gap_parts(t, gaps[i], &parts, e);
		for (size_t k = 0; !err && k < parts.n; k++) {
			uint32_t culprit = who(&parts.items[k]);
			uint32_t name = culprit < t->n_threads ? names[culprit] : culprit;

			if (add_pair(pairs, (struct pair){ name, culprit, gaps[i]->thread, parts.items[k].ns }))
				err = kf_fail_memory(e, "culprits");
		}
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

/* n folded pairs with one name; sorts them anew. */
static struct kf_culprit sum_up_name(struct pair *pairs, size_t n)
{
	struct kf_culprit c = { 0 };
	uint64_t ns = 0;

	for (size_t i = 0; i < n; i++) {
		bool goes_on = i && pairs[i].culprit == pairs[i - 1].culprit;

		c.ns += pairs[i].ns;
		c.n_threads += !goes_on;
		ns = goes_on ? ns + pairs[i].ns : pairs[i].ns;
		if (ns > c.thread_ns || !i) {
			c.thread_ns = ns;
			c.thread = pairs[i].culprit;
		}
	}
	qsort(pairs, n, sizeof(*pairs), by_victim);
	for (size_t i = 0; i < n; i++) {
		bool goes_on = i && pairs[i].victim == pairs[i - 1].victim;

		c.n_victims += !goes_on;
		ns = goes_on ? ns + pairs[i].ns : pairs[i].ns;
		if (ns > c.top_victim_ns || !i) {
			c.top_victim_ns = ns;
			c.top_victim = pairs[i].victim;
		}
	}
	return c;
}

/* pairs are folded: all of one name follow one another. */
static int sum_up(const struct pairs *pairs, struct kf_culprit **out, size_t *n_out)
{
	struct kf_culprit *list = NULL;
	size_t n = 0, room = 0, next;

	for (size_t i = 0; i < pairs->n; i = next) {
		for (next = i + 1; next < pairs->n && pairs->items[next].name == pairs->items[i].name;)
			next++;
		if (KF_GROW(list, n, room)) {
			free(list);
			return -1;
		}
		list[n++] = sum_up_name(&pairs->items[i], next - i);
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
	uint32_t *names = kf_namesakes(t);
	int err = names ? collect(t, gaps, n_gaps, names, &pairs, e) : kf_fail_memory(e, "culprits");

	if (!err) {
		fold(&pairs);
		if (sum_up(&pairs, out, n_out))
			err = kf_fail_memory(e, "culprits");
	}
	free(pairs.items);
	free(names);
	return err;
}
