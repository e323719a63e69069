/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ftrace.h - the rival: an ftrace instance of our own, recording into its overwriting buffers, read by nobody.
 *
 * tracefs is mounted in a mount namespace that only this process sees, so nothing changes on the host. The instance is
 * removed by kf_ftrace_close(); one left by a killed `kflight bench` is removed by the next.
 */
#ifndef KF_BENCH_FTRACE_H
#define KF_BENCH_FTRACE_H

struct kf_error;
struct kf_ftrace;

/* clock: "mono", "local", ... as in trace_clock. Unshares the mount namespace of the process. */
int kf_ftrace_open(struct kf_ftrace **out, const char *clock, struct kf_error *e);
void kf_ftrace_close(struct kf_ftrace **f);

/* Each event like "sched/sched_switch"; the list ends with NULL. */
int kf_ftrace_start(struct kf_ftrace *f, const char *const *events, struct kf_error *e);
/* Stops and forgets what was recorded. */
void kf_ftrace_stop(struct kf_ftrace *f);

#endif
