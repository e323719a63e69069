/* SPDX-License-Identifier: BSD-2-Clause */
/* ndjson.h - the gaps of a timeline for scripts: one compact JSON object per line, keys as in gap_json.h. */
#ifndef KF_OUTPUT_NDJSON_H
#define KF_OUTPUT_NDJSON_H

#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_timeline;

/* Gaps of min_gap_ns and more, in order of their end. Flushes out; a full disk or closed pipe is an error. */
int kf_ndjson_write(const struct kf_timeline *t, FILE *out, uint64_t min_gap_ns, struct kf_error *e);

#endif
