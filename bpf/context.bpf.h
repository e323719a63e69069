/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * context.bpf.h - is the CPU in an interrupt? A wake-up from one is not the doing of the thread it interrupted.
 *
 * The answer is in the per-CPU preempt count, for which there is no helper, and kernels without KALLSYMS_ALL refuse
 * per-CPU symbols. But the run queue is a per-CPU variable whose address the scheduler hands us, so the CPU's base is
 * rq - offset of runqueues; offsets come from the kernel's BTF (user space sets them, 0 where it found none). The base
 * is believed only if the CPU number stored at it is right; else the context is unknown.
 */
#ifndef KF_CONTEXT_BPF_H
#define KF_CONTEXT_BPF_H

#define MAX_CPUS 1024 /* a power of two */
#define NO_BASE	 1ULL

const volatile __u32 n_cpus; /* possible ones */

const volatile __u64 runqueues_offset, cpu_number_offset, preempt_count_offset;
__u64 cpu_base[MAX_CPUS]; /* 0 not tried yet */

/* A number that was compared with MAX_CPUS: the compiler may multiply before it compares, and old verifiers see no bound then. */
static __always_inline u32 bounded_cpu(u32 cpu)
{
	asm volatile("" : "+r"(cpu));
	return cpu & (MAX_CPUS - 1);
}

/* From sched_switch: learn this CPU's base from any task that runs on it. */
static __always_inline void learn_cpu_base(u32 cpu, struct task_struct *task, bool can_cast)
{
	struct cfs_rq *queue;
	u64 base;

	if (!bpf_core_field_exists(task->se.cfs_rq)) /* a kernel without group scheduling */
		return;
	if (!runqueues_offset || cpu >= MAX_CPUS || cpu_base[bounded_cpu(cpu)])
		return;
	queue = task->se.cfs_rq;
	if (!queue)
		return;
	base = (u64)queue->rq - runqueues_offset;
	cpu_base[bounded_cpu(cpu)] = (u32)peek(base + cpu_number_offset, can_cast) == cpu ? base : NO_BASE;
}

static __always_inline u8 context_now(u32 cpu, bool can_cast)
{
	u64 base = cpu < MAX_CPUS ? cpu_base[bounded_cpu(cpu)] : 0;
	u32 count;

	if (base <= NO_BASE)
		return KF_CTX_UNKNOWN;
	count = peek(base + preempt_count_offset, can_cast);
	if (count & NMI_MASK)
		return KF_CTX_NMI;
	if (count & HARDIRQ_MASK)
		return KF_CTX_HARDIRQ;
	if (count & SOFTIRQ_SERVING)
		return KF_CTX_SOFTIRQ;
	return KF_CTX_TASK;
}

/*
 * Is the thread on a CPU now? Slow: looks at every CPU's run queue. Some kernels run no probes for some threads (a sandbox
 * hides its own), and a probe that nests in itself is skipped: a switch-in may be missed, and the wait it ended look open.
 */
static __noinline bool runs_somewhere(u32 tid)
{
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		u64 base, curr;
		u32 pid = 0;

		if (cpu >= n_cpus)
			break;
		base = cpu_base[cpu];
		if (base <= NO_BASE)
			continue;
		curr = peek(base + runqueues_offset + bpf_core_field_offset(struct rq, curr), false);
		bpf_probe_read_kernel(&pid, sizeof(pid), (void *)curr + bpf_core_field_offset(struct task_struct, pid));
		if (pid == tid)
			return true;
	}
	return false;
}

#endif
