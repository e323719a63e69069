/* SPDX-License-Identifier: BSD-2-Clause */
/* waits.h - what the counted waits of a process say: percentiles out of buckets. */
#ifndef KF_TOP_WAITS_H
#define KF_TOP_WAITS_H

#include <stdint.h>

#include "kflight/top.h"

/*
 * The length that this part (0..1) of the ended waits does not exceed; 0 without any. Exact to an eighth of itself, as
 * buckets are that wide, and never more than the longest.
 */
uint64_t kf_top_percentile(const struct kf_top_waits *waits, double part);

#endif
