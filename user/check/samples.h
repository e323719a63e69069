/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * samples.h - every wait of every thread in a window, one by one, and what of them the window does not tell.
 *
 * A wait counts as long as it was seen. One that lasted on when the window ended, whose begin is not known, or whose end
 * was lost, is marked as cut: it was at least that long. Times in which it is not known what a thread did are holes: waits
 * may hide there, none longer than the hole (one that reached into it is cut), unless the hole itself reaches beyond the window:
 * then it is cut, too.
 */
#ifndef KF_CHECK_SAMPLES_H
#define KF_CHECK_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/timeline.h"

struct kf_error;
struct kf_snapshot;

enum kf_sample_kind {
	KF_SAMPLE_RUNQ = 0,  /* a gap */
	KF_SAMPLE_BLOCK,     /* from leaving the CPU blocked to the wake-up */
	KF_SAMPLE_SYSCALL,   /* a recorded syscall, or one that a thread was blocked in when the window ended */
	KF_SAMPLE_THROTTLED, /* the part of a gap in which the quota of a cgroup was used up */
	KF_SAMPLE_HOLE,
	KF_SAMPLE_KINDS,
};

enum {
	KF_SAMPLE_OPEN = 1 << 0,     /* lasted on at the end of the window */
	KF_SAMPLE_NO_BEGIN = 1 << 1, /* its begin is not known */
	KF_SAMPLE_NO_END = 1 << 2,   /* its end was lost */
	KF_SAMPLE_CUT = KF_SAMPLE_OPEN | KF_SAMPLE_NO_BEGIN | KF_SAMPLE_NO_END,
	KF_SAMPLE_VAGUE = 1 << 3, /* BLOCK: not known in what; THROTTLED: for how long, at most this */
};

struct kf_sample {
	uint64_t start_ns; /* can lie before the floor */
	uint64_t end_ns;
	uint64_t arg0; /* BLOCK, SYSCALL: first argument */
	uint32_t thread;
	uint32_t waker;		  /* BLOCK: index, KF_IDLE, KF_NOBODY */
	uint16_t nr;		  /* BLOCK, SYSCALL: syscall; KF_NR_USER, KF_NR_KTHREAD, KF_NR_COMPAT */
	uint8_t wait;		  /* BLOCK: enum kf_wait_kind */
	uint8_t flags;		  /* KF_SAMPLE_* */
	bool in_syscall;	  /* BLOCK */
	const struct kf_gap *gap; /* RUNQ, THROTTLED */
};

struct kf_sample_list {
	struct kf_sample *items;
	size_t n, room;
};

struct kf_samples {
	struct kf_sample_list lists[KF_SAMPLE_KINDS];
};

/* s is zeroed before; release it also after a failure. The samples point into t. */
int kf_samples_collect(struct kf_samples *s, const struct kf_timeline *t, struct kf_error *e);
void kf_samples_release(struct kf_samples *s);

static inline uint64_t kf_sample_ns(const struct kf_sample *s)
{
	return s->end_ns - s->start_ns;
}

/* What of it lies in a range, and in the window. */
uint64_t kf_sample_range_ns(const struct kf_sample *s, uint64_t from_ns, uint64_t to_ns);
uint64_t kf_sample_window_ns(const struct kf_sample *s, const struct kf_timeline *t);

/* Is it, or may it be (VAGUE ones), a wait in futex(2)? */
bool kf_sample_is_futex(const struct kf_sample *s);

#endif
