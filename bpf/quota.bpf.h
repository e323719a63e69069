/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * quota.bpf.h - for how long of a gap the CPU quota of a cgroup was used up.
 *
 * There is no tracepoint for it. But each of a cgroup's run queues counts for how long it was throttled: looked at when a
 * thread comes to a queue and when it leaves it, the difference is its share of the gap. Since 6.18 a thread is throttled by
 * itself, on its way to user mode, and its switch-out says so: only then the counts matter. Before, the queue is throttled with
 * all that are in it, at any time.
 */
#ifndef KF_QUOTA_BPF_H
#define KF_QUOTA_BPF_H

static __always_inline bool is_throttled(struct task_struct *task)
{
	struct task_struct___throttle *t = (void *)task;

	return sources & KF_SOURCE_QUOTA && bpf_core_field_exists(t->throttled) && t->throttled;
}

/* A member of the kernel's struct at this address. */
#define PEEK(type, address, field) peek((address) + bpf_core_field_offset(((type *)0)->field), false)

/*
 * The clock of the queue's CPU. That of an idle CPU stands: the one of the CPU we are on is late by a tick at most, and they
 * are the same clock.
 */
static __always_inline u64 clock_of(u64 queue)
{
	u32 cpu = bpf_get_smp_processor_id();
	u64 base = cpu < MAX_CPUS ? cpu_base[bounded_cpu(cpu)] : 0;
	u64 there = PEEK(struct rq, PEEK(struct cfs_rq, queue, rq), clock), here = 0;

	if (base > NO_BASE)
		here = PEEK(struct rq, base + runqueues_offset, clock);
	return here > there ? here : there;
}

static __always_inline bool is_queue_throttled(u64 queue)
{
	return (u32)PEEK(struct cfs_rq, queue, throttle_count) != 0;
}

/*
 * For how long the queue at this address was throttled so far. The kernel counts a time only when it is over: if it is throttled
 * now, that costs more looks.
 */
static __always_inline u64 quota_wait_ns(u64 queue, bool throttled)
{
	u64 total_ns, began_ns = 0, now_ns = 0;

	if (bpf_core_field_exists(((struct cfs_rq___self *)0)->throttled_clock_self_time)) {
		total_ns = PEEK(struct cfs_rq___self, queue, throttled_clock_self_time);
		if (throttled)
			began_ns = PEEK(struct cfs_rq___self, queue, throttled_clock_self);
		if (began_ns)
			now_ns = clock_of(queue);
	} else if (bpf_core_field_exists(((struct cfs_rq___pelt *)0)->throttled_clock_pelt_time)) {
		total_ns = PEEK(struct cfs_rq___pelt, queue, throttled_clock_pelt_time);
		if (throttled) {
			began_ns = PEEK(struct cfs_rq___pelt, queue, throttled_clock_pelt);
			now_ns = PEEK(struct rq, PEEK(struct cfs_rq, queue, rq), clock_pelt) -
				 PEEK(struct rq, PEEK(struct cfs_rq, queue, rq), lost_idle_time);
		}
	} else {
		total_ns = PEEK(struct cfs_rq___task, queue, throttled_clock_task_time);
		if (throttled) {
			began_ns = PEEK(struct cfs_rq___task, queue, throttled_clock_task);
			now_ns = PEEK(struct rq, PEEK(struct cfs_rq, queue, rq), clock_task);
		}
	}
	return total_ns + (now_ns > began_ns ? now_ns - began_ns : 0);
}

#define MAX_LEVELS 16

/*
 * Whose quota is used up: the id of the nearest cgroup above a queue of which this CPU's share is gone, 0 none found.
 * Not static: the verifier then looks at it once, but also where it is not called.
 */
__noinline u64 limiting_group(u64 queue, u64 parent)
{
	if (!bpf_core_field_exists(((struct cfs_rq *)0)->throttled)) /* a kernel without CPU quotas */
		return 0;
	for (int level = 0; level < MAX_LEVELS && queue; level++) {
		struct cfs_rq *q = (void *)queue;

		if (BPF_CORE_READ_BITFIELD_PROBED(q, throttled))
			return BPF_CORE_READ(q, tg, css.cgroup, kn, id);
		if (!parent)
			break;
		queue = PEEK(struct sched_entity, parent, cfs_rq);
		parent = PEEK(struct sched_entity, parent, parent);
	}
	return 0;
}

/* Do queues throttle threads that are in them? Since 6.18 only threads throttle themselves. */
static __always_inline bool queues_throttle(const struct task_struct *task)
{
	const struct task_struct___throttle *t = (const void *)task;

	return bpf_core_field_exists(task->sched_task_group) && !bpf_core_field_exists(t->throttled);
}

