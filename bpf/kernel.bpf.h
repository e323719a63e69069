/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * kernel.bpf.h - the kernel types kflight touches, with only the fields it touches. CO-RE finds the real offsets in the
 * running kernel's BTF at load time, so order and size here mean nothing. A type with ___ in its name is one variant of
 * a type that changed; see where it is used.
 */
#ifndef KF_KERNEL_BPF_H
#define KF_KERNEL_BPF_H

/* bpf_tracing.h then uses the kernel's own names of the registers (di, si, ip). */
#define __VMLINUX_H__ 1

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef signed short __s16;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum {
	BPF_ANY = 0,
	BPF_F_NO_PREALLOC = 1 << 0,
	BPF_F_MMAPABLE = 1 << 10,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1 << 0,
};

/* include/linux/sched.h */
#define TASK_UNINTERRUPTIBLE 0x0002
#define PF_EXITING	     0x00000004
#define PF_KTHREAD	     0x00200000
/* arch/x86/include/asm/thread_info.h: the thread is in a 32-bit syscall */
#define TS_COMPAT 0x0002
/* include/linux/preempt.h */
#define SOFTIRQ_SERVING 0x00000100
#define HARDIRQ_MASK	0x000f0000
#define NMI_MASK	0x00f00000

struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));

struct seq_file;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct thread_info {
	u32 status;
	u32 cpu;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct inode {
	unsigned short i_mode;
};
struct file {
	struct inode *f_inode;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};

struct task_struct;
struct rq {
	struct task_struct *curr;
	u64 clock;
	u64 clock_task;
	u64 clock_pelt;
	u64 lost_idle_time;
	u64 prev_steal_time_rq;
};
struct task_group;
struct cfs_rq {
	struct rq *rq;
	struct task_group *tg;
	unsigned int throttled : 1; /* this one's quota is used up (a whole int before 6.18) */
	int throttle_count;	    /* it, or one above it, is throttled */
};
/* since 6.6: how long its threads could not run because a quota was used up, and since when (0: they can) */
struct cfs_rq___self {
	u64 throttled_clock_self;
	u64 throttled_clock_self_time;
};
/* before: the same, in the clock of load tracking */
struct cfs_rq___pelt {
	u64 throttled_clock_pelt;
	u64 throttled_clock_pelt_time;
};
/* before 5.19: in the clock of threads */
struct cfs_rq___task {
	u64 throttled_clock_task;
	u64 throttled_clock_task_time;
};
struct sched_entity {
	struct sched_entity *parent;
	struct cfs_rq *cfs_rq;
};

struct kernfs_node {
	u64 id;
};
struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[];
};
/* before 6.1 */
struct cgroup___ids {
	struct kernfs_node *kn;
	u64 ancestor_ids[];
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct task_group {
	struct cgroup_subsys_state css;
	struct cfs_rq **cfs_rq;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	void *stack;
	unsigned int flags;
	int on_cpu;
	int on_rq;
	int prio;
	unsigned int policy;
	unsigned int in_iowait : 1;
	struct sched_entity se;
	struct task_group *sched_task_group;
	void *cpus_ptr;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	u64 start_time;
	char comm[16];
	struct files_struct *files;
	struct signal_struct *signal;
	struct css_set *cgroups;
};
/* before 5.16: the CPU is not in thread_info */
struct task_struct___cpu {
	unsigned int cpu;
};
/* since 6.18: the scheduler throttles tasks, not run queues */
struct task_struct___throttle {
	bool throttled;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
