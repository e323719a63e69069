/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convoy.h - many threads in line for one lock: who had it, who got it next, how long each waited.
 *
 * A convoy is a time in which at least KF_CONVOY_MIN threads of a process waited at once for one futex address that is a
 * lock rather than a door bell, until the line is empty or down to one when the next comes. The kernel does not know what
 * a futex is for, so it is judged by how the address was used in the window:
 *  - it is a barrier or a broadcast, no lock, if most of the waits ended because one call woke several threads;
 *  - it is a lock if most of the waits were for a value that locks have: FUTEX_LOCK_PI; 2, the contended lock word of glibc,
 *    Rust and Go; or one with FUTEX_WAITERS set, as musl's is;
 *  - else it is one if most of the hand-overs came from the very thread that had been woken before: a lock goes from one to
 *    the next. Threads that idle until somebody brings work are woken by him.
 * Locks whose waiters sleep on addresses of their own (Java, parking_lot, absl) are not seen.
 *
 * A hand-over is a wake-up by a thread that was in futex(2) on this address. It has just unlocked: so it had the lock, since
 * the hand-over before at the earliest. That is how long it "held" it here: likely, not certain, because a lock can be
 * taken by others in passing.
 */
#ifndef KF_MODEL_CONVOY_H
#define KF_MODEL_CONVOY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_timeline;

#define KF_CONVOY_MIN	    3
#define KF_CONVOYS_MAX	    64	/* the worst are kept */
#define KF_CONVOY_STEPS_MAX 256 /* the first are kept */

/* The end of one wait in line. */
struct kf_convoy_step {
	uint64_t ts_ns; /* when it was woken */
	uint64_t waited_ns;
	uint64_t held_ns; /* how long `from` had the lock, at most */
	uint32_t thread;  /* index: who was woken */
	uint32_t from;	  /* index: who handed it over */
};

/* All convoys of one address. What is said of "the worst" is about the one with most waiting time. */
struct kf_convoy {
	uint32_t tgid;
	uint8_t kind; /* enum kf_wait_kind of the waits */
	uint64_t address;
	uint32_t n_convoys;   /* so many apart in time */
	uint32_t max_waiters; /* at once, in any of them */
	uint64_t total_ns;    /* waiting time of all threads in all of them */

	uint64_t first_ns; /* the worst: from the first wait in line to the end of the last */
	uint64_t last_ns;
	uint64_t worst_ns;	 /* waiting time of all threads in it */
	uint32_t n_threads;	 /* that waited in it */
	uint32_t longest_thread; /* index: of its longest wait */
	uint64_t longest_ns;
	bool open;	    /* somebody still waited when the window ended */
	uint32_t holder;    /* index: who had it for longest, KF_NOBODY not known */
	uint64_t holder_ns; /* in all */
	uint32_t n_handovers;
	uint32_t n_steps; /* the first of them, in time order */
	struct kf_convoy_step *steps;
};

struct kf_convoys {
	struct kf_convoy *items; /* most waiting time first */
	size_t n, room;
};

/*
 * Finds the convoys of a timeline. *out is zeroed before; release it also after a failure. Memory: 56 bytes per futex
 * wait in the window and 24 per thread while it works.
 */
int kf_convoys_find(struct kf_convoys *out, const struct kf_timeline *t, struct kf_error *e);
void kf_convoys_release(struct kf_convoys *c);

#endif
