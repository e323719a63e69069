/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trigger_set.h - the triggers of a recording, as people write them and as BPF looks at them.
 *
 *	TRIGGER    := CONDITION [ "{" SETTING { "," SETTING } "}" ]
 *	CONDITION  := ALL { "or" ALL }
 *	ALL        := ONE { "and" ONE }
 *	ONE        := EXPRESSION | "(" CONDITION ")"			EXPRESSION as in expr/expr.h
 *	SETTING    := "name" "=" NAME					letters, digits, '-', '_', '.'; in file names and reports
 *		    | ( "comm" | "pid" | "tid" | "cgroup" ) "=" VALUE { "|" VALUE }
 *		    | "cooldown" "=" DURATION | "sample" "=" NUMBER "%" | "enabled" "=" ( "yes" | "no" )
 *
 *	runq>5ms{comm=nginx*}		futex>50ms or block>1s{pid=2144,cooldown=1m}
 *	p99(runq) > 2ms / 1s		rate(runq>1ms) > 100/s and runq > 5ms {name=storm, sample=10%}
 *
 * A single wait (runq>5ms, max(runq)>5ms) is an event term. An aggregate is looked at over a sliding period: the one behind "/",
 * else 1 s (rate: its own time). Filters of one trigger must all fit (a value of each), beside the filter of the recording.
 * Totals of CPUs (steal, softirq, irq) are for `check` only.
 */
#ifndef KF_EXPR_TRIGGER_SET_H
#define KF_EXPR_TRIGGER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr/expr.h"
#include "kflight/control.h"

struct kf_error;

#define KF_RULE_NAME_BYTES  32
#define KF_RULE_TEXT_BYTES  512
#define KF_MAX_TERM_FILTERS 64

struct kf_trigger_rule {
	char name[KF_RULE_NAME_BYTES]; /* given, or made of the condition; unique in the set */
	char text[KF_RULE_TEXT_BYTES]; /* as given, without the blanks at its ends */
	uint64_t cooldown_ns;	       /* beside the one of all triggers */
	uint32_t sample;	       /* as in struct kf_rule; UINT32_MAX always */
	bool enabled;
	uint32_t terms; /* a bit each */
};

/* Whose waits a term is about: one value of one dimension. Values of one dimension are alternatives, dimensions must all fit. */
enum kf_filter_by { KF_FILTER_PID, KF_FILTER_TID, KF_FILTER_COMM, KF_FILTER_CGROUP, KF_FILTER_PID_OR_TID };

struct kf_term_filter {
	uint32_t terms; /* a bit each */
	enum kf_filter_by by;
	uint32_t id;		  /* PID, TID, PID_OR_TID ("of 2144") */
	struct kf_comm_glob comm; /* COMM: thread or process */
	char cgroup[256];	  /* CGROUP: path of a cgroup v2, as given; the recorder looks it up */
};

struct kf_trigger_set {
	struct kf_trigger_rule rules[KF_MAX_RULES];
	struct kf_term terms[KF_MAX_TERMS]; /* what BPF is given */
	struct kf_expr exprs[KF_MAX_TERMS]; /* the same, as parsed: aggregates are judged by it */
	uint64_t period_ns[KF_MAX_TERMS];   /* of aggregates, 0 for events */
	struct kf_clause clauses[KF_MAX_CLAUSES];
	struct kf_term_filter filters[KF_MAX_TERM_FILTERS];
	size_t n_rules, n_terms, n_clauses, n_filters;
};

/* Adds one trigger to set, which starts zeroed. On failure set is as before, and e names the column. */
int kf_trigger_set_add(struct kf_trigger_set *set, const char *text, struct kf_error *e);

/* The same with a name from elsewhere (a section of the config file); {name=} must then be the same or missing. */
int kf_trigger_set_add_named(struct kf_trigger_set *set, const char *name, const char *text, struct kf_error *e);

/* Index of the rule of that name, -1 none. */
int kf_trigger_set_find(const struct kf_trigger_set *set, const char *name);

/*
 * Gives a rule another text while it is in use: limits, periods, cool-down, sample, enabled may change; what is measured of whom, and
 * how it is combined, may not (the error says that this needs a restart). On failure set is as before.
 */
int kf_trigger_set_change(struct kf_trigger_set *set, int rule, const char *text, struct kf_error *e);

/* Does any enabled rule need syscall records, or counting (aggregates)? */
bool kf_trigger_set_needs_syscalls(const struct kf_trigger_set *set);
bool kf_trigger_set_has_aggregates(const struct kf_trigger_set *set);
/* Smallest limit of the event terms of enabled rules that can pass while the wait is still open; 0 none. */
uint64_t kf_trigger_set_smallest_open_ns(const struct kf_trigger_set *set);

/* "runq>5ms{comm=nginx*}, futex>50ms" for messages and snapshots; allocated, NULL when out of memory. */
char *kf_trigger_set_text(const struct kf_trigger_set *set);

#endif
