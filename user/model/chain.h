/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain.h - why a thread was woken so late: back from waker to waker.
 *
 * A wait ends when somebody ends it. What did that thread do in the meantime: did it run, wait for a CPU itself, or for
 * somebody else? Each link of a chain is one thread over one stretch of time and how it spent it; the next link is about
 * whoever woke it from its longest wait in that stretch. Roots are interrupts, timers, threads that just ran, the floor of
 * the window, and what is not known.
 */
#ifndef KF_MODEL_CHAIN_H
#define KF_MODEL_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/timeline.h"

struct kf_error;
struct kf_chains; /* opaque: the timeline indexed by thread */

#define KF_CHAIN_MAX 8

enum kf_chain_end {
	KF_CHAIN_GOES_ON = 0, /* the next link tells */
	KF_CHAIN_RAN,	      /* it ran most of the time: that is the reason */
	KF_CHAIN_QUEUED,      /* it waited for a CPU most of the time: its worst gap is the reason */
	KF_CHAIN_INTERRUPT,   /* woken by an interrupt: I/O, the network, a timer */
	KF_CHAIN_FLOOR,	      /* the window does not reach further back */
	KF_CHAIN_UNKNOWN,
	KF_CHAIN_DEEP, /* KF_CHAIN_MAX links */
	KF_CHAIN_LOOP, /* back at a thread it has been at, in the same time: they wait for one another */
};

struct kf_link {
	uint32_t thread;
	uint64_t start_ns; /* the stretch that is told */
	uint64_t end_ns;
	uint64_t running_ns; /* how it spent it; the four add up to end_ns - start_ns */
	uint64_t runnable_ns;
	uint64_t blocked_ns;
	uint64_t unknown_ns;
	struct kf_wait wait;	/* of its longest block in the stretch, if blocked_ns */
	uint64_t wait_start_ns; /* of that block, can be before start_ns */
	uint64_t wait_end_ns;
	uint32_t waker; /* who ended that block: the thread of the next link; KF_IDLE, KF_NOBODY */
	bool waker_irq;
	const struct kf_gap *gap; /* its longest gap that touches the stretch, NULL none */
	uint8_t end;		  /* enum kf_chain_end */
};

struct kf_chain {
	struct kf_link links[KF_CHAIN_MAX]; /* [0] is the thread that was asked about */
	size_t n;
};

int kf_chains_open(struct kf_chains **out, const struct kf_timeline *t, struct kf_error *e);
void kf_chains_close(struct kf_chains **c);

/* Why thread, which waited or was late between start and end, was so: the chain. Always at least one link. */
void kf_chain_of(const struct kf_chains *c, uint32_t thread, uint64_t start_ns, uint64_t end_ns, struct kf_chain *out);

/* The moves of one thread in time order: indices in t->moves. */
const uint32_t *kf_chains_moves(const struct kf_chains *c, uint32_t thread, size_t *n);

#endif
