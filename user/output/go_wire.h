/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_wire.h - the bytes of a Go execution trace (format v2), one generation.
 *
 * Knows the file header of each version, varints, batches, the string and stack tables, and that timestamps of a file
 * grow strictly. Knows nothing of what is legal when: that is output/go_lanes.h. Events go to lanes (one per M); full
 * batches are written at once, so memory stays at one batch per lane.
 *
 * Life cycle: kf_go_wire_new(), lanes, events, kf_go_wire_finish(), kf_go_wire_free(). The first failure (memory, I/O)
 * is remembered: later calls do nothing, and finish reports it.
 *
 * Format: Go's internal/trace/tracev2 and the trace reader of golang.org/x/exp/trace.
 */
#ifndef KF_OUTPUT_GO_WIRE_H
#define KF_OUTPUT_GO_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct kf_error;

/* NN of the header "go 1.NN trace". Newer readers read older headers. */
enum kf_go_version {
	KF_GO_1_22 = 22,
	KF_GO_1_23 = 23, /* adds GoStatusStack */
	KF_GO_1_25 = 25, /* adds the wall clock */
	KF_GO_1_26 = 26, /* adds an end mark: a cut file is noticed */
};

/* Event codes, with what follows the time delta. Only those that are written here. */
enum kf_go_code {
	KF_GO_BATCH = 1,
	KF_GO_STACKS = 2,
	KF_GO_STACK = 3,
	KF_GO_STRINGS = 4,
	KF_GO_STRING = 5,
	KF_GO_FREQUENCY = 8,
	KF_GO_PROCS_CHANGE = 9,		/* count, stack */
	KF_GO_PROC_START = 10,		/* p, p_seq */
	KF_GO_PROC_STOP = 11,		/* - */
	KF_GO_PROC_STATUS = 13,		/* p, enum kf_go_proc_status */
	KF_GO_CREATE = 14,		/* new g, its stack, stack */
	KF_GO_CREATE_SYSCALL = 15,	/* new g */
	KF_GO_START = 16,		/* g, g_seq */
	KF_GO_DESTROY = 17,		/* - */
	KF_GO_STOP = 19,		/* reason, stack */
	KF_GO_BLOCK = 20,		/* reason, stack */
	KF_GO_UNBLOCK = 21,		/* g, g_seq, stack */
	KF_GO_SYSCALL_BEGIN = 22,	/* p_seq, stack */
	KF_GO_SYSCALL_END = 23,		/* - */
	KF_GO_SYSCALL_END_BLOCKED = 24, /* - */
	KF_GO_STATUS = 25,		/* g, m, enum kf_go_status */
	KF_GO_LABEL = 39,		/* label */
	KF_GO_TASK_BEGIN = 40,		/* task, parent, name, stack */
	KF_GO_TASK_END = 41,		/* task, stack */
	KF_GO_LOG = 44,			/* task, key, value, stack */
	KF_GO_STATUS_STACK = 48,	/* g, m, status, stack */
	KF_GO_SYNC = 50,
	KF_GO_CLOCK_SNAPSHOT = 51, /* dt, mono, sec, nsec */
	KF_GO_END_OF_GENERATION = 52,
};

enum kf_go_status {
	KF_GO_RUNNABLE = 1,
	KF_GO_RUNNING = 2,
	KF_GO_SYSCALL = 3,
	KF_GO_WAITING = 4,
};

enum kf_go_proc_status {
	KF_GO_PROC_RUNNING = 1,
	KF_GO_PROC_IDLE = 2,
	KF_GO_PROC_SYSCALL = 3,
};

#define KF_GO_NO_THREAD	   UINT64_MAX
#define KF_GO_BATCH_BYTES  65536 /* largest payload a reader takes */
#define KF_GO_STRING_BYTES 1024
#define KF_GO_STACK_FRAMES 128
#define KF_GO_MAX_ARGS	   5
#define KF_GO_HEADER_BYTES 16

/* Where the trace clock (CLOCK_MONOTONIC) and the wall clock meet. */
struct kf_go_clock {
	uint64_t mono_ns;
	uint64_t real_ns;
};

/* Ids of strings. A frame is known to readers by its three members only: no addresses are ever written. */
struct kf_go_frame {
	uint32_t func;
	uint32_t file;
	uint32_t line;
};

struct kf_go_wire;
struct kf_go_lane;

/*
 * Writes the header and the clock batch to `out`, which stays the caller's. No event may be older than start_ns.
 * NULL when out of memory.
 */
struct kf_go_wire *kf_go_wire_new(FILE *out, enum kf_go_version version, uint64_t start_ns,
				  const struct kf_go_clock *clock);
/* A new M. It belongs to the wire. NULL when out of memory; events on NULL lanes are ignored. */
struct kf_go_lane *kf_go_wire_lane(struct kf_go_wire *w, uint64_t m);

/* Interned; 0 is "". Longer texts are cut at KF_GO_STRING_BYTES. */
uint32_t kf_go_wire_string(struct kf_go_wire *w, const char *text);
/* Interned, leaf first, root last; 0 for no frames. */
uint32_t kf_go_wire_stack(struct kf_go_wire *w, const struct kf_go_frame *frames, size_t n);

/* Appends an event at ts_ns, or at the next free nanosecond after the newest event of the file. */
void kf_go_wire_event(struct kf_go_wire *w, struct kf_go_lane *lane, uint64_t ts_ns, enum kf_go_code code,
		      const uint64_t *args, size_t n_args);
/* kf_go_wire_event() with the arguments in line: KF_GO_EVENT(w, lane, ts, KF_GO_START, g, seq) */
#define KF_GO_EVENT(w, lane, ts_ns, code, ...)                                                                         \
	do {                                                                                                           \
		const uint64_t args_[] = { __VA_ARGS__ };                                                              \
		kf_go_wire_event(w, lane, ts_ns, code, args_, sizeof(args_) / sizeof(args_[0]));                       \
	} while (0)
/* The same for events without arguments. */
#define KF_GO_EVENT0(w, lane, ts_ns, code) kf_go_wire_event(w, lane, ts_ns, code, NULL, 0)

enum kf_go_version kf_go_wire_version(const struct kf_go_wire *w);
uint64_t kf_go_wire_events(const struct kf_go_wire *w);

/* Writes what is still in the lanes, the tables and the end mark. Does not close or sync `out`. */
int kf_go_wire_finish(struct kf_go_wire *w, struct kf_error *e);
void kf_go_wire_free(struct kf_go_wire **w);

#endif
