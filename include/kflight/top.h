/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * top.h - what `kflight top` counts in the kernel: per process, how long its threads waited to run and in futex(2).
 *
 * BPF adds with atomic operations to an array that user space has mapped, and user space takes what is there by
 * exchanging it for 0: no event goes to user space, and none is lost between two looks. Not stored anywhere: the layout
 * may change.
 */
#ifndef KFLIGHT_TOP_H
#define KFLIGHT_TOP_H

#include "kflight/record.h"

/*
 * Waits by length, in units of 256 ns: a bucket each for 0, 1, 2 and 3 units, then four for every doubling; the last one
 * takes what is longer than 34 s.
 */
#define KF_TOP_UNIT_SHIFT 8
#define KF_TOP_BUCKETS	  104

struct kf_top_waits {
	__u64 ns;     /* in all */
	__u64 max_ns; /* also of waits that have not ended */
	__u32 count;  /* ended ones */
	__u32 zero;
	__u32 buckets[KF_TOP_BUCKETS];
};

#define KF_TOP_MAX_PROCESSES 8192

struct kf_top_process {
	__u32 tgid; /* 0: free; written last */
	__u32 gone; /* its last thread has exited */
	__u32 now;  /* threads that wait to run at the last scan */
	__u32 zero;
	char comm[KF_COMM_BYTES]; /* of the leader, at its last exec or when it was first seen */
	struct kf_top_waits runq;
	struct kf_top_waits futex;
};
_Static_assert(sizeof(struct kf_top_process) % 8 == 0, "elements of a mapped array");

static inline __u32 kf_top_bucket(__u64 ns)
{
	__u64 units = ns >> KF_TOP_UNIT_SHIFT;
	__u32 top = 2; /* highest bit set */
	__u32 bucket;

	if (units < 4)
		return units;
	if (units >> 32)
		return KF_TOP_BUCKETS - 1;
	for (__u32 step = 16; step; step >>= 1)
		if (units >> top >> step)
			top += step;
	bucket = (top - 1) * 4 + ((units >> (top - 2)) & 3);
	return bucket < KF_TOP_BUCKETS ? bucket : KF_TOP_BUCKETS - 1;
}

/* Where a bucket begins; it ends where the next one begins. */
static inline __u64 kf_top_bucket_start_ns(__u32 bucket)
{
	if (bucket < 4)
		return (__u64)bucket << KF_TOP_UNIT_SHIFT;
	return (4ULL + bucket % 4) << (bucket / 4 - 1) << KF_TOP_UNIT_SHIFT;
}

#endif
