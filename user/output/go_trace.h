/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_trace.h - a timeline as a Go execution trace, for `go tool trace` and everything else that reads them.
 *
 * How Linux is shown:
 *
 *   goroutine, thread (M)  a Linux thread; both have its tid as id (plus k * 2^32 for the k-th reuse of a tid)
 *   processor (P)          a CPU; idle while it is idle, or while nobody knows what it runs
 *   goroutine waiting      blocked; the reason is one of Go's own words, the stack tells the kind of wait and the
 * syscall goroutine in syscall   blocked in uninterruptible sleep inside a syscall, or a recorded syscall while it runs
 *   goroutine runnable     a gap; Go calls it "sched wait"
 *   unblock                a wakeup, on the lane of the waker; interrupts have no lane
 *   task                   a gap of at least gap_ns, from its start (on the thread that has the CPU, or the waker) to
 * the thread's start on the CPU, with a log in between that says who used the CPU log "kflight"          what the trace
 * is: version, host, clock, window, losses, trigger log "records lost"     from here on the thread's state is not
 * known; it is shown waiting for nothing
 *
 * Times are CLOCK_MONOTONIC ns, each event one of its own: events of one moment are a few ns apart. States at the start
 * of the window are replayed in the microseconds before it, because a state by itself has no name and no reason.
 */
#ifndef KF_OUTPUT_GO_TRACE_H
#define KF_OUTPUT_GO_TRACE_H

#include <stdint.h>
#include <stdio.h>

#include "output/go_names.h"
#include "output/go_wire.h"

struct kf_error;
struct kf_snapshot;
struct kf_timeline;

enum kf_go_init {
	KF_GO_INIT_REPLAY = 0, /* start states as a short past: names, reasons and stacks are right */
	KF_GO_INIT_STATUS,     /* as bare states: nothing before the window, but waits have no reason */
};

enum kf_go_tasks {
	KF_GO_TASKS_SLOW = 0, /* gaps of at least gap_ns */
	KF_GO_TASKS_ALL,
	KF_GO_TASKS_OFF,
};

/* Which recorded syscalls are shown while they run. Those that sleep uninterruptibly are always shown. */
enum kf_go_syscalls {
	KF_GO_SYSCALLS_SLOW = 0, /* lasted KF_SLOW_SYSCALL_NS or more */
	KF_GO_SYSCALLS_ALL,
	KF_GO_SYSCALLS_OFF,
};

struct kf_go_options {
	enum kf_go_version version;
	enum kf_go_reasons reasons;
	enum kf_go_init init;
	enum kf_go_tasks tasks;
	enum kf_go_syscalls syscalls;
	uint64_t from_ns; /* the cut, ends included; parts outside the window count as its ends */
	uint64_t to_ns;
	uint64_t gap_ns;
};

/* Go 1.22, Go's words, replayed start, tasks from 1 ms, the whole window. */
#define KF_GO_OPTIONS_DEFAULT                                                                                          \
	{                                                                                                              \
		.version = KF_GO_1_22, .to_ns = UINT64_MAX, .gap_ns = 1000000                                          \
	}

/* "1.22" .. "1.27", the Go release that has to read the trace -> the header to write. */
int kf_go_version_parse(const char *text, enum kf_go_version *out, struct kf_error *e);

/* Writes the trace to out, which stays the caller's; it is flushed, not closed. */
int kf_go_trace_write(const struct kf_timeline *t, const struct kf_snapshot *meta, const struct kf_go_options *o,
		      FILE *out, struct kf_error *e);

#endif
