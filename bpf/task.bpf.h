/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* task.bpf.h - facts of a task whose place in the kernel changed, or which take more than one field. */
#ifndef KF_TASK_BPF_H
#define KF_TASK_BPF_H

/* Where the task runs, or ran last. */
static __always_inline u32 cpu_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.cpu))
		return task->thread_info.cpu;
	return ((struct task_struct___cpu *)task)->cpu;
}

/* A task state, and whether the task waits for a device in it. Only uninterruptible waits can. */
static __always_inline u32 state_and_device(struct task_struct *task, u32 state)
{
	if (!(state & TASK_UNINTERRUPTIBLE))
		return state;
	return state | (BPF_CORE_READ_BITFIELD(task, in_iowait) ? KF_STATE_DEVICE : KF_STATE_NO_DEVICE);
}

#endif
