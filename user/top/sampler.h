/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sampler.h - counts the waits of all processes in the kernel, and takes what was counted since the last look.
 *
 *	kf_top_open(&top, &e);
 *	for (;;) { sleep; kf_top_take(top, &sample, &e); ... kf_top_sample_release(&sample); }
 *	kf_top_close(&top);
 *
 * User space sleeps between looks. When this process dies, however it does, nothing stays in the kernel.
 */
#ifndef KF_TOP_SAMPLER_H
#define KF_TOP_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "kflight/top.h"

struct kf_error;
struct kf_top;

/* What was counted between two looks. */
struct kf_top_sample {
	struct kf_top_process *processes; /* those of whom a thread waited */
	size_t n_processes;
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t end_ns;
	uint64_t
		uncounted; /* waits that nobody counted: too many processes, no memory, or probes that the kernel skipped */
};

/* Needs the rights of a recorder. */
int kf_top_open(struct kf_top **out, struct kf_error *e);
int kf_top_take(struct kf_top *top, struct kf_top_sample *out, struct kf_error *e);
void kf_top_sample_release(struct kf_top_sample *sample);
void kf_top_close(struct kf_top **top);

#endif
