/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settle.h - the end of the window: what each thread and CPU was at the floor, where no record of the window told.
 *
 * In order of trust: records of the window (already used), records before the floor (who ran on a CPU without a
 * switch; what a thread that was blocked had begun to wait for), records after the end (what a thread is that did
 * nothing in the window), and the task scan, which is later than all of them. What none of them tells stays UNKNOWN.
 *
 * Internal to model/.
 */
#ifndef KF_MODEL_SETTLE_H
#define KF_MODEL_SETTLE_H

#include "model/machine.h"

struct kf_error;

/* first_after is the record at which the window ended, NULL if there was none. Takes all that are left in ev. */
int kf_settle(struct kf_machine *m, struct kf_events *ev, const struct kf_event *first_after, struct kf_error *e);

#endif
