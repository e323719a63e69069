/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trigger.h - why a snapshot was taken, in words: the first line of every report.
 *
 *	runq > 5 ms: nginx/2144 waited 11.4 ms to run on CPU 3 (woken by cron/77): 11.4 ms redis/812 (100 %)
 *	futex > 50 ms: nginx/2144 waited 61.2 ms in futex 0x7f1200c4 (futex lock), woken by nginx/2145
 *	syscall > 1 ms: nginx/2144 was 8.00 ms in read: 7.00 ms blocked (disk), 1.00 ms ready but not running
 *	requested by checkout/2144 (uid 1000) for trace 4bf92f3577b34da6 ("slow"); worst gap: nginx/2144 waited ...
 *	p99(runq)>2ms/1s: 2.31 ms of 812 waits; worst gap: nginx/2144 waited ...
 */
#ifndef KF_OUTPUT_TRIGGER_H
#define KF_OUTPUT_TRIGGER_H

#include <stddef.h>

struct kf_gap;
struct kf_snapshot;
struct kf_timeline;

/* One line without newline, as kf_gap_sentence(); KF_SENTENCE_BYTES are enough. t is the timeline of s. */
size_t kf_trigger_sentence(const struct kf_timeline *t, const struct kf_snapshot *s, char *buf, size_t len);

/* The gap that fired a runq or throttled trigger; for a request or an aggregate the worst gap; NULL if there is none, and for
 * other triggers. */
const struct kf_gap *kf_trigger_gap(const struct kf_timeline *t, const struct kf_snapshot *s);

#endif
