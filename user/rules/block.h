/* SPDX-License-Identifier: BSD-2-Clause */
/* block.h - every wait of every thread, from when it left its CPU until it was woken. Internal to rules/. */
#ifndef KF_RULES_BLOCK_H
#define KF_RULES_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct kf_error;
struct kf_search;
struct kf_wait;

struct kf_block {
	const struct kf_wait *wait;
	uint64_t start_ns; /* can be before the floor */
	uint64_t end_ns;
	uint32_t thread;
	uint32_t waker; /* index, KF_IDLE, KF_NOBODY */
	uint16_t cpu;	/* where it ran before, KF_NO_CPU */
	bool waker_irq; /* woken by an interrupt */
	bool cut;	/* when it began is not known: at the latest at start_ns */
	bool open;	/* it still waits at the end of the window */
};

typedef int (*kf_block_fn)(struct kf_search *s, const struct kf_block *block, void *arg, struct kf_error *e);

/* Calls fn for the waits of threads that count, in order of their end, until it returns something else than 0: that. */
int kf_search_blocks(struct kf_search *s, kf_block_fn fn, void *arg, struct kf_error *e);

#endif
