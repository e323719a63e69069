/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/aggregates.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/recorder.h"
#include "daemon/events.h"
#include "daemon/judgement.h"
#include "daemon/sliding.h"
#include "expr/trigger_set.h"
#include "output/line.h"

struct aggregate {
	struct kf_sliding sliding;
	struct kf_sliding_sum sum;	/* of the last look */
	struct kf_sliding_sum true_sum; /* of the last one that was true */
	bool whole;			/* sum is of a whole period */
	bool is_true;			/* ... at the last look */
	bool was_false;			/* since it began */
	uint64_t true_until_ns;		/* as told to the recorder */
};

struct kf_aggregates {
	struct kf_recorder *recorder;
	const struct kf_trigger_set *set;
	struct kf_timer *timer;
	kf_aggregate_fired_fn fired;
	void *context;
	struct aggregate terms[KF_MAX_TERMS];
};

static bool is_looked_at(const struct kf_aggregates *a, size_t term)
{
	return !a->set->terms[term].event && a->set->rules[kf_trigger_set_rule_of(a->set, term)].enabled;
}

static void begin(struct kf_aggregates *a, size_t term, uint64_t now_ns)
{
	struct aggregate *g = &a->terms[term];
	struct kf_term_stats stats;

	kf_recorder_term_stats(a->recorder, (int)term, &stats);
	*g = (struct aggregate){ .whole = false };
	kf_sliding_start(&g->sliding, a->set->period_ns[term], now_ns, &stats);
}

static void set_timer(struct kf_aggregates *a, uint64_t now_ns)
{
	uint64_t step_ns = 0;

	for (size_t i = 0; i < a->set->n_terms; i++) {
		uint64_t own_ns = kf_sliding_step_ns(a->set->period_ns[i]);

		if (is_looked_at(a, i) && (!step_ns || own_ns < step_ns))
			step_ns = own_ns;
	}
	kf_timer_set(a->timer, step_ns ? now_ns + step_ns : 0, step_ns);
}

/* "Below" is about a fall: true only of what has been otherwise. */
static bool is_true(struct aggregate *g, const struct kf_expr *x)
{
	enum kf_judgement judged = kf_judge(x, g->sliding.period_ns, &g->sum);
	bool below = x->compare == KF_EXPR_BELOW || x->compare == KF_EXPR_AT_MOST;

	g->was_false |= judged == KF_JUDGED_FALSE;
	return judged == KF_JUDGED_TRUE && (!below || g->was_false);
}

static uint64_t memory_ns(const struct aggregate *g)
{
	uint64_t looks_ns = kf_sliding_step_ns(g->sliding.period_ns) * 3 / 2;

	return looks_ns > KF_TERM_MEMORY_NS ? looks_ns : KF_TERM_MEMORY_NS;
}

/* Enough if it lasts beyond the next look. */
static bool is_known(const struct aggregate *g, uint64_t now_ns)
{
	return g->true_until_ns > now_ns + kf_sliding_step_ns(g->sliding.period_ns) * 3 / 2;
}

/* All that is true of a rule at once, so that it is looked at, and counted, once; any of them may be the one that makes it true. */
static void tell(struct kf_aggregates *a, uint32_t terms, uint64_t now_ns)
{
	char why[KF_AGGREGATES_WHY_BYTES];
	struct kf_trigger trigger;

	for (int term = 0; term < KF_MAX_TERMS; term++) {
		struct aggregate *g = &a->terms[term];

		if (!(terms >> term & 1))
			continue;
		g->true_until_ns = now_ns + memory_ns(g);
		kf_recorder_keep_true(a->recorder, term, g->true_until_ns);
	}
	if (kf_recorder_set_true(a->recorder, terms, &trigger))
		return;
	kf_aggregates_why(a, trigger.rule - 1, why, sizeof(why));
	a->fired(a->context, &trigger, why);
}

