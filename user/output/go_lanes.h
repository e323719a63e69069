/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_lanes.h - legal events only: the state of every goroutine and processor of a Go trace, as its reader sees it.
 *
 * Goroutine = thread = M, processor = CPU. A reader refuses a whole file for one event that does not fit the state
 * before it. So callers say what happened, and what is needed first is emitted too: a thread that blocks while it is
 * not running is made running for a nanosecond, a CPU that is still taken is vacated. Given moves that fit, nothing is
 * added.
 *
 * A thread is in one of these states:
 *
 *   ABSENT    the trace has not mentioned it
 *   RUNNABLE  waits for a CPU
 *   RUNNING   on a CPU
 *   SYSCALL   on a CPU, inside a syscall that is shown
 *   ASLEEP    off the CPU inside a syscall, without giving it up: Go's blocked syscall (uninterruptible sleep)
 *   WAITING   off the CPU, for any other reason
 *   GONE      exited
 */
#ifndef KF_OUTPUT_GO_LANES_H
#define KF_OUTPUT_GO_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/go_wire.h"

struct kf_timeline;

enum kf_go_state {
	KF_GO_ABSENT = 0,
	KF_GO_IS_RUNNABLE,
	KF_GO_IS_RUNNING,
	KF_GO_IS_SYSCALL,
	KF_GO_IS_ASLEEP,
	KF_GO_IS_WAITING,
	KF_GO_IS_GONE,
};

/* Why it left the CPU: ids of a string and a stack. */
struct kf_go_why {
	uint32_t reason;
	uint32_t stack;
};

struct kf_go_lanes;

/* Writes to w; takes ids and numbers from t. NULL when out of memory. */
struct kf_go_lanes *kf_go_lanes_new(struct kf_go_wire *w, const struct kf_timeline *t);
void kf_go_lanes_free(struct kf_go_lanes **l);

/* Goroutine id of a thread: its tid, moved up for tids that viewers use for lanes of their own and for reused ones. */
uint64_t kf_go_thread_id(uint32_t tid, uint32_t reuse);

enum kf_go_state kf_go_lanes_state(const struct kf_go_lanes *l, uint32_t thread);
/* On a CPU: annotations can be attached to it. */
bool kf_go_lanes_on_cpu(const struct kf_go_lanes *l, uint32_t thread);
/* Where it is, or KF_NO_CPU. */
uint16_t kf_go_lanes_cpu(const struct kf_go_lanes *l, uint32_t thread);
/* Who is on this CPU, or KF_NOBODY. */
uint32_t kf_go_lanes_occupant(const struct kf_go_lanes *l, uint16_t cpu);
/* This CPU if it exists; else an idle one; else any. */
uint16_t kf_go_lanes_pick_cpu(const struct kf_go_lanes *l, uint16_t cpu);

/* States at the start. A CPU that was not declared is declared idle when it is needed. */
void kf_go_lanes_declare_cpu(struct kf_go_lanes *l, uint64_t ts_ns, uint16_t cpu);
/* A thread in state RUNNABLE, WAITING or ASLEEP. stack is used where the format has room for it (1.23). */
void kf_go_lanes_declare(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, enum kf_go_state state,
			 uint32_t stack);
/* A thread on a CPU, which must not have been declared; in a syscall or not. */
void kf_go_lanes_declare_running(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint16_t cpu, bool in_syscall,
				 uint32_t stack);

void kf_go_lanes_run(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint16_t cpu);
void kf_go_lanes_stop(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, struct kf_go_why why);
void kf_go_lanes_block(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, struct kf_go_why why);
/* Blocks inside a syscall without ending it; stack tells which, unless the syscall is shown already. */
void kf_go_lanes_sleep(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t stack);
/* waker: index, or KF_NOBODY for interrupts and unknown wakers. The end of a sleep has no waker: the format has none.
 */
void kf_go_lanes_wake(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t waker, uint32_t stack);
/* A birth; on the parent's lane if it is on a CPU, else out of nowhere. */
void kf_go_lanes_create(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t parent, uint32_t stack,
			uint32_t parent_stack);
void kf_go_lanes_exit(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread);
/* Of a running thread; ignored in other states. */
void kf_go_lanes_enter(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t stack);
void kf_go_lanes_leave(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread);

/* Annotations: of a thread on a CPU; ignored for others. Texts are ids of strings. */
void kf_go_lanes_procs(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t n_cpus);
void kf_go_lanes_label(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t label);
void kf_go_lanes_log(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t task, uint32_t key,
		     uint32_t value);
void kf_go_lanes_task_begin(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t task, uint32_t name);
void kf_go_lanes_task_end(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t task);

/* Repeats a state that holds anyway: the trace ends where its last event is. */
void kf_go_lanes_close(struct kf_go_lanes *l, uint64_t ts_ns);

#endif
