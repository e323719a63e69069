/* SPDX-License-Identifier: BSD-2-Clause */
/* missing.h - what a snapshot does not know, in words: part of every output, because a quiet hole reads as "fine". */
#ifndef KF_OUTPUT_MISSING_H
#define KF_OUTPUT_MISSING_H

#include <stddef.h>

struct kf_error;
struct kf_snapshot;
struct kf_timeline;

struct kf_missing {
	char **lines; /* each without full stop or newline, worst first */
	size_t n, room;
};

/* Fills m, which was zeroed; no lines: nothing is known to be missing. */
int kf_missing_find(struct kf_missing *m, const struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e);
void kf_missing_release(struct kf_missing *m);

#endif
