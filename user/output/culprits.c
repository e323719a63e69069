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

/* KF_IDLE and time of nobody known come behind the threads. */
static size_t place_of(const struct kf_timeline *t, const struct kf_part *part)
{
	return part->kind == KF_PART_THREAD ? part->thread : t->n_threads + (part->kind == KF_PART_IDLE);
}

/* What is collected, and what that needs. */
struct collection {
	const struct kf_timeline *t;
	const uint32_t *namesakes;
	struct kf_parts parts;
	struct pairs pairs;
	size_t *pair_of; /* by place_of(): its pair with the present victim; an older one's pair is before `first` */
	size_t first;	 /* pair of the present victim */
};

static int add_part(struct collection *c, uint32_t victim, const struct kf_part *part)
{
	struct pairs *p = &c->pairs;
	size_t *pair = &c->pair_of[place_of(c->t, part)];
	uint32_t culprit = part->kind == KF_PART_THREAD ? part->thread
			   : part->kind == KF_PART_IDLE ? KF_IDLE
							: KF_NOBODY;

	if (*pair > c->first) { /* places count from 1 */
		p->items[*pair - 1].ns += part->ns;
		return 0;
	}
	if (KF_GROW(p->items, p->n, p->room))
		return -1;
	p->items[p->n++] = (struct pair){ part->kind == KF_PART_THREAD ? c->namesakes[culprit] : culprit, culprit,
					  victim, part->ns };
	*pair = p->n;
	return 0;
}

/* Gaps of one victim, that follow one another. */
static int collect_victim(struct collection *c, const struct kf_gap *const *gaps, size_t n, struct kf_error *e)
{
	c->first = c->pairs.n;
	for (size_t i = 0; i < n; i++) {
		if (kf_gap_parts(c->t, gaps[i], &c->parts, e))
			return -1;
		for (size_t k = 0; k < c->parts.n; k++)
			if (add_part(c, gaps[i]->thread, &c->parts.items[k]))
				return kf_fail_memory(e, "culprits");
	}
	return 0;
}

/* The gaps, those of one victim together. NULL when out of memory. */
static const struct kf_gap **sort_by_victim(const struct kf_timeline *t, const struct kf_gap *const *gaps, size_t n)
{
	const struct kf_gap **sorted = calloc(n + 1, sizeof(const struct kf_gap *));
	size_t *end = calloc(t->n_threads + 1, sizeof(*end));

	if (!sorted || !end) {
		free(sorted);
		free(end);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		end[gaps[i]->thread]++;
	for (size_t i = 1; i < t->n_threads; i++)
		end[i] += end[i - 1];
	for (size_t i = n; i-- > 0;)
		sorted[--end[gaps[i]->thread]] = gaps[i];
	free(end);
	return sorted;
}

static int collect(struct collection *c, const struct kf_gap *const *gaps, size_t n_gaps, struct kf_error *e)
{
	const struct kf_gap **sorted = sort_by_victim(c->t, gaps, n_gaps);
	size_t next;
	int err = 0;

	if (!sorted)
		return kf_fail_memory(e, "culprits");
	for (size_t i = 0; !err && i < n_gaps; i = next) {
		for (next = i + 1; next < n_gaps && sorted[next]->thread == sorted[i]->thread;)
			next++;
		err = collect_victim(c, sorted + i, next - i, e);
	}
	free(sorted);
	return err;
}

static int by_ns(const void *va, const void *vb)
{
	const struct kf_culprit *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	return (a->thread > b->thread) - (a->thread < b->thread);
}

/* n pairs with one name, sorted by culprit; sorts them anew. */
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

/* pairs are sorted by culprit: all of one name follow one another. */
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
	uint32_t *namesakes = kf_namesakes(t);
	struct collection c = { .t = t, .namesakes = namesakes };
	int err;

	c.pair_of = calloc(t->n_threads + 2, sizeof(*c.pair_of));
	err = namesakes && c.pair_of ? collect(&c, gaps, n_gaps, e) : kf_fail_memory(e, "culprits");
	if (!err) {
		if (c.pairs.n)
			qsort(c.pairs.items, c.pairs.n, sizeof(c.pairs.items[0]), by_culprit);
		if (sum_up(&c.pairs, out, n_out))
			err = kf_fail_memory(e, "culprits");
	}
	kf_parts_release(&c.parts);
	free(c.pairs.items);
	free(c.pair_of);
	free(namesakes);
	return err;
}
