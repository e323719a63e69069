/* SPDX-License-Identifier: BSD-2-Clause */
/* show.h - a benchmark's result as tables for people and as JSON. */
#ifndef KF_BENCH_SHOW_H
#define KF_BENCH_SHOW_H

struct kf_bench_result;

struct kf_bench_host {
	char kernel[65];
	char machine[65];
	char cpu_model[128];
	int n_cpus;
	int cpu;		  /* the workloads ran there */
	const char *ftrace_clock; /* NULL: no ftrace */
	const char *ftrace_why;	  /* why not, "" */
};

void kf_bench_host_read(struct kf_bench_host *host);

/* On standard output. */
void kf_bench_print(const struct kf_bench_host *host, const struct kf_bench_result *r);
void kf_bench_print_json(const struct kf_bench_host *host, const struct kf_bench_result *r);

#endif
