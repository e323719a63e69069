/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * placement.h - was there an idle CPU while a thread waited for a busy one? Then the host had room, and the wait is a
 * question of placement, not of load.
 *
 * "Other" CPUs are all but the one whose queue held the thread at that moment. Time in which that queue is not known, and
 * time in which the thread was throttled, is left out. CPUs of which nothing is known are not idle.
 */
#ifndef KF_MODEL_PLACEMENT_H
#define KF_MODEL_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

struct kf_gap;
struct kf_timeline;

/* Of more CPUs than an affinity mask has room for (KF_MASK_WORDS), only the first so many are looked at. */
#define KF_PLACEMENT_CPUS 1024

struct kf_placement {
	bool known;	  /* its affinity is known; else the rest is about CPUs that it might not have been allowed */
	uint64_t idle_ns; /* time of the gap in which at least one other CPU, allowed for it, was idle */
	uint64_t forbidden_ns;	/* time in which none of these was, but another was that it may not use */
	uint16_t idle_cpu;	/* of the allowed ones, the longest idle in the gap; KF_NO_CPU none */
	uint16_t forbidden_cpu; /* likewise of the others */
	uint32_t n_allowed;	/* CPUs known to be online that it may use: 1 is pinned; 0 not known */
};

/* Cost: one look per CPU and run in the gap, and per idle stretch in it and CPU. */
struct kf_placement kf_gap_placement(const struct kf_timeline *t, const struct kf_gap *gap);

#endif
