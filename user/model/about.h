/* SPDX-License-Identifier: BSD-2-Clause */
/* about.h - what is known of threads besides what they did: affinity, cgroup, language. Internal to model/. */
#ifndef KF_MODEL_ABOUT_H
#define KF_MODEL_ABOUT_H

#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_machine;
struct kf_snapshot;
struct kf_timeline;

/* Fills masks, cgroups, irqs and prios of t, and what its threads say of them. Before the threads leave the machine. */
int kf_about_threads(struct kf_timeline *t, struct kf_machine *m, struct kf_error *e);

/* The cgroups of a snapshot by id, to look them up: as many as it has, and the caller frees them. NULL when out of memory. */
struct kf_group_id {
	uint64_t id;
	uint32_t index;
};
struct kf_group_id *kf_group_ids(const struct kf_snapshot *s);
/* Index in the cgroups of the snapshot, which is that in the timeline; KF_NO_CGROUP. */
uint32_t kf_group_find(const struct kf_group_id *ids, size_t n, uint64_t id);

#endif
