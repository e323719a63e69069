/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * taken.h - CPU time that no thread got: interrupts, softirqs, the hypervisor's, and quotas that were used up. From the
 * records of KF_CLASS_TAKEN, which need no state machine. Internal to model/.
 */
#ifndef KF_MODEL_TAKEN_H
#define KF_MODEL_TAKEN_H

struct kf_error;
struct kf_snapshot;
struct kf_timeline;

/* Fills taken of every CPU. */
int kf_taken_read(struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e);

/* Tells the gaps how long they were throttled, and what kind they are. After kf_timeline_account(). */
int kf_taken_judge_gaps(struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e);

#endif
