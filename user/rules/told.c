/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/told.h"

#include <string.h>

#include "model/timeline.h"
#include "rules/finding.h"

/* Of the same wait, seen by another rule. */
static bool is_same_wait(const struct kf_finding *a, const struct kf_finding *b)
{
	return a->gap ? a->gap == b->gap : a->thread == b->thread && a->ts_ns == b->ts_ns && a->thread != KF_NOBODY;
}

static size_t rank_of(const struct kf_rule *rule)
{
	size_t i = 0;

	while (kf_rules()[i] && kf_rules()[i] != rule)
		i++;
	return i;
}

static bool is_same_name(const struct kf_timeline *t, uint32_t a, uint32_t b)
{
	return a == b || (a < t->n_threads && b < t->n_threads &&
			  !strncmp(t->threads[a].process_comm, t->threads[b].process_comm, KF_COMM_BYTES));
}

/* a, of which there is at least as much, is about the same two as b. */
static bool covers(const struct kf_timeline *t, const struct kf_finding *a, const struct kf_finding *b)
{
	return a->gap && b->gap && a->total_ns >= b->total_ns && a->count >= b->count &&
	       is_same_name(t, a->thread, b->thread) && is_same_name(t, a->culprit, b->culprit);
}

/* These say that somebody waited; those before them say why. */
static bool is_effect(const struct kf_finding *finding)
{
	return rank_of(finding->rule) >= rank_of(kf_rule_find("Preempted"));
}

/* Of two about the same wait, is a the one to tell? A cause, unless that hides something worse; of effects the worse one. */
static bool is_better(const struct kf_finding *a, const struct kf_finding *b)
{
	if (is_effect(a) && is_effect(b) && a->severity != b->severity)
		return a->severity > b->severity;
	return rank_of(a->rule) < rank_of(b->rule) && a->severity >= b->severity;
}

bool kf_is_told_better(const struct kf_findings *f, const struct kf_timeline *t, const struct kf_finding *finding)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct kf_finding *other = &f->items[i];

		if ((is_same_wait(other, finding) || covers(t, other, finding)) && is_better(other, finding))
			return true;
	}
	return false;
}
