/* SPDX-License-Identifier: BSD-2-Clause */
/* comparable.h - can two windows be compared at all? */
#ifndef KF_CHECK_COMPARABLE_H
#define KF_CHECK_COMPARABLE_H

struct kf_diff_options;
struct kf_diff_side;
struct kf_error;

/* Returns 0, or -1 with KF_USAGE and the first reason why not. */
int kf_check_comparable(const struct kf_diff_side *a, const struct kf_diff_side *b, const struct kf_diff_options *o,
			struct kf_error *e);

#endif
