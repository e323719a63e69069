/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/busiest.h"

#include <stdlib.h>

#include "base/error.h"
#include "model/timeline.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ns * part / whole, where part <= whole. */
static uint64_t share(uint64_t ns, uint64_t part, uint64_t whole)
{
	return (uint64_t)((unsigned __int128)ns * part / whole);
}

/*
 * Spreads ns evenly from start to end: the first and the last stretch get their part at once, those between them
 * through `each`, where a change stands at the first stretch that it is for. So a long record costs no more than a short one.
 */
static void spread(struct kf_busy *b, uint64_t *each, uint64_t start_ns, uint64_t end_ns, uint64_t ns)
{
	uint64_t first = (start_ns - b->from_ns) / b->stretch_ns, last = (end_ns - 1 - b->from_ns) / b->stretch_ns;
	uint64_t whole_ns = end_ns - start_ns, head_ns, tail_ns, middle_ns;

	if (first >= last) {
		b->taken_ns[first] += ns;
		return;
	}
	head_ns = share(ns, b->from_ns + (first + 1) * b->stretch_ns - start_ns, whole_ns);
	tail_ns = share(ns, end_ns - (b->from_ns + last * b->stretch_ns), whole_ns);
	middle_ns = last - first > 1 ? (ns - head_ns - tail_ns) / (last - first - 1) : 0;
	b->taken_ns[first] += head_ns;
	b->taken_ns[last] += tail_ns;
	each[first + 1] += middle_ns;
	each[last] -= middle_ns;
}

static void add_taken(struct kf_busy *b, uint64_t *each, const struct kf_taken *taken, uint64_t end_ns)
{
	uint64_t from = larger(taken->start_ns, b->from_ns);
	uint64_t to = taken->end_ns < end_ns ? taken->end_ns : end_ns;
	uint64_t ns;

	if (to <= from)
		return;
	ns = share(taken->ns, to - from, taken->end_ns - taken->start_ns);
	b->total_ns += ns;
	spread(b, each, from, to, ns);
}

static int reserve(struct kf_busy *b, uint64_t **each, uint64_t known_ns)
{
	b->stretch_ns = larger(KF_STRETCH_NS, known_ns / KF_STRETCHES_MAX + 1);
	b->n = (size_t)((known_ns + b->stretch_ns - 1) / b->stretch_ns);
	b->last_ns = known_ns - (b->n - 1) * b->stretch_ns;
	b->taken_ns = calloc(b->n + 1, sizeof(*b->taken_ns));
	*each = calloc(b->n + 2, sizeof(**each));
	return b->taken_ns && *each ? 0 : -1;
}

int kf_busy_find(struct kf_busy *b, const struct kf_timeline *t, const struct kf_cpu *cpu, unsigned int kinds,
		 struct kf_error *e)
{
	uint64_t *each = NULL, level = 0;

	*b = (struct kf_busy){ .from_ns = larger(cpu->taken_floor_ns, t->floor_ns) };
	if (!cpu->n_taken || b->from_ns >= t->end_ns)
		return 0;
	if (reserve(b, &each, t->end_ns - b->from_ns)) {
		free(each);
		return kf_fail_memory(e, "findings");
	}
	for (size_t i = 0; i < cpu->n_taken; i++)
		if (kinds & 1U << cpu->taken[i].kind)
			add_taken(b, each, &cpu->taken[i], t->end_ns);
	for (size_t i = 0; i < b->n; i++) {
		level += each[i];
		b->taken_ns[i] += level;
	}
	free(each);
	return 0;
}

uint64_t kf_busy_permille(const struct kf_busy *b, size_t stretch)
{
	uint64_t length_ns = stretch + 1 == b->n ? b->last_ns : b->stretch_ns;

	if (length_ns < KF_STRETCH_MIN_NS)
		return 0;
	return b->taken_ns[stretch] >= length_ns ? 1000 : b->taken_ns[stretch] * 1000 / length_ns;
}

void kf_busy_release(struct kf_busy *b)
{
	free(b->taken_ns);
	*b = (struct kf_busy){ 0 };
}
