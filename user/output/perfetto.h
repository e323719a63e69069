/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfetto.h - a timeline for ui.perfetto.dev and trace_processor, made of track events.
 *
 * Tracks, from above:
 *
 *	kflight          one slice as long as the trace that says what it is and what is missing, and the trigger
 *	CPUs             per CPU: "CPU 3" has a slice per thread that ran, none while it was idle, "unknown" while nobody
 *	                 knows; "CPU 3 softirq", "CPU 3 irq", "CPU 3 steal" what was taken from them. A slice with ns in its
 *	                 notes is several short ones that took so long together.
 *	processes        per thread its states: "running" (cpu), "runnable" (kind, why: the sentence, from gap_ns on),
 *	                 "blocked: futex" (syscall; futex: its address), "unknown". A thread that slept all along has none.
 *
 * Every wake-up by a thread is an instant on the waker ("wakes nginx/2144") and an arrow from there to the gap it begins. An
 * interrupt that interrupted a thread has its instant on that CPU; who interrupted an idle CPU is not known, so no arrow.
 *
 * Times are CLOCK_MONOTONIC ns; the file tells the wall clock, too. The sum of the "runnable" slices of a thread is its
 * runnable_ns in the report.
 */
#ifndef KF_OUTPUT_PERFETTO_H
#define KF_OUTPUT_PERFETTO_H

#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_snapshot;
struct kf_timeline;

struct kf_perfetto_options {
	uint64_t from_ns; /* the cut; parts outside the window count as its ends */
	uint64_t to_ns;
	uint64_t gap_ns; /* gaps this long tell their sentence */
};

/* The whole window, sentences from 100 us. */
#define KF_PERFETTO_OPTIONS_DEFAULT                                                                                    \
	{                                                                                                              \
		.to_ns = UINT64_MAX, .gap_ns = 100000                                                                  \
	}

/* t is the timeline of s. Writes to out, which stays the caller's; it is flushed, not closed. */
int kf_perfetto_write(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_perfetto_options *o,
		      FILE *out, struct kf_error *e);

#endif
