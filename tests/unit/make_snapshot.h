/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * make_snapshot.h - synthetic snapshots, one line per record, in the order in which a CPU writes them.
 *
 *	struct kf_snapshot *s = make(2, 1000, 9000);	two CPUs, window from 1000 to 9000
 *	waking(s, 0, 2000, 20, 10, 1);			on CPU 0: 10 wakes 20, which last ran on CPU 1
 *	switched(s, 1, 2500, 0, 20);			on CPU 1: from idle to 20
 *	blocked(s, 1, 3000, 20, 0, SYS_futex);		on CPU 1: 20 blocks in futex, idle follows
 *
 * Times are ns. Functions that return a slot or task give it for further changes until the next call.
 */
#ifndef KF_TEST_MAKE_SNAPSHOT_H
#define KF_TEST_MAKE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/snapshot.h"

#define INTERRUPTIBLE	1
#define UNINTERRUPTIBLE 2
#define DEAD		0x80

static inline struct kf_snapshot *make(uint32_t n_cpus, uint64_t floor_ns, uint64_t end_ns)
{
	struct kf_snapshot *s = kf_snapshot_new(n_cpus);

	if (!s)
		abort();
	s->floor_ns = floor_ns;
	s->end_ns = end_ns;
	return s;
}

static inline struct kf_slot *add_slot(struct kf_snapshot *s, enum kf_class class, uint32_t cpu, struct kf_slot slot)
{
	struct kf_ring_copy *ring = &s->rings[class][cpu];

	ring->slots = reallocarray(ring->slots, ring->n_slots + 1, sizeof(slot));
	if (!ring->slots)
		abort();
	slot.seq = ring->n_slots + 1;
	ring->slots[ring->n_slots++] = slot;
	ring->written++;
	return &ring->slots[ring->n_slots - 1];
}

static inline void add_args(struct kf_snapshot *s, enum kf_class class, uint32_t cpu, struct kf_slot_args args)
{
	struct kf_slot slot;

	args.kind = KF_MORE;
	memcpy(&slot, &args, sizeof(slot));
	add_slot(s, class, cpu, slot);
}

/* prev leaves runnable. */
static inline struct kf_slot *switched(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t prev, uint32_t next)
{
	return add_slot(s, KF_CLASS_SCHED, cpu,
			(struct kf_slot){ .ts_ns = ts,
					  .tid = prev,
					  .peer = next,
					  .kind = KF_SWITCH,
					  .nr = KF_NR_USER,
					  .wait = KF_WAIT_UNKNOWN });
}

/* prev leaves in this task state, inside this syscall. */
static inline struct kf_slot *left(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t prev, uint32_t next,
				   uint16_t nr, uint32_t state)
{
	struct kf_slot *slot = switched(s, cpu, ts, prev, next);

	slot->flags = KF_F_MORE | (nr < KF_NR_COMPAT ? KF_F_IN_SYSCALL : 0);
	slot->nr = nr;
	add_args(s, KF_CLASS_SCHED, cpu, (struct kf_slot_args){ .state = state });
	return &s->rings[KF_CLASS_SCHED][cpu].slots[s->rings[KF_CLASS_SCHED][cpu].n_slots - 2];
}

static inline struct kf_slot *blocked(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t prev, uint32_t next,
				      uint16_t nr)
{
	return left(s, cpu, ts, prev, next, nr, INTERRUPTIBLE);
}

static inline struct kf_slot *died(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t prev, uint32_t next)
{
	return left(s, cpu, ts, prev, next, KF_NR_USER, DEAD);
}

/* Completes a switch: next was runnable since then, because of this. */
static inline struct kf_slot *tells(struct kf_slot *slot, uint64_t since, enum kf_cause cause, uint32_t waker)
{
	slot->wait = (slot->ts_ns - since) / KF_WAIT_TICK_NS;
	slot->waker = waker;
	slot->flags |= cause << KF_F_CAUSE_SHIFT;
	return slot;
}

/* prev leaves runnable for one that was preempted at the floor. */
static inline struct kf_slot *resumed(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t prev, uint32_t next)
{
	return tells(switched(s, cpu, ts, prev, next), s->floor_ns, KF_CAUSE_PREEMPTED, 0);
}

