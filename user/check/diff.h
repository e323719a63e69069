/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff.h - what got worse from one window to another: the waits of every process, by name and kind of wait, side by side.
 *
 * A row is worse if its p50, its p99 or its total per second is more than ratio times what it was, and by more than the floor.
 * Few waits are no distribution: percentiles take KF_DIFF_PERCENTILE_WAITS of them in B, and as many in A unless there was
 * none; the total takes KF_DIFF_TOTAL_WAITS in B, and does not count the longest of these. The maximum is only told. What
 * only looks worse because so few waits count like many is said to be few.
 *
 * Only kinds of wait that nobody does on purpose are judged unless others are asked for: a process that sleeps more is not
 * slower. Kernel threads are judged if a name is asked for that fits them: most wait for work of others. Percentiles are
 * nearest rank; waits that a window cuts off count as long as they were seen. A row is unknown if it is not worse, but in B it
 * is not known what a thread of the process did for longer than the floor. A process that is in one window only cannot be
 * compared.
 */
#ifndef KF_CHECK_DIFF_H
#define KF_CHECK_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "check/measure.h"
#include "model/wait.h"

struct kf_snapshot;
struct kf_timeline;

#define KF_DIFF_PERCENTILE_WAITS 10
#define KF_DIFF_TOTAL_WAITS	 3

/* Kinds of wait: enum kf_wait_kind for what threads were blocked in, and these. */
enum {
	KF_DIFF_RUNQ = KF_WAIT_KINDS,
	KF_DIFF_THROTTLED,
	KF_DIFF_SYSCALL, /* recorded ones, blocked or not */
	KF_DIFF_WAITS,
};

/* "runq", "futex", "disk", ... */
const char *kf_diff_wait_name(unsigned int wait);
/* The number, or -1. */
int kf_diff_wait_find(const char *name);

struct kf_distribution {
	uint64_t n;
	uint64_t p50_ns;
	uint64_t p99_ns;
	uint64_t max_ns;
	uint64_t total_ns; /* in the window */
	uint64_t most_ns;  /* the most of a single one in the window: what total_ns owes to it */
};

struct kf_diff_row {
	char comm[KF_COMM_BYTES]; /* of processes, NUL-terminated */
	uint8_t wait;		  /* KF_DIFF_*, enum kf_wait_kind */
	bool in_a, in_b;	  /* is there such a process? */
	bool kernel;		  /* it is kernel threads */
	bool asked;		  /* its kind is to be judged */
	bool judged;		  /* and it can be */
	enum kf_answer worse;	  /* judged ones */
	bool few;		  /* not worse, but would be if there were more waits like these */
	struct kf_distribution a, b;
};

struct kf_diff_side {
	const struct kf_timeline *t;
	const struct kf_snapshot *s;
	const char *path;
};

struct kf_diff_options {
	double ratio; /* >= 1 */
	uint64_t floor_ns;
	uint64_t window_min_ns; /* shorter windows cannot be compared */
	const char *comm;	/* only processes of this name, a glob; NULL all */
	uint32_t waits;		/* a bit per kind to judge; 0: those that nobody does on purpose */
	bool force;		/* compare what cannot be compared */
};

struct kf_diff {
	enum kf_status status;	  /* KF_OK, KF_FINDINGS: something is worse, KF_INCOMPLETE */
	struct kf_diff_row *rows; /* worse ones first, then unknown ones, then by total per second in B */
	size_t n, room;
	size_t n_judged, n_worse, n_unknown;
	uint64_t window_a_ns, window_b_ns;
};

/*
 * Another host, kernel or number of CPUs, windows too short or of too different lengths (more than ten times), syscalls
 * recorded in another way: KF_USAGE, unless force. *d is zeroed before; release it also after a failure.
 */
int kf_diff_find(struct kf_diff *d, const struct kf_diff_side *a, const struct kf_diff_side *b,
		 const struct kf_diff_options *o, struct kf_error *e);
void kf_diff_release(struct kf_diff *d);

/* For people; top rows of the kinds that are judged, 0 all of them. Both flush out; a full disk or closed pipe is an error. */
int kf_diff_text(const struct kf_diff *d, const struct kf_diff_options *o, uint64_t top, FILE *out, struct kf_error *e);

/*
 * One JSON object, keys in this order:
 *
 *	verdict    "ok", "fail", "incomplete"
 *	status     the exit status that goes with it
 *	a, b       {file, host, kernel, window_ns}
 *	ratio, floor_ns
 *	rows       [{process, wait, verdict ("ok", "fail", "unknown", "few", null: not judged), a, b: {count, per_s, p50_ns, p99_ns,
 *	           max_ns, total_ns, total_ns_per_s}; null: no such process}]
 */
int kf_diff_json(const struct kf_diff *d, const struct kf_diff_side *a, const struct kf_diff_side *b,
		 const struct kf_diff_options *o, FILE *out, struct kf_error *e);

#endif
