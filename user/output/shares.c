/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/shares.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "model/timeline.h"
#include "output/namesakes.h"
#include "output/sentence.h"

static int by_ns_then_time(const void *va, const void *vb)
{
	const struct kf_share *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	return a->kind != b->kind ? a->kind - b->kind : a->vector - b->vector;
}

static int reserve_names(struct kf_sentences *s)
{
	if (s->namesakes)
		return 0;
	s->by_name = calloc(s->t->n_threads + 1, sizeof(*s->by_name));
	s->namesakes = s->by_name ? kf_namesakes(s->t) : NULL;
	if (s->namesakes)
		return 0;
	free(s->by_name);
	s->by_name = NULL;
	return -1;
}

/* Adds a share to an earlier one with the same name. */
static void merge(struct kf_share *into, const struct kf_share *share)
{
	into->ns += share->ns;
	into->n_threads += !share->again;
	if (into->thread < share->thread)
		into->thread = share->thread;
	if (into->cpu != share->cpu)
		into->cpu = KF_NO_CPU;
}

/* A hundred workers of one name become one share: the reader wants to know the program. Returns how many are left. */
static size_t merge_names(struct kf_sentences *s, size_t n)
{
	struct kf_share *shares = s->shares;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct kf_share *share = &shares[i];

		if (share->kind == KF_PART_THREAD) {
			uint32_t name = s->namesakes[share->thread], at = s->by_name[name];

			/* by_name is never cleared: what it says of other gaps does not fit. */
			if (at < kept && shares[at].kind == KF_PART_THREAD && s->namesakes[shares[at].thread] == name) {
				merge(&shares[at], share);
				continue;
			}
			s->by_name[name] = (uint32_t)kept;
		}
		shares[kept++] = *share;
	}
	return kept;
}

/* All unknown time becomes one share: on which CPU nothing was known is of no use to the reader. */
static size_t make_shares(const struct kf_parts *p, struct kf_share *shares)
{
	struct kf_share *unknown = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct kf_part *part = &p->items[i];

		if (part->kind == KF_PART_UNKNOWN && unknown) {
			unknown->ns += part->ns;
			continue;
		}
		shares[n] = (struct kf_share){
			part->ns,    part->start_ns, part->thread, 1, part->cpu, part->kind, part->before != KF_NO_PART,
			part->vector
		};
		if (part->kind == KF_PART_UNKNOWN)
			unknown = &shares[n];
		n++;
	}
	return n;
}

static void fill_percent(struct kf_shares *s)
{
	uint64_t weights[KF_N_SHOWN + 2];
	unsigned int percent[KF_N_SHOWN + 2];

	for (size_t i = 0; i < s->n; i++)
		weights[i] = s->items[i].ns;
	weights[s->n] = s->rest_ns;
	weights[s->n + 1] = s->unknown_ns;
	kf_percentages(weights, s->n + 2, percent);
	memcpy(s->percent, percent, s->n * sizeof(percent[0]));
	s->rest_percent = percent[s->n];
	s->unknown_percent = percent[s->n + 1];
}

/* How many of n sorted shares are named: the largest four, but none below one per cent behind the first. */
static size_t count_named(const struct kf_share *all, size_t n)
{
	uint64_t total = 0;
	size_t named = 1;

	for (size_t i = 0; i < n; i++)
		total += all[i].ns;
	while (named < n && named < KF_N_NAMED && all[named].ns >= total / 100)
		named++;
	return n <= named + 1 ? n : named;
}

/* Of all[0] to all[n - 1], which get sorted; n may not be 0. */
static struct kf_shares choose_shares(struct kf_share *all, size_t n)
{
	struct kf_shares s = { .n = 0 };

	qsort(all, n, sizeof(*all), by_ns_then_time);
	s.n = count_named(all, n);
	memcpy(s.items, all, s.n * sizeof(s.items[0]));
	for (size_t i = s.n; i < n; i++) {
		if (all[i].kind == KF_PART_UNKNOWN) {
			s.unknown_ns = all[i].ns;
		} else {
			s.rest_ns += all[i].ns;
			s.n_rest += all[i].n_threads;
		}
	}
	fill_percent(&s);
	return s;
}

int kf_shares_find(struct kf_sentences *s, struct kf_shares *out)
{
	size_t n;

	while (s->room_shares < s->parts.n)
		if (kf_grow((void **)&s->shares, s->room_shares, &s->room_shares, sizeof(*s->shares)))
			return -1;
	n = make_shares(&s->parts, s->shares);
	if (n > KF_N_NAMED + 1) {
		if (reserve_names(s))
			return -1;
		n = merge_names(s, n);
	}
	*out = choose_shares(s->shares, n);
	return 0;
}
