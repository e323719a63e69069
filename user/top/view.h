/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.h - a sample as lines of text: what everybody waited in all, and the processes with the worst waits.
 *
 *	15:21:07 UTC, last 1.00 s: 812 waits to run, 34.5 ms; 2 ready now
 *	process   pid  ready  waits/s  ms/s      p50      p99      max  futex/s  futex p99  futex max
 *	victim   2144      1       10  31.2  3.12 ms  7.33 ms  9.00 ms        -          -          -
 */
#ifndef KF_TOP_VIEW_H
#define KF_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_top_sample;

enum kf_top_order {
	KF_TOP_BY_RUNQ,	 /* longest wait to run first */
	KF_TOP_BY_FUTEX, /* longest wait in futex(2) first */
};

struct kf_top_view {
	enum kf_top_order order;
	uint32_t pid;	    /* only this process; 0 all */
	const char *comm;   /* only processes whose name fits this glob; NULL all */
	size_t rows;	    /* so many processes */
	unsigned int width; /* cut lines there; 0 never */
};

/* Sorts the processes of the sample. real_ns is CLOCK_REALTIME at its end. */
int kf_top_view_write(const struct kf_top_view *view, struct kf_top_sample *sample, uint64_t real_ns, FILE *out,
		      struct kf_error *e);

#endif
