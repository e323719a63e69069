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
	uint8_t kind;	  /* enum kf_part_kind */
	uint32_t name;	  /* index of any thread with the culprit's name; vector; index of the cgroup */
	uint32_t culprit; /* index; KF_IDLE, KF_NOBODY */
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

static int by_name(const struct pair *a, const struct pair *b)
{
	return a->kind != b->kind ? compare(a->kind, b->kind) : compare(a->name, b->name);
}

static int by_culprit(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	int order = by_name(a, b);

	order = order ? order : compare(a->culprit, b->culprit);
	return order ? order : compare(a->victim, b->victim);
}

static int by_victim(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	int order = by_name(a, b);

	return order ? order : compare(a->victim, b->victim);
}

#define VECTORS 65536

/* Behind the threads the kinds, the vectors of interrupts, those of softirqs, the cgroups, and an unknown cgroup. */
static size_t n_places(const struct kf_timeline *t)
{
	return t->n_threads + KF_PART_KINDS + 2 * VECTORS + t->n_cgroups + 1;
}

static size_t place_of(const struct kf_timeline *t, const struct kf_gap *gap, const struct kf_part *part)
{
	size_t vectors = t->n_threads + KF_PART_KINDS;

	switch ((enum kf_part_kind)part->kind) {
	case KF_PART_THREAD:
		return part->thread;
	case KF_PART_IRQ:
		return vectors + part->vector;
	case KF_PART_SOFTIRQ:
		return vectors + VECTORS + part->vector;
	case KF_PART_THROTTLED:
		return vectors + 2 * VECTORS + (gap->cgroup < t->n_cgroups ? gap->cgroup : t->n_cgroups);
	default:
		return t->n_threads + part->kind;
	}
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

static uint32_t name_of(const struct collection *c, const struct kf_gap *gap, const struct kf_part *part)
{
	switch ((enum kf_part_kind)part->kind) {
	case KF_PART_THREAD:
		return c->namesakes[part->thread];
	case KF_PART_IRQ:
	case KF_PART_SOFTIRQ:
		return part->vector;
	case KF_PART_THROTTLED:
		return gap->cgroup < c->t->n_cgroups ? gap->cgroup : KF_NO_CGROUP;
	default:
		return 0;
	}
}

static int add_part(struct collection *c, const struct kf_gap *gap, const struct kf_part *part)
{
	struct pairs *p = &c->pairs;
	size_t *pair = &c->pair_of[place_of(c->t, gap, part)];

	if (*pair > c->first) { /* places count from 1 */
		p->items[*pair - 1].ns += part->ns;
		return 0;
	}
	if (KF_GROW(p->items, p->n, p->room))
		return -1;
	p->items[p->n++] = (struct pair){ .kind = part->kind,
					  .name = name_of(c, gap, part),
					  .culprit = part->kind == KF_PART_THREAD ? part->thread
						     : part->kind == KF_PART_IDLE ? KF_IDLE
										  : KF_NOBODY,
					  .victim = gap->thread,
					  .ns = part->ns };
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
			if (add_part(c, gaps[i], &c->parts.items[k]))
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
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): all n_gaps places are filled */
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
	if (a->thread != b->thread)
		return compare(a->thread, b->thread);
	if (a->kind != b->kind)
		return compare(a->kind, b->kind);
	return a->vector != b->vector ? compare(a->vector, b->vector) : compare(a->group, b->group);
}

/* n pairs with one name, sorted by culprit; sorts them anew. */
static struct kf_culprit sum_up_name(struct pair *pairs, size_t n)
{
	struct kf_culprit c = { .kind = pairs->kind, .group = KF_NO_CGROUP };
	uint64_t ns = 0;

	if (c.kind == KF_PART_IRQ || c.kind == KF_PART_SOFTIRQ)
		c.vector = (uint16_t)pairs->name;
	else if (c.kind == KF_PART_THROTTLED)
		c.group = pairs->name;

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
		for (next = i + 1; next < pairs->n && !by_name(&pairs->items[next], &pairs->items[i]);)
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

	c.pair_of = calloc(n_places(t), sizeof(*c.pair_of));
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