/* The thread becomes runnable. */
static __always_inline void quota_begin(struct task_struct *task, struct thread_state *state, bool throttled)
{
	u64 queue = 0;

	if (!(sources & KF_SOURCE_QUOTA))
		return;
	if (throttled || queues_throttle(task))
		queue = (u64)task->se.cfs_rq;
	state->has_quota = queue != 0;
	if (!queue)
		return;
	state->quota_queue = queue;
	state->throttled = throttled || is_queue_throttled(queue);
	state->quota_group = 0;
	if (state->throttled) /* read back: then they are numbers, not pointers */
		state->quota_group = limiting_group(*(volatile u64 *)&state->quota_queue,
						    PEEK(struct task_struct, (u64)task, se.parent));
	state->quota_sum_ns = 0;
	state->quota_ns = quota_wait_ns(queue, state->throttled);
}

static __always_inline u64 cgroup_of(struct task_struct *task)
{
	struct task_group *group;
	struct cgroup *cgroup;

	if (!bpf_core_field_exists(task->sched_task_group))
		return 0;
	group = task->sched_task_group;
	cgroup = group ? group->css.cgroup : NULL;
	return cgroup && cgroup->kn ? cgroup->kn->id : 0;
}

static __noinline void write_throttle(struct task_struct *task, struct thread_state *state, u64 ns, u64 now_ns)
{
	struct kf_ring_head *ring = this_ring(&rings_taken);
	struct kf_slot *slot;
	u64 number;

	if (!ring || !reserve(ring, KF_CLASS_TAKEN, 1, now_ns, &number))
		return;
	slot = slot_at(ring, KF_CLASS_TAKEN, number);
	slot->ts_ns = now_ns;
	slot->tid = task->pid;
	slot->peer = ns / KF_WAIT_TICK_NS < KF_WAIT_MAX ? ns / KF_WAIT_TICK_NS : KF_WAIT_MAX;
	slot->kind = KF_THROTTLE;
	slot->flags = (state->throttled ? KF_F_AT_START : 0) | (state->quota_group ? KF_F_LIMITING : 0);
	slot->nr = 0;
	slot->cgroup_id = state->quota_group ? state->quota_group : cgroup_of(task);
	commit(slot, number);
}

/* For how long the queue it is on was throttled since the thread came to it. */
static __always_inline u64 quota_here_ns(struct thread_state *state, bool throttled)
{
	u64 ns = quota_wait_ns(state->quota_queue, throttled) - state->quota_ns;

	return (s64)ns > 0 ? ns : 0; /* looked at while it changed */
}

/* It leaves its queue for that of another CPU, and is still runnable. */
static __always_inline void quota_move(struct task_struct *task, struct thread_state *state, u32 to)
{
	struct task_group *group;
	bool throttled;
	u64 queue;

	if (!(sources & KF_SOURCE_QUOTA) || !state->has_quota)
		return;
	state->quota_sum_ns += quota_here_ns(state, is_queue_throttled(state->quota_queue));
	group = task->sched_task_group;
	queue = group ? peek((u64)group->cfs_rq + to * sizeof(void *), false) : 0;
	if (!queue)
		return;
	throttled = is_queue_throttled(queue);
	if (!state->quota_sum_ns && queues_throttle(task))
		state->throttled = throttled;
	state->quota_queue = queue;
	state->quota_ns = quota_wait_ns(queue, throttled);
}

/* It runs, and was runnable since then. How long of that its quota was used up. Not on the queue we know of: another cgroup's now, and that one may be gone. */
static __always_inline u64 quota_end(struct task_struct *task, struct thread_state *state, u64 since_ns, u64 now_ns)
{
	u64 ns;

	if (!(sources & KF_SOURCE_QUOTA) || !state->has_quota)
		return 0;
	ns = state->quota_sum_ns;
	if (state->quota_queue == (u64)task->se.cfs_rq)
		/* Where queues throttle, what runs is on none that is throttled. */
		ns += quota_here_ns(state, !queues_throttle(task) && is_queue_throttled(state->quota_queue));
	if (ns > now_ns - since_ns)
		ns = now_ns - since_ns;
	if (ns >= KF_WAIT_TICK_NS) {
		write_throttle(task, state, ns, now_ns);
		count_wait(state, KF_WAITS_THROTTLED, ns, state->nr);
	}
	state->has_quota = 0;
	return ns;
}

#endif
