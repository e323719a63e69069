/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trigger_set.h - the triggers of a recording, as people write them and as BPF looks at them.
 *
 * A trigger is a text as in expr/condition.h, and becomes a rule: an OR of clauses, each an AND of terms. A single wait
 * (runq>5ms, max(runq)>5ms) is an event term. Everything else is an aggregate: looked at over a sliding period, the one behind
 * "/", else 1 s (rate: its own unit). Terms belong to one rule each, so that a rule can be changed alone; within it, equal ones are
 * one. `of WHO` is a filter of its term, what stands in braces one of all terms of the rule. Filters of a term must all fit (a
 * value of each), beside the filter of the recording. Totals of CPUs (steal, softirq, irq) are for `check` only.
 *
 * Each rule stands for itself: syscall:read>1s does not except read from syscall>100ms.
 */
#ifndef KF_EXPR_TRIGGER_SET_H
#define KF_EXPR_TRIGGER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr/condition.h"
#include "expr/expr.h"
#include "expr/settings.h"
#include "kflight/control.h"

struct kf_error;

#define KF_RULE_TEXT_BYTES  KF_CONDITION_BYTES
#define KF_MAX_TERM_FILTERS 64
#define KF_AGGREGATE_NS	    1000000000ULL /* the period if none is given */

struct kf_trigger_rule {
	char name[KF_RULE_NAME_BYTES]; /* given, or made of the condition (expr/rule_name.h); unique in the set */
	char text[KF_RULE_TEXT_BYTES]; /* as given, without the blanks at its ends */
	uint64_t cooldown_ns;	       /* beside the one of all triggers */
	uint32_t sample;	       /* as in struct kf_rule; KF_SAMPLE_ALWAYS */
	bool enabled;
	uint32_t terms; /* a bit each: neighbours, in the order they were given */
};

struct kf_trigger_set {
	struct kf_trigger_rule rules[KF_MAX_RULES];
	struct kf_term terms[KF_MAX_TERMS]; /* what BPF is given */
	struct kf_expr exprs[KF_MAX_TERMS]; /* the same, as parsed: aggregates are judged by it */
	uint64_t period_ns[KF_MAX_TERMS];   /* of aggregates, 0 for events */
	struct kf_clause clauses[KF_MAX_CLAUSES];
	struct kf_term_filter filters[KF_MAX_TERM_FILTERS]; /* each once, with all terms it is about */
	size_t n_rules, n_terms, n_clauses, n_filters;
};

/*
 * Adds one trigger to set, which starts zeroed. On failure set is as before, e names the column, and column (may be NULL) is
 * it, 0 if no place is to blame.
 */
int kf_trigger_set_add(struct kf_trigger_set *set, const char *text, size_t *column, struct kf_error *e);

/* The same with a name from elsewhere (a section of the config file); {name=} must then be the same or missing. */
int kf_trigger_set_add_named(struct kf_trigger_set *set, const char *name, const char *text, size_t *column,
			     struct kf_error *e);

/* Index of the rule of that name, -1 none. */
int kf_trigger_set_find(const struct kf_trigger_set *set, const char *name);

/* Index of the rule this term is part of. */
int kf_trigger_set_rule_of(const struct kf_trigger_set *set, size_t term);

/*
 * Gives a rule another text while it is in use. What it does not say is as by default; the name stays. Limits, lengths, periods,
 * percentiles, cool-down, sample, enabled may change; what is measured of whom, and how it is combined, may not (the error says
 * that this needs a restart). On failure set is as before.
 */
int kf_trigger_set_change(struct kf_trigger_set *set, int rule, const char *text, size_t *column, struct kf_error *e);

/* "runq>5ms{comm=nginx*}, futex>50ms" for messages and snapshots; allocated, NULL when out of memory. */
char *kf_trigger_set_text(const struct kf_trigger_set *set);

#endif
