/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drift.h - moves from queue to queue of threads that are still UNSEEN, kept until it is clear whether they were runnable
 * then (they may have slept: a sleeping thread can be moved too). Internal to model/.
 */
#ifndef KF_MODEL_DRIFT_H
#define KF_MODEL_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_machine;

struct kf_drift {
	uint64_t ts_ns;
	uint32_t next; /* 1 + index of the next one of the same thread, 0 none */
	uint16_t from, to;
	bool queued; /* the kernel moved it as a runnable one */
};

/* There must be room (kf_machine_reserve). */
void kf_drift_add(struct kf_machine *m, uint32_t thread, struct kf_drift drift);
/* The first one, or NULL. */
const struct kf_drift *kf_drift_first(const struct kf_machine *m, uint32_t thread);
/* On whose queue the thread was at that time: by its drift, or else this CPU. */
uint16_t kf_drift_cpu(const struct kf_machine *m, uint32_t thread, uint64_t ts_ns, uint16_t cpu);
/* It was runnable since then: adds the moves. */
void kf_drift_replay(struct kf_machine *m, uint32_t thread, uint64_t since_ns);

#endif
