/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* life.bpf.h - births, new programs and names, deaths: the probes of KF_CLASS_LIFE. */
#ifndef KF_LIFE_BPF_H
#define KF_LIFE_BPF_H

/* by: whose doing it is. */
static __always_inline void record_life(u8 kind, struct task_struct *task, struct task_struct *by, const char *comm,
					u32 peer, u32 parent_tgid)
{
	struct kf_ring_head *ring = this_ring(&rings_life);
	u64 now_ns = bpf_ktime_get_ns();
	/* A thread that calls exec gets its leader's number: nothing else tells that. */
	bool renumbers = kind == KF_EXEC && peer != (u32)task->pid;
	struct kf_slot_name *name;
	struct kf_slot *slot;
	u64 number;

	if (!ring || (!within_share(ring, KF_CLASS_LIFE, life_account(by, now_ns), 2, 1, now_ns) && !renumbers) ||
	    !reserve(ring, KF_CLASS_LIFE, 2, now_ns, &number))
		return;
	name = slot_at(ring, KF_CLASS_LIFE, number + 1);
	bpf_probe_read_kernel(name->comm_lo, sizeof(name->comm_lo), comm);
	bpf_probe_read_kernel(name->comm_hi, sizeof(name->comm_hi), comm + sizeof(name->comm_lo));
	name->kind = KF_MORE;
	name->zero8 = 0;
	name->zero16 = 0;
	name->start_time_ns = task->start_time;
	commit(name, number + 1);

	slot = slot_at(ring, KF_CLASS_LIFE, number);
	slot->ts_ns = now_ns;
	slot->tid = task->pid;
	slot->peer = peer;
	slot->kind = kind;
	slot->flags = KF_F_MORE;
	slot->nr = KF_PRIO_PACK(task->prio, task->policy);
	slot->tgid = task->tgid;
	slot->parent_tgid = parent_tgid;
	commit(slot, number);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (!filter_follow(parent, child))
		__sync_fetch_and_add(&counters.unfollowed, 1);
	record_life(KF_FORK, child, parent, child->comm, parent->pid, parent->tgid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid)
{
	struct thread_state *state = thread_of(task);

	if (state)
		thread_judge(task, state, NULL);
	record_life(KF_EXEC, task, task, task->comm, old_pid, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct thread_state *state = bpf_task_storage_get(&threads, task, NULL, 0);

	if (state) {
		state->tracked = 0;
		state->terms = 0;
		watch_stop(state);
	}
	filter_forget(task);
	record_life(KF_EXIT, task, task, task->comm, 0, 0);
	return 0;
}

/* Fires before the name changes. */
SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *comm)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct thread_state *state = n_comm_globs ? thread_of(task) : NULL;

	if (state)
		thread_judge(task, state, comm);
	record_life(KF_RENAME, task, current, comm, current->pid, 0);
	return 0;
}

#endif
