/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - does a timeline keep what timeline.h promises?
 *
 * Replays the moves over the start states and verifies: every move is legal; time never goes back; the runs of each CPU
 * follow one another from floor to end and agree with the moves; the times of each thread add up to the part of the
 * window it lived in; the gaps are exactly the runnable intervals, and their stretches cover them. For tests, fuzzing
 * and debugging.
 */
#ifndef KF_MODEL_CHECK_H
#define KF_MODEL_CHECK_H

struct kf_error;
struct kf_timeline;

/* Returns 0, or -1 with the first contradiction in e. */
int kf_timeline_check(const struct kf_timeline *t, struct kf_error *e);

#endif