static void look(struct kf_aggregates *a, size_t term, uint64_t now_ns)
{
	struct aggregate *g = &a->terms[term];
	struct kf_term_stats stats;

	kf_recorder_term_stats(a->recorder, (int)term, &stats);
	g->whole = kf_sliding_add(&g->sliding, now_ns, &stats, &g->sum);
	g->is_true = g->whole && is_true(g, &a->set->exprs[term]);
	if (g->is_true)
		g->true_sum = g->sum;
}

/* Does the recorder have to be told of any of them? */
static bool is_news(const struct kf_aggregates *a, uint32_t terms, uint64_t now_ns)
{
	for (int term = 0; terms; term++, terms >>= 1)
		if ((terms & 1) && !is_known(&a->terms[term], now_ns))
			return true;
	return false;
}

/* All are looked at before any is told, so that why is complete. */
static void step(void *context)
{
	struct kf_aggregates *a = context;
	const struct kf_trigger_set *set = a->set;
	uint64_t now_ns = kf_now_ns();
	uint32_t looked = 0, true_now = 0;

	for (size_t i = 0; i < set->n_terms; i++) {
		if (!is_looked_at(a, i))
			continue;
		if (kf_sliding_is_due(&a->terms[i].sliding, now_ns)) {
			look(a, i, now_ns);
			looked |= 1u << i;
		}
		if (a->terms[i].is_true)
			true_now |= 1u << i;
	}
	for (size_t i = 0; i < set->n_rules; i++)
		if (is_news(a, true_now & looked & set->rules[i].terms, now_ns))
			tell(a, true_now & set->rules[i].terms, now_ns);
}

int kf_aggregates_new(struct kf_aggregates **out, struct kf_events *events, struct kf_recorder *r,
		      const struct kf_trigger_set *set, kf_aggregate_fired_fn fired, void *context, struct kf_error *e)
{
	struct kf_aggregates *a = calloc(1, sizeof(*a));
	uint64_t now_ns = kf_now_ns();

	if (!a)
		return kf_fail_memory(e, "the aggregates");
	*a = (struct kf_aggregates){ .recorder = r, .set = set, .fired = fired, .context = context };
	if (kf_events_timer(events, step, a, &a->timer, e)) {
		free(a);
		return -1;
	}
	for (size_t i = 0; i < set->n_terms; i++)
		if (!set->terms[i].event)
			begin(a, i, now_ns);
	set_timer(a, now_ns);
	*out = a;
	return 0;
}

void kf_aggregates_free(struct kf_aggregates **a)
{
	if (!a || !*a)
		return;
	kf_timer_set((*a)->timer, 0, 0);
	free(*a);
	*a = NULL;
}

void kf_aggregates_change(struct kf_aggregates *a, int rule)
{
	uint64_t now_ns = kf_now_ns();

	for (size_t i = 0; i < a->set->n_terms; i++)
		if (kf_trigger_set_rule_of(a->set, i) == rule && !a->set->terms[i].event)
			begin(a, i, now_ns);
	set_timer(a, now_ns);
}

const char *kf_aggregates_why(const struct kf_aggregates *a, int rule, char *buf, size_t len)
{
	char text[KF_JUDGEMENT_BYTES];
	uint64_t now_ns = kf_now_ns();
	struct kf_line line;

	kf_line_init(&line, buf, len);
	for (size_t i = 0; i < a->set->n_terms; i++) {
		const struct aggregate *g = &a->terms[i];

		if (kf_trigger_set_rule_of(a->set, i) != rule || !(g->is_true || g->true_until_ns > now_ns))
			continue;
		kf_line_add(&line, "%s%s", line.used ? "; " : "",
			    kf_judgement_text(&a->set->exprs[i], &g->true_sum, text, sizeof(text)));
	}
	return buf;
}

bool kf_aggregates_value(const struct kf_aggregates *a, size_t term, bool *is_true_now, char *buf, size_t len)
{
	if (term >= a->set->n_terms || a->set->terms[term].event || !a->terms[term].whole)
		return false;
	if (is_true_now)
		*is_true_now = a->terms[term].is_true;
	kf_judgement_text(&a->set->exprs[term], &a->terms[term].sum, buf, len);
	return true;
}
