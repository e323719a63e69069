/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * told.h - which of several findings about the same wait is the one to tell people.
 *
 * A gap behind another thread is late to run (RunQueueLatency), was maybe preempted (Preempted) and on a bad CPU
 * (BadPlacement): three findings, one wait. Machines get all of them, people the one that says most: a cause before what
 * it leads to, unless that would hide something more severe; of effects the most severe one.
 */
#ifndef KF_RULES_TOLD_H
#define KF_RULES_TOLD_H

#include <stdbool.h>

struct kf_finding;
struct kf_findings;
struct kf_timeline;

/*
 * Whether another one of f tells the wait of finding, and better. That one is at least as severe, and following it from
 * finding to finding ends at one that nobody tells better.
 */
bool kf_is_told_better(const struct kf_findings *f, const struct kf_timeline *t, const struct kf_finding *finding);

#endif
