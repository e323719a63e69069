/* SPDX-License-Identifier: BSD-2-Clause */
/* repair.h - legal ways out of a contradiction between a record and the state (lost records). Internal to model/. */
#ifndef KF_MODEL_REPAIR_H
#define KF_MODEL_REPAIR_H

#include "model/machine.h"

/* Its state is not known any more, since the last moment it was certain. UNSEEN: was never known. */
void kf_repair_lose(struct kf_machine *m, uint32_t thread);

/* Who runs on this CPU is not known any more, since the last moment it was certain. */
void kf_repair_lose_cpu(struct kf_machine *m, uint32_t cpu);

/*
 * A record says that it runs on this CPU now, whatever was thought of it and of the CPU. Its state is lost not before
 * the last moment at which who ran on the CPU was certain: it got there by a switch in the hole that follows.
 */
void kf_repair_find_running(struct kf_machine *m, uint32_t thread, uint16_t cpu, uint64_t ts_ns);

/* What the switch-in side of a switch tells about the wait before it. */
struct kf_told {
	uint64_t since_ns; /* runnable since, 0 not known */
	uint32_t waker;	   /* index, KF_IDLE, KF_NOBODY */
	uint8_t cause;	   /* enum kf_cause */
	bool waker_irq;
};

/* The thread, whose state is UNKNOWN, is about to run: makes it runnable, since when the record tells. */
void kf_repair_find_runnable(struct kf_machine *m, uint32_t thread, const struct kf_told *told, uint64_t ts_ns);

/* It was born without a record: runnable at ts_ns. */
void kf_repair_birth(struct kf_machine *m, uint32_t thread, uint16_t cpu, uint32_t parent, uint64_t ts_ns);

/* Its number has another user now: it ended, nobody knows when. */
void kf_repair_vanish(struct kf_machine *m, uint32_t thread, uint64_t ts_ns);

/* It is known by name only, as the waker of somebody: it ended before the window. */
void kf_repair_end_before_floor(struct kf_machine *m, uint32_t thread);

/* The wake-up a switch tells of. */
struct kf_wakeup kf_told_wakeup(const struct kf_told *told, uint16_t cpu);

#endif
