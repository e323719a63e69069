/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * quota.bpf.h - for how long of a gap the CPU quota of a cgroup was used up.
 *
 * There is no tracepoint for it. But each of a cgroup's run queues counts for how long its threads were kept from running:
 * looked at when a thread becomes runnable and when it runs again, the difference is its share of the gap. Since 6.18 a
 * thread is throttled by itself, on its way to user mode, and its switch-out says so; only then the counts are looked at.
 * Before, the queue is throttled with all that are in it, at any time.
 */
#ifndef KF_QUOTA_BPF_H
#define KF_QUOTA_BPF_H

static __always_inline bool is_throttled(struct task_struct *task)
{
	struct task_struct___throttle *t = (void *)task;

	return bpf_core_field_exists(t->throttled) && t->throttled;
}

static __always_inline u64 quota_wait_ns(struct cfs_rq *queue)
{
	struct cfs_rq___self *self = (void *)queue;
	struct cfs_rq___pelt *pelt = (void *)queue;

	if (bpf_core_field_exists(self->throttled_clock_self_time))
		return self->throttled_clock_self_time;
	if (bpf_core_field_exists(pelt->throttled_clock_pelt_time))
		return pelt->throttled_clock_pelt_time;
	return 0;
}

/* The thread becomes runnable. */
static __always_inline void quota_begin(struct task_struct *task, struct thread_state *state, bool throttled)
{
	struct task_struct___throttle *t = (void *)task;
	struct cfs_rq *queue;

	state->throttled = throttled;
	state->quota_queue = 0;
	if (bpf_core_field_exists(t->throttled) && !throttled)
		return;
	queue = task->se.cfs_rq;
	if (!queue)
		return;
	state->quota_queue = (u64)queue;
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

/* It runs, and was runnable since then. One that was moved to another CPU's queue meanwhile: not known. */
static __always_inline void quota_end(struct task_struct *task, struct thread_state *state, u64 since_ns, u64 now_ns)
{
	struct cfs_rq *queue;
	u64 ns;

	if (!state->quota_queue)
		return;
	queue = task->se.cfs_rq;
	if (queue && (u64)queue == state->quota_queue) {
		ns = quota_wait_ns(queue) - state->quota_ns;
		if (ns > now_ns - since_ns)
			ns = now_ns - since_ns;
		if (ns >= KF_WAIT_TICK_NS)
			write_throttle(task, state->throttled, ns, now_ns);
	}
	state->quota_queue = 0;
}

#endif
