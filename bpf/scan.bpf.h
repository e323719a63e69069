/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * scan.bpf.h - task scans. The first one, before the probes are attached, gives every thread its state (so that no hot path has to
 * allocate) and measures regs_offset. The second, with the probes attached and seed_blocked set, notes who is blocked.
 * The later ones tell user space the names and states of threads the rings say nothing of.
 */
#ifndef KF_SCAN_BPF_H
#define KF_SCAN_BPF_H

const volatile __u32 allowed_bytes; /* of a CPU mask, whole words; 0: more CPUs than kf_task has room for */

__u32 seed_blocked;

/* Verifiers before 6.2 or so allow no arithmetic on kernel pointers: hide that it is one. */
static __always_inline u64 as_number(u64 pointer)
{
	u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

/* What a thread sleeps in, if it is in a syscall; not on a hot path, so by helpers on every kernel. */
static __always_inline void read_sleep(struct task_struct *task, struct syscall_state *sys, u8 *filetype)
{
	read_syscall(task, sys, false);
	*filetype = sys->inside && is_read_or_write(sys->nr) ? file_type(task, sys->arg0, false) : 0;
}

/* The thread waits since before we came: at least as long as we know. */
static __always_inline void seed_wait(struct task_struct *task, struct thread_state *state)
{
	struct syscall_state sys = {};
	u64 now_ns = bpf_ktime_get_ns();

	if (!task->__state) {
		state->cause = KF_CAUSE_UNKNOWN;
		state->wake_ns = now_ns;
		quota_begin(task, state, is_throttled(task));
		watch_open(state, OPEN_RUNNABLE, now_ns);
		return;
	}
	read_sleep(task, &sys, &state->filetype);
	state->nr = sys.nr;
	state->in_syscall = sys.inside;
	state->arg0 = sys.arg0;
	state->arg1 = sys.arg1;
	state->task_state = state_and_device(task, task->__state);
	state->before_us = 1;
	state->off_ns = now_ns;
	watch_open(state, OPEN_BLOCKED, now_ns);
}

SEC("iter/task")
int seed_threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_state *state;

	if (!task || !task->pid)
		return 0;
	if (!regs_offset && !(task->flags & PF_KTHREAD))
		regs_offset = as_number((u64)bpf_task_pt_regs(task)) - (u64)task->stack;
	state = thread_of(task);
	if (seed_blocked && state && !task->on_cpu && !state->off_ns && !state->wake_ns)
		seed_wait(task, state);
	return 0;
}

SEC("iter/task")
int scan_threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct syscall_state sys = {};
	struct kf_task out = {};

	if (!task || !task->pid)
		return 0;
	out.start_time_ns = task->start_time;
	out.tid = task->pid;
	out.tgid = task->tgid;
	out.state = state_and_device(task, task->__state);
	out.cpu = cpu_of(task);
	out.flags = (task->on_cpu ? KF_TASK_ON_CPU : 0) | (task->flags & PF_KTHREAD ? KF_TASK_KTHREAD : 0);
	out.ppid = task->real_parent->tgid;
	out.prio = KF_PRIO_PACK(task->prio, task->policy);
	out.cgroup_id = cgroup_of(task);
	if (allowed_bytes && allowed_bytes <= sizeof(out.allowed))
		bpf_probe_read_kernel(out.allowed, allowed_bytes, task->cpus_ptr);
	BPF_CORE_READ_INTO(&out.comm, task, comm);
	read_sleep(task, &sys, &out.filetype);
	out.nr = sys.nr;
	out.arg0 = sys.arg0;
	out.arg1 = sys.arg1;
	out.arg2 = sys.arg2;
	out.flags |= sys.inside ? KF_TASK_IN_SYSCALL : 0;
	out.scanned_ns = bpf_ktime_get_ns();
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

#endif
