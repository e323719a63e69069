/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * periods.h - an expression with a period is true of a window if it is true of any period of that length in it. As a trigger does
 * they are looked at every tenth of the period, from the begin of the window on, and the last one of it.
 */
#ifndef KF_CHECK_PERIODS_H
#define KF_CHECK_PERIODS_H

#include <stddef.h>

#include "check/doubt.h"
#include "check/measure.h"

struct kf_material;
struct kf_picked;

/*
 * *m is then of the worst period: one that decides the answer, and among those the one with the largest value (the smallest for
 * < and <=). *doubt comes in as the one about the window and goes out with what keeps the answer from being known, in words in why.
 * Without waits a period is not below anything. -1 when out of memory.
 */
int kf_find_period(struct kf_material *m, const struct kf_picked *p, enum kf_doubt *doubt, enum kf_answer *answer,
		   char *why, size_t len);

#endif
