/* SPDX-License-Identifier: BSD-2-Clause */
/* workload.h - two loops whose cost per round is known to the nanosecond, run in pinned children. */
#ifndef KF_BENCH_WORKLOAD_H
#define KF_BENCH_WORKLOAD_H

struct kf_error;

enum kf_workload {
	KF_WORKLOAD_PIPE,    /* one byte to another process on the same CPU and back: 2 switches, some 1.2 wake-ups */
	KF_WORKLOAD_SYSCALL, /* getppid(2) */
	KF_WORKLOADS,
};

/*
 * Runs it once in a child on that CPU, at nice -20: a warm-up, then 60 batches of some 2.5 ms each. *ns is the time per
 * round in the batch at the 20th percentile: batches disturbed by others are longer and do not count.
 */
int kf_workload_run(enum kf_workload workload, int cpu, double *ns, struct kf_error *e);

/* "pipe ping-pong", "getppid loop" */
const char *kf_workload_name(enum kf_workload workload);
/* "round trip", "call" */
const char *kf_workload_unit(enum kf_workload workload);

#endif
