/* SPDX-License-Identifier: BSD-2-Clause */
/* What rules look up: the moves and gaps of one thread, what it was doing before a gap, who ran during one. */
#include "rules/search.h"

#include <linux/sched.h>
#include <stdlib.h>

#include "base/error.h"

typedef uint32_t (*thread_fn)(const struct kf_timeline *t, size_t i);

static uint32_t thread_of_move(const struct kf_timeline *t, size_t i)
{
	return t->moves[i].thread;
}

static uint32_t thread_of_gap(const struct kf_timeline *t, size_t i)
{
	return t->gaps[i].thread;
}

/* Sorts 0 to n - 1 by thread; what is in time order stays so. */
static int index_by_thread(const struct kf_timeline *t, size_t n, thread_fn thread_of, uint32_t **items, size_t **at,
			   struct kf_error *e)
{
	*items = calloc(n + 1, sizeof(**items));
	*at = calloc(t->n_threads + 2, sizeof(**at));
	if (!*items || !*at) {
		free(*items);
		free(*at);
		*items = NULL;
		*at = NULL;
		return kf_fail_memory(e, "findings");
	}
	/* One place further than where they begin: filling moves each entry to the begin of the next. */
	for (size_t i = 0; i < n; i++)
		(*at)[thread_of(t, i) + 2]++;
	for (size_t i = 2; i <= t->n_threads + 1; i++)
		(*at)[i] += (*at)[i - 1];
	for (size_t i = 0; i < n; i++)
		(*items)[(*at)[thread_of(t, i) + 1]++] = (uint32_t)i;
	return 0;
}

const uint32_t *kf_search_moves(struct kf_search *s, uint32_t thread, size_t *n, struct kf_error *e)
{
	if (!s->moves && index_by_thread(s->t, s->t->n_moves, thread_of_move, &s->moves, &s->moves_at, e))
		return NULL;
	*n = s->moves_at[thread + 1] - s->moves_at[thread];
	return s->moves + s->moves_at[thread];
}

const uint32_t *kf_search_gaps(struct kf_search *s, uint32_t thread, size_t *n, struct kf_error *e)
{
	if (!s->gaps && index_by_thread(s->t, s->t->n_gaps, thread_of_gap, &s->gaps, &s->gaps_at, e))
		return NULL;
	*n = s->gaps_at[thread + 1] - s->gaps_at[thread];
	return s->gaps + s->gaps_at[thread];
}

int kf_search_parts(struct kf_search *s, const struct kf_gap *gap, struct kf_error *e)
{
	return kf_gap_parts(s->t, gap, &s->parts, e);
}

uint64_t kf_parts_of_kind(const struct kf_parts *p, enum kf_part_kind kind)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < p->n; i++)
		ns += p->items[i].kind == kind ? p->items[i].ns : 0;
	return ns;
}

/* Of one name, the thread with most time. */
static uint32_t top_of_name(const struct kf_search *s, uint32_t name)
{
	uint32_t top = KF_NOBODY;
	uint64_t top_ns = 0;

	for (size_t i = 0; i < s->parts.n; i++) {
		const struct kf_part *part = &s->parts.items[i];

		if (part->kind == KF_PART_THREAD && s->name[part->thread] == name && part->ns > top_ns) {
			top_ns = part->ns;
			top = part->thread;
		}
	}
	return top;
}

/* The name with most time in s->parts, of which the sum is added up; KF_NOBODY if no thread ran. */
static uint32_t top_name(struct kf_search *s, uint64_t *ns_of_top, uint64_t *sum_ns)
{
	uint32_t most = KF_NOBODY;

	for (size_t i = 0; i < s->parts.n; i++) {
		const struct kf_part *part = &s->parts.items[i];
		uint64_t *ns;

		*sum_ns += part->ns;
		if (part->kind != KF_PART_THREAD)
			continue;
		ns = &s->ns_of_name[s->name[part->thread]];
		*ns += part->ns;
		if (*ns > *ns_of_top) {
			*ns_of_top = *ns;
			most = s->name[part->thread];
		}
	}
	for (size_t i = 0; i < s->parts.n; i++)
		if (s->parts.items[i].kind == KF_PART_THREAD)
			s->ns_of_name[s->name[s->parts.items[i].thread]] = 0;
	return most;
}

uint32_t kf_search_culprit(struct kf_search *s)
{
	uint64_t most_ns = 0, sum_ns = 0;
	uint32_t name = top_name(s, &most_ns, &sum_ns);

	if (name != KF_NOBODY && most_ns >= sum_ns - most_ns)
		return top_of_name(s, name);
	most_ns = kf_parts_of_kind(&s->parts, KF_PART_IDLE);
	return most_ns && most_ns >= sum_ns - most_ns ? KF_IDLE : KF_NOBODY;
}

bool kf_gap_is_of_idler(const struct kf_timeline *t, const struct kf_gap *gap)
{
	uint16_t prio = kf_prio_at(t, gap->thread, gap->start_ns);

	return (prio & KF_PRIO_KNOWN) && KF_PRIO_POLICY(prio) == SCHED_IDLE;
}

struct kf_hit kf_hit_of_gap(const struct kf_gap *gap)
{
	uint64_t ns = gap->end_ns - gap->start_ns;

	return (struct kf_hit){ .value = ns,
				.ns = ns,
				.ts_ns = gap->start_ns,
				.thread = gap->thread,
				.culprit = KF_NOBODY,
				.cpu = gap->cpu,
				.gap = gap,
				.wait = { .nr = KF_NR_USER } };
}
