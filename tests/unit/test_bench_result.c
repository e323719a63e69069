/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/result.h"

static void assert_near(double got, double want)
{
	if (fabs(got - want) > 1e-9)
		fail_msg("%g instead of %g", got, want);
}

/* A host that gets slower from round to round: what a contender adds stays the same. */
static struct kf_bench_result *drifting_host(size_t rounds)
{
	struct kf_bench_result *r = calloc(1, sizeof(*r));
	static const double adds[KF_CONTENDERS] = {
		[KF_EMPTY_PROGRAMS] = 10, [KF_RECORDER] = 30, [KF_RECORDER_TRIGGER] = 35,
		[KF_RECORDER_ALL] = 60,	  [KF_FTRACE] = 100,
	};

	assert_non_null(r);
	r->rounds = rounds;
	for (int w = 0; w < KF_WORKLOADS; w++)
		for (int c = 0; c < KF_CONTENDERS; c++) {
			r->applies[w][c] = true;
			for (size_t i = 0; i < rounds; i++)
				r->ns[w][c][i] = 1000 + 100 * (double)i + adds[c];
		}
	return r;
}

static void spreads(void **state)
{
	struct kf_bench_result *r = drifting_host(5);
	struct kf_spread cost = kf_bench_cost(r, KF_WORKLOAD_PIPE, KF_NOTHING);
	struct kf_spread slow = kf_bench_slowdown(r, KF_WORKLOAD_PIPE, KF_FTRACE);

	assert_near(cost.p25, 1100);
	assert_near(cost.median, 1200);
	assert_near(cost.p75, 1300);
	assert_near(slow.p25, 100);
	assert_near(slow.median, 100);
	assert_near(slow.p75, 100);
	r->rounds = 4; /* between two samples */
	assert_near(kf_bench_cost(r, KF_WORKLOAD_PIPE, KF_NOTHING).median, 1150);
	r->rounds = 1;
	assert_near(kf_bench_cost(r, KF_WORKLOAD_PIPE, KF_NOTHING).p75, 1000);
	r->rounds = 0;
	assert_near(kf_bench_cost(r, KF_WORKLOAD_PIPE, KF_NOTHING).median, 0);
	free(r);
}

static void figures(void **state)
{
	struct kf_bench_result *r = drifting_host(5);
	struct kf_figure f[KF_FIGURES];

	kf_bench_figures(r, f);
	assert_near(f[0].value, 0.3);
	assert_true(f[0].known && f[0].holds);
	assert_near(f[1].value, 0.6);
	assert_true(f[1].known && f[1].holds);
	assert_near(f[2].value, 30); /* the noise is 1 % of 1200 */
	assert_near(f[2].limit, 12);
	assert_false(f[2].holds);

	for (size_t i = 0; i < r->rounds; i++)
		r->ns[KF_WORKLOAD_SYSCALL][KF_RECORDER_ALL][i] += 40;
	kf_bench_figures(r, f);
	assert_near(f[1].value, 1);
	assert_false(f[1].holds);
	free(r);
}

/* One half of the rounds was disturbed: no verdict. */
static void busy_machine(void **state)
{
	struct kf_bench_result *r = drifting_host(6);
	struct kf_figure f[KF_FIGURES];

	for (size_t i = 0; i < r->rounds; i += 2)
		r->ns[KF_WORKLOAD_PIPE][KF_RECORDER][i] -= 500;
	kf_bench_figures(r, f);
	assert_true(f[0].noisy);
	assert_false(f[0].holds);
	assert_false(f[1].noisy);
	free(r);
}

static void without_ftrace(void **state)
{
	struct kf_bench_result *r = drifting_host(5);
	struct kf_figure f[KF_FIGURES];

	r->applies[KF_WORKLOAD_PIPE][KF_FTRACE] = r->applies[KF_WORKLOAD_SYSCALL][KF_FTRACE] = false;
	kf_bench_figures(r, f);
	assert_false(f[0].known || f[0].holds || f[1].known || f[1].holds);
	assert_true(f[2].known);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spreads),
		cmocka_unit_test(figures),
		cmocka_unit_test(busy_machine),
		cmocka_unit_test(without_ftrace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
