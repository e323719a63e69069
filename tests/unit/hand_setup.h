/* SPDX-License-Identifier: BSD-2-Clause */
/* hand_setup.h - every test begins with a fresh timeline h and snapshot s of hand_timeline.h. */
#ifndef KF_TESTS_HAND_SETUP_H
#define KF_TESTS_HAND_SETUP_H

#include "hand_timeline.h"

static struct hand h;
static struct kf_snapshot *s;

static inline int hand_setup(void **state)
{
	hand_init(&h);
	s = hand_snapshot();
	return s ? 0 : -1;
}

static inline int hand_teardown(void **state)
{
	kf_snapshot_free(&s);
	return 0;
}

#endif
