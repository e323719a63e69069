/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_writer.h - what the parts of the Go trace writer share: go_trace.c walks the moves, go_start.c sets the scene,
 * go_gaps.c annotates gaps, go_about.c tells what the trace is. Not for others.
 */
#ifndef KF_OUTPUT_GO_WRITER_H
#define KF_OUTPUT_GO_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/timeline.h"
#include "output/go_lanes.h"
#include "output/go_names.h"
#include "output/go_trace.h"

struct kf_go_gaps;
struct kf_snapshot;

/* A thread as the model sees it at one moment. */
struct kf_go_now {
	enum kf_state state;
	uint16_t cpu;
	struct kf_wait wait;		  /* of a blocked one */
	const struct kf_transition *call; /* the recorded syscall it is in (its end), or NULL */
	bool labelled;			  /* by a name it had in between */
};

/* A recorded syscall that is to be shown; the model tells it at its end. */
struct kf_go_call {
	uint64_t begin_ns;
	const struct kf_transition *end;
};

struct kf_go_writer {
	const struct kf_timeline *t;
	const struct kf_snapshot *meta;
	const struct kf_go_options *o;
	uint64_t start_ns; /* the trace begins here, long enough before from_ns to replay the start states */
	uint64_t from_ns;
	uint64_t to_ns;
	struct kf_go_wire *wire;
	struct kf_go_lanes *lanes;
	struct kf_go_names *names;
	struct kf_go_gaps *gaps;
	struct kf_go_now *now; /* by thread; once the walk has begun only the last two are kept up to date */
	size_t next_move;
	struct kf_go_call *calls; /* by begin_ns */
	size_t n_calls;
	size_t next_call;
	bool *start_by_thread; /* by thread: the wait it starts in is ended by a thread */
	bool *by_thread;       /* by move: the wait of a BLOCK or FOUND is ended by a thread */
	bool introduced;       /* the logs of go_about.c are written */
};

/* Fills now as of from_ns, next_move, by_thread and start_by_thread. Both -1 when out of memory. */
int kf_go_start_find(struct kf_go_writer *w);
/* Fills calls and next_call; after kf_go_start_find(), for it sets now[].call. */
int kf_go_calls_find(struct kf_go_writer *w);
/* How long the replay of the start states takes, at most. */
uint64_t kf_go_start_length_ns(const struct kf_timeline *t);
/* Emits the start states. */
void kf_go_start_emit(struct kf_go_writer *w);

/* Shows a blocked thread: off its CPU, in the wait it is in. */
void kf_go_show_wait(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, const struct kf_wait *wait,
		     bool by_thread);
/* The syscall it is in, if one is recorded and it is on a CPU. */
void kf_go_show_call(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread);

/* Once, as soon as a thread is on a CPU: logs what the trace is. */
void kf_go_about(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread);

#endif
