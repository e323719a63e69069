/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel_layout.h - what the probes must know of this kernel build and CO-RE cannot tell them. From /sys/kernel/btf. */
#ifndef KF_CAPTURE_KERNEL_LAYOUT_H
#define KF_CAPTURE_KERNEL_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct kf_error;

struct kf_kernel_layout {
	bool has_rdonly_cast;  /* kfunc bpf_rdonly_cast (6.2) */
	bool switch_has_state; /* sched_switch passes prev_state (5.18) */
	bool traces_cpu_irqs;  /* has tracepoints for the interrupts of the CPU itself (x86) */
	bool counts_quota;     /* run queues count for how long they were throttled (CONFIG_CFS_BANDWIDTH) */
	bool counts_steal;     /* run queues count what a hypervisor takes (CONFIG_PARAVIRT_TIME_ACCOUNTING) */
	/* Offsets of per-CPU variables; all 0 if one was not found: wakers' contexts are unknown then. */
	uint64_t runqueues_offset;
	uint64_t cpu_number_offset;
	uint64_t preempt_count_offset;
};

struct btf;

/* From types that are read already. */
void kf_kernel_layout_of(struct kf_kernel_layout *layout, const struct btf *btf);
int kf_kernel_layout_read(struct kf_kernel_layout *layout, struct kf_error *e);

#endif
