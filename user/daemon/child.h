/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * child.h - runs one program to its end: own process group, time limit, its messages line by line. For the hook runner,
 * which has nothing else to do meanwhile.
 */
#ifndef KF_DAEMON_CHILD_H
#define KF_DAEMON_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KF_CHILD_MAX_LINES  100 /* of messages; more are only counted */
#define KF_CHILD_LINE_BYTES 400

struct kf_child {
	char **argv, **env;
	int exe_fd;		      /* the program; -1: argv[0], as PATH finds it */
	int stdout_fd;		      /* -1: to its messages */
	uint64_t timeout_ns;	      /* then SIGTERM to its group, and SIGKILL KF_CHILD_GRACE_NS later */
	int hangup_fd;		      /* when that is hung up, it is ended, too; -1 none */
	bool background;	      /* nice 19, first choice of the out-of-memory killer */
	uint64_t memory_bytes, cpu_s; /* rlimits, 0 none */
	void (*started)(void *context, pid_t group);
	void (*line)(void *context, const char *text, size_t len);
	void *context;
};
#define KF_CHILD_GRACE_NS (5ULL * 1000000000)

enum kf_child_how {
	KF_CHILD_NOT_RUN = 0,
	KF_CHILD_EXITED = 1, /* value: its status */
	KF_CHILD_KILLED = 2, /* value: the signal */
	KF_CHILD_TIMED_OUT = 3,
	KF_CHILD_HUNG_UP = 4,
	KF_CHILD_NOT_STARTED = 5, /* value: errno */
};

struct kf_child_end {
	enum kf_child_how how;
	int value;
};

/* What is left of its group when it has ended is killed. */
struct kf_child_end kf_child_run(const struct kf_child *c);

#endif
