/* SPDX-License-Identifier: BSD-2-Clause */
/* built.h - the timeline of a snapshot that was made for it. */
#ifndef KF_TESTS_BUILT_H
#define KF_TESTS_BUILT_H

#include "base/error.h"
#include "model/check.h"
#include "model/timeline.h"
#include "snapshot/snapshot.h"

/* Builds it, checks the promises of timeline.h, frees the snapshot. */
static inline struct kf_timeline *built(struct kf_snapshot *s)
{
	struct kf_timeline *t = NULL;
	struct kf_error e = { 0 };

	if (kf_timeline_build(&t, s, &e) || kf_timeline_check(t, &e))
		fail_msg("%s", e.message);
	kf_snapshot_free(&s);
	return t;
}

#endif
