/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * waits.h - what BPF counts of the waits of filtered threads, for triggers over many waits and for metrics.
 *
 * One struct kf_cpu_waits per CPU, in an array that user space has mapped; only that CPU adds to it. It need not do so atomically:
 * probes nest, but runq and throttled are counted with a run queue locked, block and futex with interrupts off, and syscall by
 * one probe, that does not nest in itself; no two of them share a number (a term has one kind). Numbers only grow. Not stored
 * anywhere: the layout may change.
 *
 * Powers of two are coarse, but what scrapes them needs few; `kflight top` prints percentiles and has finer buckets of its own
 * (kflight/top.h).
 */
#ifndef KFLIGHT_WAITS_H
#define KFLIGHT_WAITS_H

#include "kflight/control.h"

/* Waits by length: bucket i counts those shorter than 1 us << i and not shorter than the bucket before; the last one has no end. */
#define KF_WAITS_BUCKETS 26 /* up to 16.8 s */

struct kf_wait_histogram {
	__u64 ns; /* in all */
	__u64 buckets[KF_WAITS_BUCKETS];
};

/* Of one term: waits of its kind of threads that its filter fits. */
struct kf_term_stats {
	__u64 count;
	__u64 above; /* longer than its limit_ns (or as long, with or_equal) */
	__u64 ns;    /* in all */
};

struct kf_cpu_waits {
	struct kf_wait_histogram waits[KF_WAITS_KINDS];
	struct kf_term_stats terms[KF_MAX_TERMS];
};

#endif
