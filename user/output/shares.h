/* SPDX-License-Identifier: BSD-2-Clause */
/* shares.h - which parts of a gap a sentence names, and which it sums up. Internal to sentence.c. */
#ifndef KF_OUTPUT_SHARES_H
#define KF_OUTPUT_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/parts.h"

struct kf_sentences;

/* So many culprits are named; one more than that is named too, instead of "and 1 more". */
#define KF_N_NAMED 4
/* The named ones, the sum of the others, the unknown time. */
#define KF_N_SHOWN (KF_N_NAMED + 3)

/* One item of the list: a part, or the parts of several threads with the same name. */
struct kf_share {
	uint64_t ns;
	uint64_t start_ns;
	uint32_t thread; /* KF_PART_THREAD: one of them */
	uint32_t n_threads;
	uint16_t cpu;	 /* KF_NO_CPU: several, or none */
	uint8_t kind;	 /* enum kf_part_kind */
	bool again;	 /* an earlier one is of the same thread, on another CPU */
	uint16_t vector; /* KF_PART_IRQ, KF_PART_SOFTIRQ */
};

/* What the sentence says of the parts: items[], then the sum of n_rest that are not named, then the unknown time. */
struct kf_shares {
	struct kf_share items[KF_N_SHOWN];
	size_t n;
	uint32_t n_rest;
	uint64_t rest_ns;
	uint64_t unknown_ns; /* not among the items */
	unsigned int percent[KF_N_SHOWN];
	unsigned int rest_percent;
	unsigned int unknown_percent;
};

/* Of s->parts, of which there is at least one. Returns 0, -1 out of memory. */
int kf_shares_find(struct kf_sentences *s, struct kf_shares *out);

#endif
