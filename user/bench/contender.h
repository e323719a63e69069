/* SPDX-License-Identifier: BSD-2-Clause */
/* contender.h - what is switched on while a workload runs. */
#ifndef KF_BENCH_CONTENDER_H
#define KF_BENCH_CONTENDER_H

#include <stdbool.h>

#include "bench/workload.h"

struct kf_error;

enum kf_contender {
	KF_NOTHING,
	KF_NOTHING_AGAIN,    /* how far two equal things differ here: the noise */
	KF_EMPTY_PROGRAMS,   /* the hooks of the recorder (PIPE), or of all syscalls (SYSCALL), doing nothing */
	KF_RECORDER,	     /* `record` without triggers */
	KF_RECORDER_TRIGGER, /* with runq and futex triggers for everybody, armed, that never fire */
	KF_RECORDER_ALL,     /* `record --syscalls=all` */
	KF_RECORDER_BARE,    /* `record --causes=none`; the next ones: none but one */
	KF_RECORDER_IRQ,
	KF_RECORDER_STEAL,
	KF_RECORDER_QUOTA,
	KF_RECORDER_PRIO,
	KF_FTRACE, /* the same events as RECORDER (PIPE) or RECORDER_ALL (SYSCALL) */
	KF_CONTENDERS,
};

struct kf_contenders; /* opaque: what they keep between their runs */

/* ftrace_clock: NULL leaves ftrace out. If it cannot be had, *ftrace_error says why, and it is left out. */
int kf_contenders_open(struct kf_contenders **out, const char *ftrace_clock, struct kf_error *ftrace_error,
		       struct kf_error *e);
void kf_contenders_close(struct kf_contenders **c);

/* Whether this one has something to say about that workload here. */
bool kf_contender_applies(const struct kf_contenders *c, enum kf_contender contender, enum kf_workload workload);

int kf_contender_start(struct kf_contenders *c, enum kf_contender contender, enum kf_workload workload,
		       struct kf_error *e);
void kf_contender_stop(struct kf_contenders *c);

/* "kflight", "kflight --syscalls=all", "ftrace", ... */
const char *kf_contender_name(enum kf_contender contender);

#endif
