/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain.h - why a thread was woken so late: back from waker to waker.
 *
 * A wait ends when somebody ends it. What did that thread do in the meantime: did it run, wait for a CPU itself, or for
 * somebody else? Each link of a chain is one thread over one stretch of time and how it spent it. If it was blocked for
 * most of it, and one of its waits is long enough to matter, the next link is about whoever ended that wait, over the time
 * of the wait. So a server that idles in epoll until a request comes is not blamed: the chain goes on to who woke it.
 *
 * Roots are threads that ran, those that were kept from running, interrupts (I/O, the network, timers), the floor of the
 * window, and what is not known. What a link did "meanwhile" is fact; that it is the reason is likely, not proven: a thread
 * can do other work before it wakes somebody.
 *
 * Stretches only shrink from link to link, so that an honest timeline has no loops; a damaged one can, and ends in
 * KF_CHAIN_LOOP.
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
	KF_CHAIN_QUEUED,      /* it waited for a CPU most of the time: its gaps are the reason */
	KF_CHAIN_INTERRUPT,   /* woken by an interrupt: I/O, the network, a timer */
	KF_CHAIN_FLOOR,	      /* the window does not reach further back */
	KF_CHAIN_UNKNOWN,     /* what it did, or who woke it, is not known; or nobody has yet (wait_open) */
	KF_CHAIN_DEEP,	      /* KF_CHAIN_MAX links */
	KF_CHAIN_LOOP,	      /* back at a thread it has been at: the timeline contradicts itself */
	KF_CHAIN_SCATTERED,   /* blocked most of the time, in many waits of which none is long */
	KF_CHAIN_ENDS,
};

struct kf_link {
	uint32_t thread;
	uint64_t start_ns; /* the stretch that is told; begins with its birth if that was later */
	uint64_t end_ns;
	uint64_t running_ns; /* how it spent it; the four add up to end_ns - start_ns */
	uint64_t runnable_ns;
	uint64_t blocked_ns;
	uint64_t unknown_ns;
	uint32_t n_waits;	/* blocks that touch the stretch */
	struct kf_wait wait;	/* of its longest block in the stretch, if n_waits */
	uint64_t wait_start_ns; /* of that block, can be before start_ns; its begin is at or before that if wait_old */
	uint64_t wait_end_ns;	/* ... can be after end_ns for the first link */
	bool wait_old;		/* it began before the window, not known when */
	bool wait_open;		/* nobody had ended it when the window ended */
	uint32_t waker;		/* who ended that block: the thread of the next link; KF_IDLE, KF_NOBODY */
	bool waker_irq;		/* an interrupt did, and waker is whom it interrupted */
	struct kf_wait waker_did; /* the syscall the waker was in then: nr, arg0, in_syscall */
	uint32_t n_gaps;	  /* gaps that touch the stretch */
	const struct kf_gap *gap; /* the one of them that is longest in the stretch, NULL none */
	uint8_t end;		  /* enum kf_chain_end */
};

struct kf_chain {
	struct kf_link links[KF_CHAIN_MAX]; /* [0] is the thread that was asked about */
	size_t n;
};

/* Cost: some passes over the moves; 8 bytes per move, 4 per gap, 12 per thread. t must outlive *out. */
int kf_chains_open(struct kf_chains **out, const struct kf_timeline *t, struct kf_error *e);
void kf_chains_close(struct kf_chains **c);

/*
 * Why thread, which waited or was late between start and end, was so. At least one link, if thread is an index (else
 * none). Cost per link: logarithmic, and the thread's moves in the stretch.
 */
void kf_chain_of(const struct kf_chains *c, uint32_t thread, uint64_t start_ns, uint64_t end_ns, struct kf_chain *out);

/* The moves of one thread in time order: indices in t->moves. None for what is no index. */
const uint32_t *kf_chains_moves(const struct kf_chains *c, uint32_t thread, size_t *n);
/* Those that decide its state: all but MIGRATE, EXEC and SYSCALL. */
const uint32_t *kf_chains_turns(const struct kf_chains *c, uint32_t thread, size_t *n);
/* The gaps of one thread in time order: indices in t->gaps. */
const uint32_t *kf_chains_gaps(const struct kf_chains *c, uint32_t thread, size_t *n);

/* "ran", "queued", "interrupt", "floor", "unknown", "deep", "loop", "scattered"; "" for a link that goes on. */
const char *kf_chain_end_name(unsigned int end);

#endif
