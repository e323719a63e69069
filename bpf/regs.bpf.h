/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * regs.bpf.h - what a thread is doing in the kernel, read from the registers it saved when it entered.
 *
 * While a thread sleeps in a syscall, orig_ax holds the number, di si dx the arguments, and ax is preset to -ENOSYS; on
 * the way out ax is the result. orig_ax -1: not in a syscall. Kernel threads have no saved registers.
 *
 * Where the kernel has the kfunc bpf_rdonly_cast (6.2) the registers are read with plain, fault-protected loads (10
 * ns); elsewhere a helper call and a copy (five times that). The programs exist in both forms; user space picks one at
 * load.
 */
#ifndef KF_REGS_BPF_H
#define KF_REGS_BPF_H

#define ENOSYS_RESULT  (-38UL)
#define MAX_SYSCALL_NR 0x1000 /* anything above is no syscall this kernel knows */

/* x86-64 numbers whose first argument is a file descriptor of any type. */
#define NR_READ	       0
#define NR_WRITE       1
#define NR_READV       19
#define NR_WRITEV      20
#define NR_SCHED_YIELD 24
#define NR_FUTEX       202
#define NR_FUTEX_WAITV 449
#define NR_FUTEX_WAIT  455

extern void *bpf_rdonly_cast(const void *obj, u32 btf_id) __ksym __weak;

/* Distance of the saved registers from task->stack; measured by the first task scan (it depends on the kernel build).
 */
__u64 regs_offset;

/* Only from a task iterator. The detour hides that it is a pointer: before 6.2 or so no arithmetic is allowed on one. */
static __always_inline void measure_regs_offset(struct task_struct *task)
{
	u64 pointer, number = 0;

	if (regs_offset || task->flags & PF_KTHREAD)
		return;
	pointer = (u64)bpf_task_pt_regs(task);
	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	regs_offset = number - (u64)task->stack;
}

struct syscall_state {
	u64 arg0, arg1;
	u32 arg2;
	u16 nr; /* or KF_NR_* */
	bool inside;
};

/* The 8 bytes at a kernel address. */
static __always_inline u64 peek(u64 address, bool can_cast)
{
	u64 value = 0;

	if (can_cast) {
		struct pt_regs *words = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct pt_regs));

		return words->r15; /* the first member */
	}
	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

static __always_inline u16 syscall_number(struct task_struct *task, unsigned long orig_ax)
{
	if (orig_ax >= MAX_SYSCALL_NR)
		return KF_NR_USER;
	if (task->thread_info.status & TS_COMPAT)
		return KF_NR_COMPAT;
	return orig_ax;
}

static __always_inline void read_syscall(struct task_struct *task, struct syscall_state *out, bool can_cast)
{
	if (task->flags & PF_KTHREAD) {
		out->nr = KF_NR_KTHREAD;
		return;
	}
	if (can_cast) {
		struct pt_regs *regs = bpf_rdonly_cast((void *)((u64)task->stack + regs_offset),
						       bpf_core_type_id_kernel(struct pt_regs));

		out->nr = syscall_number(task, regs->orig_ax);
		out->inside = out->nr != KF_NR_USER && regs->ax == ENOSYS_RESULT;
		out->arg0 = regs->di;
		out->arg1 = regs->si;
		out->arg2 = regs->dx;
	} else {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

		out->nr = syscall_number(task, BPF_CORE_READ(regs, orig_ax));
		out->inside = out->nr != KF_NR_USER && BPF_CORE_READ(regs, ax) == ENOSYS_RESULT;
		out->arg0 = BPF_CORE_READ(regs, di);
		out->arg1 = BPF_CORE_READ(regs, si);
		out->arg2 = BPF_CORE_READ(regs, dx);
	}
}

static __always_inline bool is_futex_wait(u16 nr)
{
	return nr == NR_FUTEX || nr == NR_FUTEX_WAIT || nr == NR_FUTEX_WAITV;
}

static __always_inline bool is_read_or_write(u16 nr)
{
	return nr == NR_READ || nr == NR_WRITE || nr == NR_READV || nr == NR_WRITEV;
}

/* S_IFMT >> 12 of an open file of the task, 0 if there is none. For a task that is inside a syscall on it: then it stays open. */
static __always_inline u8 file_type(struct task_struct *task, u64 fd, bool can_cast)
{
	struct files_struct *files = task->files;
	struct fdtable *table;
	u64 file, inode;

	if (!files)
		return 0;
	table = files->fdt;
	if (!table || fd >= table->max_fds)
		return 0;
	file = peek((u64)table->fd + fd * sizeof(void *), can_cast);
	if (!file)
		return 0;
	inode = peek(file + bpf_core_field_offset(struct file, f_inode), can_cast);
	if (!inode)
		return 0;
	return (u16)peek(inode + bpf_core_field_offset(struct inode, i_mode), can_cast) >> 12;
}

#endif
