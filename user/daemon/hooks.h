/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.h - what happens to a snapshot after it was written: --convert, then --exec.
 *
 * Both run below a process of their own, the hook runner (hook_runner.h), which is forked before there are probes: it holds no
 * descriptor of the recorder, has no capabilities and cannot get any, and ends with the recorder. One snapshot at a time, up to
 * KF_HOOKS_QUEUE wait, more are left out and counted: what is shipped never holds up what is recorded. A command that fails is
 * logged and counted and not tried again: the snapshot is still in the folder, and only the command knows whether trying again is
 * safe. docs/shipping.md is the manual.
 *
 * Life cycle: kf_hooks_new() (early: single-threaded, no BPF, before rights are given away), kf_hooks_watch() once there is a loop,
 * any number of kf_hooks_submit(); at the end go on with the loop until kf_hooks_is_idle() or until patience ends; kf_hooks_free() kills
 * what still runs.
 */
#ifndef KF_DAEMON_HOOKS_H
#define KF_DAEMON_HOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/space.h"

struct kf_error;
struct kf_events;
struct kf_hooks;

#define KF_HOOKS_QUEUE 64

struct kf_hooks_options {
	const char *exec;	  /* command line as in argv.h, {} is the path; NULL none */
	uint64_t exec_timeout_ns; /* then SIGTERM, and SIGKILL 5 s later, to its process group; 0: KF_EXEC_TIMEOUT_NS */
	const char *convert;	  /* "go,html,perfetto" or some of it; NULL none */
	uint64_t convert_bytes;	  /* memory for one conversion; 0: KF_CONVERT_BYTES */
	uint64_t convert_timeout_ns; /* 0: KF_CONVERT_TIMEOUT_NS */
	gid_t group;		     /* of converted files, which are 0640 then; (gid_t)-1: 0600 */
	struct kf_space space;	     /* no conversion that would go below that floor */
};
#define KF_EXEC_TIMEOUT_NS    (60ULL * 1000000000)
#define KF_CONVERT_TIMEOUT_NS (300ULL * 1000000000)
#define KF_CONVERT_BYTES      (4ULL << 30)

/* Strings may be NULL or "" and need not outlive the call. All but path are made printable for the environment. */
struct kf_hook_job {
	const char *path;	  /* absolute */
	const char *name;	  /* of the file: what the callback is given back */
	const char *reason;	  /* of a request */
	const char *trigger;	  /* name of the rule, "request" */
	const char *trigger_text; /* the rule's text */
	uint32_t pid;		  /* whom it is about, 0 none */
	const char *comm;
	const char *trace_id, *span_id;
	const char *host; /* NULL: this one */
};

/* *out NULL if options ask for nothing; every function below takes NULL and does nothing. Bad options and a command that cannot be
 * found are errors now, not at the first incident. */
int kf_hooks_new(struct kf_hooks **out, const struct kf_hooks_options *opts, struct kf_error *e);
/* Are the options good? Starts nothing. */
int kf_hooks_check(const struct kf_hooks_options *opts, struct kf_error *e);
/* Ends the runner and whatever it runs. The loop may be gone already. */
void kf_hooks_free(struct kf_hooks **h);

/* done (may be NULL): the job of that name is over, well or not, and its files may go. */
typedef void (*kf_hook_done_fn)(void *context, const char *name);
int kf_hooks_watch(struct kf_hooks *h, struct kf_events *events, kf_hook_done_fn done, void *context,
		   struct kf_error *e);

/* Never blocks. False: not taken (queue full, runner gone); that is counted and logged, and done is not called. (done may be
 * called from within a call that returns true: hold the file before.) */
bool kf_hooks_submit(struct kf_hooks *h, const struct kf_hook_job *job);

/* Nothing runs and nothing waits. */
bool kf_hooks_is_idle(const struct kf_hooks *h);

struct kf_hooks_counts {
	uint64_t submitted;	 /* jobs taken */
	uint64_t overflowed;	 /* jobs left out: the queue was full, or the runner is gone */
	uint64_t done;		 /* jobs over; submitted = done + waiting */
	uint64_t exec_ok;	 /* commands that ended with 0 */
	uint64_t exec_failed;	 /* ... not: timed out ones, too, and those that could not be started */
	uint64_t exec_timed_out; /* ... of which ran out of time */
	uint64_t converted;	 /* files */
	uint64_t convert_failed;
	uint32_t waiting; /* jobs, the running one included */
	pid_t runner;	  /* 0: gone */
};
void kf_hooks_counts(const struct kf_hooks *h, struct kf_hooks_counts *out);

#endif
