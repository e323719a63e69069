/* SPDX-License-Identifier: BSD-2-Clause */
/* about.h - what is known of threads besides what they did: affinity, cgroup, language. Internal to model/. */
#ifndef KF_MODEL_ABOUT_H
#define KF_MODEL_ABOUT_H

struct kf_error;
struct kf_machine;
struct kf_snapshot;
struct kf_timeline;

/* Fills masks, cgroups, irqs and prios of t, and what its threads say of them. Before the threads leave the machine. */
int kf_about_threads(struct kf_timeline *t, struct kf_machine *m, struct kf_error *e);

#endif
