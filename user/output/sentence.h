/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sentence.h - a gap in words. Reports print it, the Go trace logs it. For the trigger of a snapshot see trigger.h.
 *
 *	nginx/2144 waited 11.4 ms to run on CPU 3 (woken by ksoftirqd/3): 7.10 ms redis/812 (62 %), 4.26 ms
 *	cron/77 (38 %), CPU 3 was idle 40.0 us (wake-up path, <1 %)
 *
 * Culprits come largest first. When there are many, those of one name count as one ("7.10 ms hackbench (12 threads,
 * 62 %)"), and from the fifth on, or below one per cent, they are summed up ("and 7 more 800 us (7 %)"). Time nobody
 * knows anything about never is ("300 us unknown (3 %)"). Shares are whole per cents that add up to 100.
 *
 * Besides threads there are "3.00 ms softirq NET_RX (26 %)", "1.20 ms timer interrupt", "400 us interrupt virtio0-input.0",
 * "2.10 ms stolen by the hypervisor" and "41.0 ms throttled by /web (quota 50 ms per 100 ms, 98 %)". A culprit that came first
 * because of its rank says so: "7.10 ms hog/900 (SCHED_FIFO 50, 62 %)", "(nice -20 against 19, 62 %)".
 */
#ifndef KF_OUTPUT_SENTENCE_H
#define KF_OUTPUT_SENTENCE_H

#include <stddef.h>
#include <stdint.h>

#include "model/parts.h"

struct kf_gap;
struct kf_share;
struct kf_timeline;

/* A buffer of this size holds every sentence, even when all names consist of escapes. */
#define KF_SENTENCE_BYTES 2560

/* One line without newline, NUL-terminated, cut off if buf is too small; returns its length. len must be >= 1. */
size_t kf_gap_sentence(const struct kf_timeline *t, const struct kf_gap *gap, char *buf, size_t len);

/*
 * For many gaps of one timeline; keeps what their sentences have in common.
 *
 *	struct kf_sentences s = { .t = timeline };
 *	kf_sentences_gap(&s, gap, buf, sizeof(buf));
 *	kf_sentences_release(&s);
 */
struct kf_sentences {
	const struct kf_timeline *t;
	/* Private. */
	struct kf_parts parts;
	struct kf_share *shares;
	size_t room_shares;
	uint32_t *namesakes; /* of kf_namesakes() */
	uint32_t *by_name;   /* by namesake: index in shares */
};
/* As kf_gap_sentence(). */
size_t kf_sentences_gap(struct kf_sentences *s, const struct kf_gap *gap, char *buf, size_t len);
void kf_sentences_release(struct kf_sentences *s);

/*
 * Whole per cents of n weights, by largest remainder: they add up to 100 (all 0 if the weights are). A weight that is
 * not 0 may still get 0: print that as "<1 %".
 */
void kf_percentages(const uint64_t *weights, size_t n, unsigned int *percent);

#endif
