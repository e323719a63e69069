/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_picture.h - what the CPUs did around a gap, as the page draws it.
 *
 *	[from, length, fine, left_out, [lane, ...]]
 *	lane: [cpu, [length, who, ...], [start, length, ns, who, ...]]
 *
 * from is an offset from the floor of the window, start one from `from`. The lengths of a lane's runs add up to that of
 * the picture. A run of who -1 stands for several, each shorter than `fine`; two numbers follow: how many, and how much
 * of the time was idle. fine is 0 when nothing had to be put together. Behind the runs come interrupts and the like: ns
 * of the length were theirs, in one piece or several. left_out is how many CPUs are not shown.
 */
#ifndef KF_OUTPUT_HTML_PICTURE_H
#define KF_OUTPUT_HTML_PICTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct kf_gap;
struct kf_timeline;
struct kf_who;

/* So many CPUs fit on a screen. */
#define KF_PICTURE_LANES 8

/* The CPU that a gap's waker was on; KF_NO_CPU not known. */
uint16_t kf_html_waker_cpu(const struct kf_timeline *t, const struct kf_gap *gap);

/*
 * With no more than about max_runs runs: what is shorter than can be told apart then is put together. Returns what
 * it cost, in runs written.
 */
size_t kf_html_picture_write(const struct kf_timeline *t, const struct kf_gap *gap, size_t max_runs, struct kf_who *who,
			     FILE *out);

#endif
