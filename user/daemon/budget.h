/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * budget.h - what the recorder costs its host, and what it gives up when that is more than it may (--budget).
 *
 * Every 10 s it has the kernel measure the BPF programs for 200 ms (kf_recorder_count_cost()); to that comes all CPU time of this
 * process since the look before. Hooks and conversions are children and not in it, nor is what the kernel itself spends at
 * tracepoints in use (docs/cost.md). Both as a part of the time of all CPUs that are online.
 *
 * Above the budget twice in a row, with the programs and not by this process alone (snapshots are written too often then: nothing that
 * can be given up would help), the next level is shed (enum kf_shed_level, as far as there is something of it to shed). Below half
 * of it three times in a row, one level comes back. If it must be shed again within six looks, it was the level that cost, and
 * it is not tried again for 60 looks (10 min); each such failure doubles that, up to a day.
 *
 * Use: kf_budget_new() when recording has begun; it calls itself from events and prints a line for every change (kf_note()). The
 * numbers are for snapshots (kf_snapshot.cost_ppm, budget_ppm, sheds), metrics and status. kf_budget_judge() alone decides: plain
 * numbers in, level out.
 */
#ifndef KF_DAEMON_BUDGET_H
#define KF_DAEMON_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot.h"

struct kf_budget;
struct kf_error;
struct kf_events;
struct kf_recorder;

#define KF_BUDGET_NONE	  0		   /* measured, but nothing is shed */
#define KF_BUDGET_OFF	  (UINT32_MAX - 1) /* not even measured */
#define KF_COST_UNKNOWN	  UINT32_MAX	   /* not measured (yet) */
#define KF_BUDGET_DEFAULT 20000		   /* 2 % */

/* "2%", "0.5%" of the host's CPU time -> millionths; "0%" KF_BUDGET_NONE, "off" KF_BUDGET_OFF. */
int kf_budget_parse(const char *text, uint32_t *out_ppm, struct kf_error *e);

struct kf_budget_options {
	uint32_t budget_ppm;
	uint64_t every_ns;	 /* 0: 10 s, or what KFLIGHT_BUDGET_EVERY says (for tests) */
	bool records_syscalls;	 /* --syscalls slow or all */
	bool records_interrupts; /* KF_SOURCE_IRQ */
};

int kf_budget_new(struct kf_budget **out, const struct kf_budget_options *opts, struct kf_recorder *recorder,
		  struct kf_events *events, struct kf_error *e);
/* Before the recorder and the events. NULL is fine. */
void kf_budget_free(struct kf_budget **b);

struct kf_budget_status {
	uint32_t budget_ppm;
	uint32_t cost_ppm;	   /* the last look's, KF_COST_UNKNOWN before the first and where the kernel refuses */
	uint32_t bpf_ppm, own_ppm; /* its parts: programs, this process */
	uint64_t looks;		   /* so far */
	uint64_t sheds, restores;  /* levels given up and taken back since the start */
	enum kf_shed_level level;  /* given up now */
};
void kf_budget_status(const struct kf_budget *b, struct kf_budget_status *out);

/* What changed, oldest first, the last KF_MAX_SHEDS of it; valid until the next step of the events. */
const struct kf_shed *kf_budget_sheds(const struct kf_budget *b, size_t *n);

/* Fills cost_ppm, budget_ppm, sheds and n_sheds of a snapshot. Returns 0 or -1 when out of memory. */
int kf_budget_tell(const struct kf_budget *b, struct kf_snapshot *s);

/* The judgement. All zero but the first three at the start. */
struct kf_budget_judge {
	uint32_t budget_ppm;
	bool can_shed[KF_SHED_LEVELS]; /* is anything of that level recorded? */
	enum kf_shed_level level;
	uint32_t over, calm; /* looks in a row */
	uint64_t looks;
	uint64_t restored_at[KF_SHED_LEVELS]; /* look at which the level last came back, 0 never */
	uint64_t not_before[KF_SHED_LEVELS];  /* look */
	uint64_t penalty[KF_SHED_LEVELS];     /* looks to wait after the next failure, 0 the smallest */
};

/* After every look; returns the level that is to be, which is then j->level. */
enum kf_shed_level kf_budget_judge(struct kf_budget_judge *j, uint32_t bpf_ppm, uint32_t own_ppm);
/* What it said could not be done: the level stays, and is not tried for as long as any failure lasts. */
void kf_budget_judge_refused(struct kf_budget_judge *j, enum kf_shed_level stays);
bool kf_budget_can_shed_more(const struct kf_budget_judge *j);

#endif
