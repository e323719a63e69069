/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hook_runner.h - the process that converts and ships snapshots, one after the other; and what hooks.c and it say to each other.
 *
 * Over a SOCK_SEQPACKET pair. The recorder sends a job: the path and a NUL, then environment variables, each with a NUL. The runner
 * answers with any number of lines (what a program said) and then a result; only then the next job comes. When the recorder's end
 * is closed, by whatever, the runner ends the program it runs and goes.
 */
#ifndef KF_DAEMON_HOOK_RUNNER_H
#define KF_DAEMON_HOOK_RUNNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/argv.h"
#include "daemon/child.h"
#include "daemon/space.h"

#define KF_HOOK_JOB_BYTES 16384

enum kf_hook_format { KF_HOOK_GO, KF_HOOK_HTML, KF_HOOK_PERFETTO, KF_HOOK_FORMATS };
/* "go" */
const char *kf_hook_format_name(enum kf_hook_format format);

struct kf_hook_plan {
	struct kf_argv exec; /* n 0 none */
	uint64_t exec_timeout_ns;
	uint32_t formats; /* a bit each */
	uint64_t convert_bytes, convert_timeout_ns;
	gid_t group;
	struct kf_space space;
};

enum kf_hook_answer { KF_HOOK_LINE, KF_HOOK_RESULT, KF_HOOK_STARTED };

struct kf_hook_line {
	uint32_t answer;		/* KF_HOOK_LINE */
	uint32_t from;			/* enum kf_hook_format, KF_HOOK_FORMATS: the command */
	char text[KF_CHILD_LINE_BYTES]; /* as long as the packet is */
};

/* A program runs in that process group: should the runner be killed, the recorder ends the group. */
struct kf_hook_started {
	uint32_t answer; /* KF_HOOK_STARTED */
	int32_t group;
};

struct kf_hook_result {
	uint32_t answer; /* KF_HOOK_RESULT */
	uint32_t zero;
	struct kf_child_end exec;
	struct kf_child_end formats[KF_HOOK_FORMATS];
};

/* In the new process: closes everything but the socket, gives away all rights, runs jobs. Does not return. */
void kf_hook_runner(int socket, const struct kf_hook_plan *plan) __attribute__((noreturn));

/*
 * Converts the snapshot at path to format, beside it; exe_fd is this program. The file appears when it is whole, or not at all.
 * Its path is in *out then (free it), else NULL.
 */
struct kf_child;
struct kf_child_end kf_hook_convert(const struct kf_hook_plan *plan, const struct kf_child *base, const char *path,
				    enum kf_hook_format format, char **out);

#endif
