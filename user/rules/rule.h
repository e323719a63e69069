/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rule.h - what a rule is made of. Internal to rules/.
 *
 * A rule finds hits: single gaps, waits or moments that may be beyond its threshold. The search (search.h) keeps those that
 * are, and groups those that are alike. When all are found, the rule puts the worst of each group into words.
 */
#ifndef KF_RULES_RULE_H
#define KF_RULES_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/timeline.h"
#include "output/line.h"
#include "rules/finding.h"

struct kf_search;

enum kf_rule_unit { KF_RULE_NS, KF_RULE_PERMILLE, KF_RULE_COUNT };

struct kf_hit {
	uint64_t value;	   /* what the thresholds are about, in the rule's unit */
	uint64_t ns;	   /* how long it took; for a rule in ns the same as value unless only a part of it counts */
	uint64_t total_ns; /* of several that the rule has put together; 0: ns */
	uint32_t count;	   /* so many; 0: 1 */
	uint64_t ts_ns;	   /* when it began */
	uint64_t key;	   /* the rule's own: only hits of one key are alike */
	uint32_t thread;   /* who suffered; KF_NOBODY */
	uint32_t culprit;  /* index, KF_IDLE, KF_NOBODY */
	uint16_t cpu;	   /* KF_NO_CPU */
	bool mild;	   /* a WARN at most */
	const struct kf_gap *gap; /* NULL */
	struct kf_wait wait;	  /* what the thread was doing; nr KF_NR_USER: not known */
	uint64_t numbers[5];	  /* the rule's own, for its words */
};

/* Hits that are alike. */
struct kf_alike {
	struct kf_hit worst; /* by value, then ns */
	uint64_t total_ns;
	uint32_t count;
	enum kf_severity severity;
};

/* What a rule says of a group; each line is empty at first. */
struct kf_words {
	struct kf_line message;
	struct kf_line detail;
	struct kf_line suggestion;
};

struct kf_rule {
	const char *name;
	const char *summary;
	enum kf_rule_unit unit;
	uint64_t warn;
	uint64_t error;
	/* What makes hits alike, besides their key: the name of the process that suffered; the name of the culprit. */
	bool by_victim;
	bool by_culprit;
	int (*find)(struct kf_search *s, struct kf_error *e);
	/* Never without a message and a suggestion. Names go through kf_line_thread() and the like. */
	void (*tell)(struct kf_search *s, const struct kf_alike *group, struct kf_words *words);
};

extern const struct kf_rule kf_rule_realtime_hog;
extern const struct kf_rule kf_rule_cpu_quota_throttled;
extern const struct kf_rule kf_rule_softirq_storm;
extern const struct kf_rule kf_rule_steal_time;
extern const struct kf_rule kf_rule_bad_placement;
extern const struct kf_rule kf_rule_priority_inversion;
extern const struct kf_rule kf_rule_futex_convoy;
extern const struct kf_rule kf_rule_blocked_on_disk;
extern const struct kf_rule kf_rule_long_syscall;
extern const struct kf_rule kf_rule_oversubscribed_process;
extern const struct kf_rule kf_rule_fork_storm;
extern const struct kf_rule kf_rule_preempted;
extern const struct kf_rule kf_rule_run_queue_latency;
extern const struct kf_rule kf_rule_sleep_overrun;

#endif
