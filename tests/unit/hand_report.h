/* SPDX-License-Identifier: BSD-2-Clause */
/* hand_report.h - reports on the timeline of hand_setup.h, with `options`: the ten worst of everything unless changed. */
#ifndef KF_TESTS_HAND_REPORT_H
#define KF_TESTS_HAND_REPORT_H

#include "hand_setup.h"
#include "output/report.h"
#include "written.h"

static struct kf_report_options options;

typedef int (*report_fn)(const struct kf_timeline *, const struct kf_snapshot *, const struct kf_report_options *,
			 FILE *, struct kf_error *);

static inline int report_setup(void **state)
{
	options = (struct kf_report_options){ .top = 10 };
	return hand_setup(state);
}

/* free() it */
static inline char *printed(report_fn report)
{
	return WRITTEN(out, e, report(&h.timeline, s, &options, out, &e), NULL);
}

#endif