static inline struct kf_slot *waking(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t tid, uint32_t waker,
				     uint16_t last_cpu)
{
	return add_slot(s, KF_CLASS_SCHED, cpu,
			(struct kf_slot){ .ts_ns = ts,
					  .tid = tid,
					  .peer = waker,
					  .kind = KF_WAKING,
					  .flags = KF_CTX_TASK << KF_F_CONTEXT_SHIFT,
					  .nr = KF_NR_USER,
					  .cpu = last_cpu });
}

/* The wakee had not left its CPU yet. */
static inline struct kf_slot *waking_early(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t tid,
					   uint32_t waker, uint16_t last_cpu)
{
	struct kf_slot *slot = waking(s, cpu, ts, tid, waker, last_cpu);

	slot->flags |= KF_F_ON_CPU;
	return slot;
}

static inline struct kf_slot *wakeup_new(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t child,
					 uint32_t parent, uint16_t queue)
{
	struct kf_slot *slot = waking(s, cpu, ts, child, parent, queue);

	slot->kind = KF_WAKEUP_NEW;
	return slot;
}

static inline struct kf_slot *migrated(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t tid, uint16_t from,
				       uint16_t to, bool queued)
{
	return add_slot(s, KF_CLASS_SCHED, cpu,
			(struct kf_slot){ .ts_ns = ts,
					  .tid = tid,
					  .kind = KF_MIGRATE,
					  .flags = queued ? KF_F_QUEUED : 0,
					  .arg0_hi = from,
					  .cpu = to });
}

/* FORK (peer: parent), EXEC (peer: old tid), EXIT, RENAME. */
static inline struct kf_slot *life(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, enum kf_kind kind, uint32_t tid,
				   uint32_t peer, uint32_t tgid, const char *comm, uint64_t start_time_ns)
{
	struct kf_slot_name name = { .kind = KF_MORE, .start_time_ns = start_time_ns };
	char padded[KF_COMM_BYTES] = "";
	struct kf_slot slot = { .ts_ns = ts, .tid = tid, .peer = peer, .kind = kind, .flags = KF_F_MORE, .tgid = tgid };

	memcpy(padded, comm, strnlen(comm, sizeof(padded)));
	memcpy(name.comm_lo, padded, 8);
	memcpy(name.comm_hi, padded + 8, 8);
	add_slot(s, KF_CLASS_LIFE, cpu, slot);
	memcpy(&slot, &name, sizeof(slot));
	add_slot(s, KF_CLASS_LIFE, cpu, slot);
	return &s->rings[KF_CLASS_LIFE][cpu].slots[s->rings[KF_CLASS_LIFE][cpu].n_slots - 2];
}

static inline void called(struct kf_snapshot *s, uint32_t cpu, uint64_t start, uint64_t ts, uint32_t tid, uint16_t nr,
			  int64_t ret)
{
	add_slot(s, KF_CLASS_SYSCALL, cpu,
		 (struct kf_slot){ .ts_ns = ts,
				   .tid = tid,
				   .peer = (uint32_t)ret,
				   .kind = KF_SYSCALL,
				   .flags = KF_F_MORE,
				   .nr = nr,
				   .start_ns = start });
	add_args(s, KF_CLASS_SYSCALL, cpu, (struct kf_slot_args){ .arg2 = (uint64_t)ret >> 32, .arg0 = 7 });
}

/* A line of the task scan: a thread older than the window. */
static inline struct kf_task *scanned(struct kf_snapshot *s, uint32_t tid, uint32_t state, uint32_t cpu, uint16_t nr)
{
	struct kf_task *task;

	s->tasks = reallocarray(s->tasks, s->n_tasks + 1, sizeof(*s->tasks));
	if (!s->tasks)
		abort();
	task = &s->tasks[s->n_tasks++];
	*task = (struct kf_task){ .start_time_ns = 1,
				  .scanned_ns = s->end_ns + 1000,
				  .tid = tid,
				  .tgid = tid,
				  .state = state,
				  .cpu = cpu,
				  .nr = nr,
				  .flags = nr < KF_NR_COMPAT ? KF_TASK_IN_SYSCALL : 0,
				  .ppid = 1 };
	return task;
}

#endif
