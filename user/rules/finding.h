/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * finding.h - what is wrong in a window, as named rules say it: the same findings go into the report, `check`, JSON, JUnit
 * and HTML.
 *
 * A rule looks at a whole timeline and adds findings. Those that are alike (same rule, and as the rule has it the same
 * name of the process that suffered, and of who made it suffer) are one finding with a count; the worst of them gives
 * the time, the thread and the sentence. What each rule means, when it misleads and how to fix it is in docs/rules/NAME.md.
 *
 * rules/ stands between model/ and the files of output/ that print findings. For its sentences it uses the text helpers
 * of output/ (line.h, sentence.h), which know nothing of rules.
 */
#ifndef KF_RULES_FINDING_H
#define KF_RULES_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_gap;
struct kf_snapshot;
struct kf_timeline;

enum kf_severity { KF_SEVERITY_INFO = 0, KF_SEVERITY_WARN, KF_SEVERITY_ERROR, KF_SEVERITIES };

/* "INFO", "WARN", "ERROR" */
const char *kf_severity_name(enum kf_severity severity);

struct kf_rule; /* opaque */
/* "RunQueueLatency" */
const char *kf_rule_name(const struct kf_rule *rule);
/* One line: what it looks for. */
const char *kf_rule_summary(const struct kf_rule *rule);
/* "1.00 ms, 10.0 ms": from when on it is a WARN, an ERROR, unless told otherwise. Returns buf; 64 bytes are enough. */
const char *kf_rule_defaults(const struct kf_rule *rule, char *buf, size_t len);
/* All rules, NULL-terminated, those that name a cause before those that name what it leads to. */
const struct kf_rule *const *kf_rules(void);
/* NULL if there is none of that name. */
const struct kf_rule *kf_rule_find(const char *name);

struct kf_finding {
	const struct kf_rule *rule;
	enum kf_severity severity;
	uint64_t ts_ns;		  /* when the worst one began, CLOCK_MONOTONIC */
	uint64_t worst_ns;	  /* how long that was; 0 where no time makes sense */
	uint64_t total_ns;	  /* of all */
	uint32_t count;		  /* so many alike, at least 1 */
	uint32_t thread;	  /* who suffered from the worst one: index, KF_NOBODY */
	uint32_t culprit;	  /* index, KF_IDLE, KF_NOBODY: no thread, several, or not known */
	uint16_t cpu;		  /* KF_NO_CPU */
	const struct kf_gap *gap; /* the worst gap it is about, NULL; belongs to the timeline */
	char *message;		  /* one sentence: what happened; like all four printable UTF-8 without newline */
	char *detail;		  /* more; "" none */
	char *suggestion;	  /* what to do; never "" */
	char *where;		  /* what the thread was doing: "futex(0x7f00c0)", "fsync(3)"; "" not known */
};

struct kf_findings {
	struct kf_finding *items; /* worst first: by severity, then total_ns, then rule */
	size_t n, room;
	size_t n_more; /* so many more were left out because of options.top, or kf_findings_cut() */
};

/* From when on a finding of a rule is a WARN, an ERROR: ns, permille, or a number, as the rule has it. */
struct kf_rule_threshold {
	const struct kf_rule *rule;
	uint64_t warn;	/* 0: as the rule has it */
	uint64_t error; /* 0: as the rule has it, but not below warn */
};

/* settings.h makes the first four from "RunQueueLatency=5ms,20ms" and "ForkStorm=off". */
struct kf_rule_options {
	const struct kf_rule_threshold *thresholds; /* of several for one rule the last counts */
	size_t n_thresholds;
	const struct kf_rule *const *off; /* rules not to apply */
	size_t n_off;
	uint64_t top;	     /* so many findings per rule, 0 all */
	uint32_t tgid;	     /* only what this process suffered, 0 all */
	uint32_t tid;	     /* only what this thread suffered, 0 all */
	const char *comm;    /* only what threads or processes of this name (a glob) suffered, NULL all */
	const bool *threads; /* by index: only what these threads suffered, NULL all */
};

/* Applies the rules. *f is zeroed before; release it also after a failure. o may be NULL: everything, as it is. */
int kf_findings_find(struct kf_findings *f, const struct kf_timeline *t, const struct kf_snapshot *s,
		     const struct kf_rule_options *o, struct kf_error *e);
/* Leaves so many per rule, the worst: 0 all. What is left out is counted in n_more. */
void kf_findings_cut(struct kf_findings *f, uint64_t top);
void kf_findings_release(struct kf_findings *f);

#endif
