/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * search.h - rules at work on one timeline: whose waits count, what hits were found, and indices that several rules need.
 * Internal to rules/.
 */
#ifndef KF_RULES_SEARCH_H
#define KF_RULES_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/convoy.h"
#include "model/parts.h"
#include "output/sentence.h"
#include "rules/rule.h"

struct kf_chains;
struct kf_grouped; /* a group and its key in the table */

struct kf_search {
	const struct kf_timeline *t;
	const struct kf_rule_options *o;
	bool selective;	      /* only some threads count */
	bool *wanted;	      /* by thread: does it count? */
	uint32_t *name;	      /* by thread: a number that all threads share whose processes have the same name */
	uint64_t *ns_of_name; /* by such a number: 0, for sums */
	uint32_t *process;    /* by thread: a number that all threads of its process share, from 0 */
	uint32_t n_processes;

	/* Of the rule at work. */
	const struct kf_rule *rule;
	uint64_t warn;
	uint64_t error;
	struct kf_grouped *groups; /* hash table */

	struct kf_sentences sentences;
	struct kf_parts parts;	   /* scratch of the rules */
	struct kf_convoys convoys; /* of FutexConvoy */

	struct kf_chains *chains; /* opened when first asked for the moves or gaps of a thread */
};

/* Zeroed before; release it also after a failure. */
int kf_search_init(struct kf_search *s, const struct kf_timeline *t, const struct kf_rule_options *o,
		   struct kf_error *e);
void kf_search_release(struct kf_search *s);

/* Applies a rule: its groups, worst first, into an array for free(). */
int kf_search_apply(struct kf_search *s, const struct kf_rule *rule, struct kf_alike **groups, size_t *n,
		    struct kf_error *e);

/* ---- for the rules ---- */

/* Takes a hit: looks whether it counts and joins it with its like. 0, or -1 out of memory. */
int kf_search_hit(struct kf_search *s, const struct kf_hit *hit, struct kf_error *e);

/* A hit that is about a gap; value and ns are its length. What the thread was doing is looked up later. */
struct kf_hit kf_hit_of_gap(const struct kf_gap *gap);

/* Its thread was SCHED_IDLE: it waits by design whenever anybody else wants to run. */
bool kf_gap_is_of_idler(const struct kf_timeline *t, const struct kf_gap *gap);

/* Does anything of this thread count? False for KF_NOBODY if only some threads do. */
bool kf_search_wants(const struct kf_search *s, uint32_t thread);

/* The moves, the gaps of a thread, which must be an index, in time order: indices in t->moves, t->gaps. NULL out of memory. */
const uint32_t *kf_search_moves(struct kf_search *s, uint32_t thread, size_t *n, struct kf_error *e);
const uint32_t *kf_search_gaps(struct kf_search *s, uint32_t thread, size_t *n, struct kf_error *e);

/* Who ran during a gap, into s->parts. The sum of the parts of a kind. */
int kf_search_parts(struct kf_search *s, const struct kf_gap *gap, struct kf_error *e);
uint64_t kf_parts_of_kind(const struct kf_parts *p, enum kf_part_kind kind);
/*
 * Who had at least half of the time in s->parts: threads whose processes have the same name count together, and of them it
 * is the one with most. KF_IDLE if nobody had it that long; KF_NOBODY: several in turn, or no thread at all.
 */
uint32_t kf_search_culprit(struct kf_search *s);

#endif
