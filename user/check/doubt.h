/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doubt.h - what keeps a window from answering an expression at all, apart from single waits that were cut off: it is too
 * short, what is asked for was not recorded, or records of it were lost.
 */
#ifndef KF_CHECK_DOUBT_H
#define KF_CHECK_DOUBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_expr;
struct kf_samples;
struct kf_selection;
struct kf_settings;
struct kf_snapshot;
struct kf_timeline;

/* What the expressions are applied to. */
struct kf_view {
	const struct kf_timeline *t;
	const struct kf_snapshot *s;
	const struct kf_samples *samples;
	uint64_t window_min_ns; /* a shorter window answers nothing; 0 any */
	uint64_t from_ns;	/* nor does one that begins later, or was cut at its end; 0 no matter */
	uint32_t tgid;		/* only this process and what it started, 0 every thread */
	bool as_seen; /* waits that were cut off count as long as they were seen, threads as far as they are known */
};

#define KF_DOUBT_BYTES 256

enum kf_doubt {
	KF_DOUBT_NONE = 0,
	KF_DOUBT_SHORT, /* what there is of the window is whole, but it is shorter than asked for */
	KF_DOUBT_HOLES, /* there was more than the window tells */
};

/* Puts the reason into why if there is one, no full stop. */
enum kf_doubt kf_doubt_window(const struct kf_view *v, char *why, size_t len);
/* That, and what is about this expression and these threads, which it and settings (NULL none) selected. */
enum kf_doubt kf_doubt(const struct kf_view *v, const struct kf_expr *x, const struct kf_settings *settings,
		       const struct kf_selection *threads, char *why, size_t len);

/* Syscalls that do not block have no records. */
bool kf_sees_all_syscalls(const struct kf_view *v);

#endif
