/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parts.h - who used the CPU during a gap.
 *
 * The parts of a gap add up to its length exactly. They come from what ran on the CPU whose queue held the thread,
 * stretch by stretch; time that interrupts or the hypervisor took comes off who they took it from, and time that the quota
 * of its cgroup kept it off every queue is nobody's. What was before the floor, or on a CPU or in a time of which nothing is
 * known, is a part of its own.
 */
#ifndef KF_MODEL_PARTS_H
#define KF_MODEL_PARTS_H

#include "model/timeline.h"

enum kf_part_kind {
	KF_PART_UNKNOWN = 0,
	KF_PART_THREAD,	   /* a thread ran */
	KF_PART_IDLE,	   /* the CPU was idle: the wake-up path itself */
	KF_PART_IRQ,	   /* a hard interrupt */
	KF_PART_SOFTIRQ,   /* also when ksoftirqd ran it */
	KF_PART_STEAL,	   /* the hypervisor ran somebody else */
	KF_PART_THROTTLED, /* the CPU quota of its cgroup was used up: nobody's fault on the CPU */
	KF_PART_KINDS,
};

#define KF_NO_PART UINT32_MAX

struct kf_part {
	uint64_t start_ns; /* when this culprit first ran in the gap */
	uint64_t ns;	   /* all its time in the gap, on this cpu */
	uint32_t thread;   /* KF_PART_THREAD: index; KF_PART_IDLE: KF_IDLE; else KF_NOT_KNOWN */
	uint32_t before;   /* in items: an earlier part of the same thread or kind, on another CPU or (KF_PART_IRQ,
			    * KF_PART_SOFTIRQ) perhaps of another vector; KF_NO_PART none */
	uint16_t cpu;	   /* KF_NO_CPU: not known, or (KF_PART_THROTTLED) on none */
	uint8_t kind;	   /* enum kf_part_kind */
	uint16_t vector;   /* KF_PART_IRQ, KF_PART_SOFTIRQ: as in struct kf_taken */
};

struct kf_parts {
	struct kf_part *items; /* as they appear; what was taken behind whom it was taken from */
	size_t n, room;
	/* By culprit: its latest part. Never cleared: an entry counts only if the part it names is that culprit's. */
	uint32_t *latest;
	size_t n_latest;
	bool doubts_idle; /* of the gap at work: an idle CPU does not explain it */
};

/*
 * A gap of which only is known that the thread was found ready (KF_CAUSE_UNKNOWN) is not explained by an idle CPU: nobody saw it
 * being woken there, and most likely it was throttled before the recording began. That time is unknown.
 *
 * Fills p: one part per culprit (thread, vector, ...) and CPU, in order of first appearance. p may be zeroed or hold the answer for another
 * gap, and for many gaps should: the work is then one look per run of a thread in the gap, without sorting.
 */
int kf_gap_parts(const struct kf_timeline *t, const struct kf_gap *gap, struct kf_parts *p, struct kf_error *e);
/* The same for a stretch of time on one CPU, whoever waited: who used it. */
int kf_cpu_parts(const struct kf_timeline *t, uint32_t cpu, uint64_t start_ns, uint64_t end_ns, struct kf_parts *p,
		 struct kf_error *e);
void kf_parts_release(struct kf_parts *p);

/* "thread", "idle", "irq", "softirq", "steal", "throttled", "unknown" */
const char *kf_part_kind_name(enum kf_part_kind kind);

#define KF_VECTOR_BYTES 64

/* "NET_RX", "timer", "call", "virtio0-input.0", "24": of an interrupt or softirq part; NULL for others. Printable, in
 * buf, cut off if that is too small (KF_VECTOR_BYTES hold what the kernel has). */
const char *kf_part_vector_name(const struct kf_timeline *t, const struct kf_part *part, char *buf, size_t len);

#endif
