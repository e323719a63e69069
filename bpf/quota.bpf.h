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

/* For how long the queue at this address was throttled so far. A queue that is gone since gives nonsense, which is clamped. */
static __always_inline u64 quota_wait_ns(u64 queue)
{
	struct cfs_rq___self *self = (void *)queue;
	struct cfs_rq___pelt *pelt = (void *)queue;

	if (bpf_core_field_exists(self->throttled_clock_self_time))
		return peek(queue + bpf_core_field_offset(self->throttled_clock_self_time), false);
	if (bpf_core_field_exists(pelt->throttled_clock_pelt_time))
		return peek(queue + bpf_core_field_offset(pelt->throttled_clock_pelt_time), false);
	return 0;
}

static __always_inline bool is_queue_throttled(u64 queue)
{
	return (u32)peek(queue + bpf_core_field_offset(struct cfs_rq, throttle_count), false) != 0;
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
	state->quota_queue = queue;
	if (!queue)
		return;
	state->throttled = throttled || is_queue_throttled(queue);
	state->quota_sum_ns = 0;
	state->quota_ns = quota_wait_ns(queue);
}

/* It leaves its queue for that of another CPU, and is still runnable. */
static __always_inline void quota_move(struct task_struct *task, struct thread_state *state, u32 to)
{
	struct task_group *group;
	u64 queue;

	if (!state->quota_queue)
		return;
	state->quota_sum_ns += quota_wait_ns(state->quota_queue) - state->quota_ns;
	group = task->sched_task_group;
	queue = group ? peek((u64)group->cfs_rq + to * sizeof(void *), false) : 0;
	if (!queue)
		return;
	if (!state->quota_sum_ns && queues_throttle(task))
		state->throttled = is_queue_throttled(queue);
	state->quota_queue = queue;
	state->quota_ns = quota_wait_ns(queue);
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

static __noinline void write_throttle(struct task_struct *task, bool at_start, u64 ns, u64 now_ns)
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
	slot->flags = at_start ? KF_F_AT_START : 0;
	slot->nr = 0;
	slot->cgroup_id = cgroup_of(task);
	commit(slot, number);
}

/* It runs, and was runnable since then. */
static __always_inline void quota_end(struct task_struct *task, struct thread_state *state, u64 since_ns, u64 now_ns)
{
	u64 ns;

	if (!(sources & KF_SOURCE_QUOTA) || !state->quota_queue)
		return;
	ns = state->quota_sum_ns + quota_wait_ns(state->quota_queue) - state->quota_ns;
	if (ns > now_ns - since_ns)
		ns = now_ns - since_ns;
	if (ns >= KF_WAIT_TICK_NS)
		write_throttle(task, state->throttled, ns, now_ns);
	state->quota_queue = 0;
}

#endif
