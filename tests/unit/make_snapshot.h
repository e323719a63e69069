/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * make_snapshot.h - synthetic snapshots, one line per record, in the order in which a CPU writes them.
 *
 *	struct kf_snapshot *s = make(2, 1000, 9000);	two CPUs, window from 1000 to 9000
 *	waking(s, 0, 2000, 20, 10, 1);			on CPU 0: 10 wakes 20, which last ran on CPU 1
 *	switched(s, 1, 2500, 0, 20);			on CPU 1: from idle to 20
 *	blocked(s, 1, 3000, 20, 0, SYS_futex);		on CPU 1: 20 blocks in futex, idle follows
 *	took_softirq(s, 1, 2100, 2300, 3);		on CPU 1: NET_RX ran from 2100 to 2300
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

	if (!(ring->n_slots & (ring->n_slots - 1))) { /* 0 or a power of two: full */
		ring->slots = reallocarray(ring->slots, ring->n_slots ? 2 * ring->n_slots : 1, sizeof(slot));
		if (!ring->slots)
			abort();
	}
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

/* The recorder saw interrupts, steal and throttles on every CPU from the floor on, also where none are added. */
static inline void knows_taken(struct kf_snapshot *s)
{
	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		s->sources = KF_SOURCES_ALL;
		s->rings[KF_CLASS_TAKEN][cpu].written++;
		s->rings[KF_CLASS_TAKEN][cpu].oldest_ns = s->floor_ns;
	}
}

/* One interrupt from start to ts; several in a row if less than that is then put into peer. */
static inline struct kf_slot *took_irq(struct kf_snapshot *s, uint32_t cpu, uint64_t start, uint64_t ts,
				       uint16_t vector)
{
	return add_slot(
		s, KF_CLASS_TAKEN, cpu,
		(struct kf_slot){
			.ts_ns = ts, .peer = (uint32_t)(ts - start), .kind = KF_IRQ, .nr = vector, .start_ns = start });
}

static inline struct kf_slot *took_softirq(struct kf_snapshot *s, uint32_t cpu, uint64_t start, uint64_t ts,
					   uint16_t vector)
{
	struct kf_slot *slot = took_irq(s, cpu, start, ts, vector);

	slot->flags = KF_F_SOFTIRQ;
	return slot;
}

/* The hypervisor ran somebody else for ns, somewhere from start to ts. */
static inline struct kf_slot *stole(struct kf_snapshot *s, uint32_t cpu, uint64_t start, uint64_t ts, uint32_t ns)
{
	return add_slot(s, KF_CLASS_TAKEN, cpu,
			(struct kf_slot){ .ts_ns = ts, .peer = ns, .kind = KF_STEAL, .start_ns = start });
}

/* tid runs again on cpu at ts; its quota was used up for ns (whole ticks count) of the gap that ends there. */
static inline struct kf_slot *throttled(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t tid, uint64_t ns,
					uint64_t cgroup_id, bool at_start)
{
	return add_slot(s, KF_CLASS_TAKEN, cpu,
			(struct kf_slot){ .ts_ns = ts,
					  .tid = tid,
					  .peer = (uint32_t)(ns / KF_WAIT_TICK_NS),
					  .kind = KF_THROTTLE,
					  .flags = at_start ? KF_F_AT_START : 0,
					  .cgroup_id = cgroup_id });
}

/* tid, of the process tgid, has another priority now; both as KF_PRIO_PACK() makes them. */
static inline struct kf_slot *changed_prio(struct kf_snapshot *s, uint32_t cpu, uint64_t ts, uint32_t tid,
					   uint32_t tgid, uint16_t before, uint16_t now)
{
	return add_slot(
		s, KF_CLASS_SCHED, cpu,
		(struct kf_slot){ .ts_ns = ts, .tid = tid, .peer = before, .kind = KF_PRIO, .nr = now, .tgid = tgid });
}

#define NICE(nice)    ((uint16_t)KF_PRIO_PACK(120 + (nice), 0))
#define FIFO(level)   ((uint16_t)KF_PRIO_PACK(99 - (level), 1))
#define RR(level)     ((uint16_t)KF_PRIO_PACK(99 - (level), 2))
#define DEADLINE_PRIO ((uint16_t)KF_PRIO_PACK(-1, 6))

/* A cgroup with this quota per period, both 0: none. */
static inline void grouped(struct kf_snapshot *s, uint64_t id, uint64_t parent_id, const char *path, uint64_t quota_ns,
			   uint64_t period_ns)
{
	s->cgroups = reallocarray(s->cgroups, s->n_cgroups + 1, sizeof(*s->cgroups));
	if (!s->cgroups)
		abort();
	s->cgroups[s->n_cgroups++] = (struct kf_cgroup){
		.id = id, .parent_id = parent_id, .path = strdup(path), .quota_ns = quota_ns, .period_ns = period_ns
	};
}

/* A line of the task scan: a thread older than the window. Its prio, allowed and cgroup_id are 0, not known. */
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
