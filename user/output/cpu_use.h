/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu_use.h - how every CPU spent the window: as a table, and as JSON:
 *
 *	[{cpu, threads_ns, idle_ns, irq_ns, softirq_ns, steal_ns, unknown_ns, softirqs: {NET_RX: ns, ...},
 *	  top: [{tid, comm, ns}]}]
 *
 * The six times add up to the window; irq_ns and softirq_ns are null if they were not recorded. softirqs has the vectors that took time, top the threads that ran most, three at most.
 * CPUs that were not online are left out.
 */
#ifndef KF_OUTPUT_CPU_USE_H
#define KF_OUTPUT_CPU_USE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/parts.h"

struct kf_error;
struct kf_timeline;

#define KF_CPU_USE_TOP	   3
#define KF_CPU_USE_VECTORS 10 /* softirqs there are */

struct kf_cpu_use {
	uint32_t cpu;
	bool irqs_known; /* else interrupts and softirqs count for whom they hit */
	uint64_t by_kind_ns[KF_PART_KINDS];
	uint64_t softirq_ns[KF_CPU_USE_VECTORS]; /* by vector */
	uint32_t top[KF_CPU_USE_TOP];		 /* threads, most first; KF_NOBODY: no more */
	uint64_t top_ns[KF_CPU_USE_TOP];
};

/* One element per CPU that was online; free() *out. */
int kf_cpu_use_find(const struct kf_timeline *t, struct kf_cpu_use **out, size_t *n, struct kf_error *e);

/* A new reference, or NULL with *e. */
json_t *kf_cpu_use_json(const struct kf_timeline *t, struct kf_error *e);

#endif
