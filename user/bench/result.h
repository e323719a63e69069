/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * result.h - the samples of a benchmark and what follows from them.
 *
 * A round runs every contender once under every workload, in random order. Slow-downs are taken within each round
 * (against the two runs of nothing in it), so that a machine that slows down over time does not blur them.
 */
#ifndef KF_BENCH_RESULT_H
#define KF_BENCH_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/contender.h"
#include "bench/workload.h"

#define KF_BENCH_MAX_ROUNDS 256

struct kf_bench_result {
	size_t rounds; /* whole ones */
	bool applies[KF_WORKLOADS][KF_CONTENDERS];
	double ns[KF_WORKLOADS][KF_CONTENDERS][KF_BENCH_MAX_ROUNDS]; /* per round trip or call */
};

struct kf_spread {
	double p25, median, p75;
};

/* What a round trip or call takes. */
struct kf_spread kf_bench_cost(const struct kf_bench_result *r, enum kf_workload w, enum kf_contender c);
/* What it takes more than with nothing. */
struct kf_spread kf_bench_slowdown(const struct kf_bench_result *r, enum kf_workload w, enum kf_contender c);

/* A promise and what became of it here. */
struct kf_figure {
	const char *what;
	const char *unit;
	bool known; /* false: ftrace is missing */
	bool noisy; /* quartiles too far apart to trust value: the machine is busy */
	double value;
	double limit;
	bool holds;
};

#define KF_FIGURES 3

void kf_bench_figures(const struct kf_bench_result *r, struct kf_figure figures[KF_FIGURES]);

#endif
