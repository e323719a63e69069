/* SPDX-License-Identifier: BSD-2-Clause */
/* culprits.h - who made others wait: the parts of many gaps, summed up by who ran. */
#ifndef KF_OUTPUT_CULPRITS_H
#define KF_OUTPUT_CULPRITS_H

#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_gap;
struct kf_timeline;

/*
 * Threads of one name count as one culprit: it is a program that hogs a CPU, not the one worker of a hundred. Interrupts of
 * one vector are one, and so are throttles by the quota of one cgroup.
 */
struct kf_culprit {
	uint8_t kind;	     /* enum kf_part_kind */
	uint16_t vector;     /* KF_PART_IRQ, KF_PART_SOFTIRQ */
	uint32_t group;	     /* KF_PART_THROTTLED: index in cgroups, KF_NO_CGROUP not known */
	uint32_t thread;     /* KF_PART_THREAD: the one that ran longest meanwhile; KF_IDLE; else KF_NOBODY */
	uint32_t n_threads;  /* KF_PART_THREAD: with its name, that ran while others waited; else 1 */
	uint64_t ns;	     /* waiting of others while they ran: counts for every one of them */
	uint64_t thread_ns;  /* ... of which while `thread` ran */
	uint32_t n_victims;  /* threads */
	uint32_t top_victim; /* whom it made wait longest */
	uint64_t top_victim_ns;
};

/*
 * Sums up n_gaps gaps. *out (largest first; the caller frees it) has one line per culprit, one of them for idle and one for
 * unknown time; their ns add up to the length of all the gaps.
 */
int kf_culprits_find(const struct kf_timeline *t, const struct kf_gap *const *gaps, size_t n_gaps,
		     struct kf_culprit **out, size_t *n_out, struct kf_error *e);

#endif
