/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* syscall.bpf.h - records of whole syscalls: the probes of KF_CLASS_SYSCALL, attached only when asked for (they tax all
 * syscalls of the host). */
#ifndef KF_SYSCALL_BPF_H
#define KF_SYSCALL_BPF_H

const volatile __u32 syscall_mode; /* enum kf_syscall_mode */

/* Entries before are of a time when these probes were away (user/capture/shed.c): what ends now may not be what began then. */
__u64 syscalls_since_ns;

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	struct thread_state *state = thread_of(bpf_get_current_task_btf());

	if (state && state->tracked) {
		state->syscall_ns = bpf_ktime_get_ns();
		state->slept = 0;
	}
	return 0;
}

static __always_inline void record_syscall(struct task_struct *task, struct thread_state *state, struct pt_regs *regs,
					   u16 nr, long ret, u64 now_ns)
{
	struct kf_ring_head *ring = this_ring(&rings_syscall);
	bool slow = state->slept || now_ns - state->syscall_ns >= KF_SLOW_SYSCALL_NS;
	struct kf_slot *slot;
	u64 number;

	if (!slow && syscall_mode != KF_SYSCALLS_ALL)
		return;
	if (!ring || !within_share(ring, KF_CLASS_SYSCALL, task->tgid, slow ? 2 : 1, slow ? 2 : 1, now_ns) ||
	    !reserve(ring, KF_CLASS_SYSCALL, slow ? 2 : 1, now_ns, &number))
		return;
	if (slow) {
		struct kf_slot_args *args = slot_at(ring, KF_CLASS_SYSCALL, number + 1);

		args->arg0 = regs->di;
		args->state = regs->dx;
		args->arg2 = ret >> 32;
		args->kind = KF_MORE;
		args->filetype = 0;
		args->zero = 0;
		args->arg1 = regs->si;
		commit(args, number + 1);
	}
	slot = slot_at(ring, KF_CLASS_SYSCALL, number);
	slot->ts_ns = now_ns;
	slot->tid = task->pid;
	slot->peer = ret;
	slot->kind = KF_SYSCALL;
	slot->flags = slow ? KF_F_MORE : 0;
	slot->nr = nr;
	slot->start_ns = state->syscall_ns;
	commit(slot, number);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *state = bpf_task_storage_get(&threads, task, NULL, 0);
	u64 now_ns;
	u16 nr;

	if (!state || !state->syscall_ns || state->syscall_ns < syscalls_since_ns)
		return 0;
	now_ns = bpf_ktime_get_ns();
	nr = syscall_number(task, regs->orig_ax);
	count_wait(state, KF_WAITS_SYSCALL, now_ns - state->syscall_ns, nr);
	record_syscall(task, state, regs, nr, ret, now_ns);
	judge_syscall(task, state, nr, regs->di, now_ns);
	state->syscall_ns = 0;
	return 0;
}

#endif
