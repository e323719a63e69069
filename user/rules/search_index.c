/* SPDX-License-Identifier: BSD-2-Clause */
/* What rules look up: the moves and gaps of one thread, what it was doing before a gap, who ran during one. */
#include "rules/search.h"

#include <linux/sched.h>

#include "model/chain.h"

static int need_chains(struct kf_search *s, struct kf_error *e)
{
	return s->chains ? 0 : kf_chains_open(&s->chains, s->t, e);
}

const uint32_t *kf_search_moves(struct kf_search *s, uint32_t thread, size_t *n, struct kf_error *e)
{
	return need_chains(s, e) ? NULL : kf_chains_moves(s->chains, thread, n);
}

const uint32_t *kf_search_gaps(struct kf_search *s, uint32_t thread, size_t *n, struct kf_error *e)
{
	return need_chains(s, e) ? NULL : kf_chains_gaps(s->chains, thread, n);
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
