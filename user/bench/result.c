/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Our part of ftrace's slow-down with the same events, at most. */
#define LIMIT_OF_FTRACE 0.7
/* A slow-down below this part of the time itself is noise on any machine. */
#define ALWAYS_NOISE 0.01

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between the two nearest. sorted is not empty. */
static double quantile(const double *sorted, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;

	return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

static struct kf_spread spread_of(double *values, size_t n)
{
	if (!n)
		return (struct kf_spread){ 0 };
	qsort(values, n, sizeof(values[0]), compare);
	return (struct kf_spread){ quantile(values, n, 0.25), quantile(values, n, 0.5), quantile(values, n, 0.75) };
}

struct kf_spread kf_bench_cost(const struct kf_bench_result *r, enum kf_workload w, enum kf_contender c)
{
	double values[KF_BENCH_MAX_ROUNDS];

	memcpy(values, r->ns[w][c], r->rounds * sizeof(values[0]));
	return spread_of(values, r->rounds);
}

static double base_ns(const struct kf_bench_result *r, enum kf_workload w, enum kf_contender c, size_t round)
{
	double nothing = r->ns[w][KF_NOTHING][round], again = r->ns[w][KF_NOTHING_AGAIN][round];

	/* These two are compared with each other. */
	return c == KF_NOTHING ? again : c == KF_NOTHING_AGAIN ? nothing : (nothing + again) / 2;
}

struct kf_spread kf_bench_slowdown(const struct kf_bench_result *r, enum kf_workload w, enum kf_contender c)
{
	double values[KF_BENCH_MAX_ROUNDS];

	for (size_t i = 0; i < r->rounds; i++)
		values[i] = r->ns[w][c][i] - base_ns(r, w, c, i);
	return spread_of(values, r->rounds);
}

static bool is_noisy(struct kf_spread s)
{
	return s.p75 - s.p25 > fabs(s.median) / 2;
}

static struct kf_figure against_ftrace(const struct kf_bench_result *r, enum kf_workload w, enum kf_contender ours,
				       const char *what)
{
	struct kf_figure f = { .what = what, .unit = "x", .limit = LIMIT_OF_FTRACE };
	struct kf_spread mine = kf_bench_slowdown(r, w, ours), theirs = kf_bench_slowdown(r, w, KF_FTRACE);

	f.known = r->applies[w][KF_FTRACE] && r->rounds && theirs.median > 0;
	if (!f.known)
		return f;
	f.noisy = is_noisy(mine) || is_noisy(theirs);
	f.value = mine.median / theirs.median;
	f.holds = !f.noisy && f.value <= f.limit;
	return f;
}

/* How far apart two runs of nothing are, three times out of four. */
static double noise_ns(const struct kf_bench_result *r, enum kf_workload w)
{
	double values[KF_BENCH_MAX_ROUNDS], least = ALWAYS_NOISE * kf_bench_cost(r, w, KF_NOTHING).median, noise;

	for (size_t i = 0; i < r->rounds; i++)
		values[i] = fabs(r->ns[w][KF_NOTHING_AGAIN][i] - r->ns[w][KF_NOTHING][i]);
	noise = spread_of(values, r->rounds).p75;
	return noise > least ? noise : least;
}

static struct kf_figure default_syscalls(const struct kf_bench_result *r)
{
	struct kf_figure f = { .what = "getppid loop, default mode, slow-down (limit: the noise)", .unit = " ns" };

	f.known = r->rounds > 0;
	f.value = kf_bench_slowdown(r, KF_WORKLOAD_SYSCALL, KF_RECORDER).median;
	f.limit = noise_ns(r, KF_WORKLOAD_SYSCALL);
	f.holds = f.known && f.value <= f.limit;
	return f;
}

void kf_bench_figures(const struct kf_bench_result *r, struct kf_figure figures[KF_FIGURES])
{
	figures[0] = against_ftrace(r, KF_WORKLOAD_PIPE, KF_RECORDER,
				    "pipe ping-pong, scheduling recorded, slow-down against ftrace's");
	figures[1] = against_ftrace(r, KF_WORKLOAD_SYSCALL, KF_RECORDER_ALL,
				    "getppid loop, all syscalls recorded, slow-down against ftrace's");
	figures[2] = default_syscalls(r);
}
