/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ndjson.h - the gaps of a timeline for scripts: one compact JSON object per line. Keys as in gap_json.h, and behind them, so
 * that lines of many hosts can be one table:
 *
 *	time  start_ns as time of day: ISO 8601 in UTC, microseconds
 *	host  where it was recorded
 */
#ifndef KF_OUTPUT_NDJSON_H
#define KF_OUTPUT_NDJSON_H

#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_snapshot;
struct kf_timeline;

/*
 * Gaps of min_gap_ns and more, in order of their end. t is the timeline of s. Flushes out; a full disk or closed pipe is an
 * error.
 */
int kf_ndjson_write(const struct kf_timeline *t, const struct kf_snapshot *s, FILE *out, uint64_t min_gap_ns,
		    struct kf_error *e);

#endif
