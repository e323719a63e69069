/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * top.bpf.c - waits counted per process, for `kflight top`. No ring, no record: see kflight/top.h.
 *
 * When a thread became ready is found by the rules of kflight.bpf.c, so that both tell the same wait.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "kflight/top.h"

#include "regs.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile bool switch_has_state; /* sched_switch has a 4th argument (5.18) */

/* include/uapi/linux/bpf.h */
#define BPF_NOEXIST 1

/* As in kflight.bpf.c: a wake may be seen before the switch-out it ends, by this much at most. */
#define MAX_WAKE_LEAD_NS 50000
#define MAX_SANE_WAIT_NS (86400ULL * 1000000000ULL * 365)

struct waiting {
	u64 wake_ns; /* ready since; 0 running, blocked or not known */
	u64 off_ns;  /* blocked since; 0 not blocked or not known */
	u32 slot;    /* 1 + its process's index in processes, 0 not looked up yet */
	u32 futex;   /* it blocks in futex(2) */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct waiting);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KF_TOP_MAX_PROCESSES);
	__type(key, u32);
	__type(value, struct kf_top_process);
} processes SEC(".maps");

/* Index in processes by tgid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KF_TOP_MAX_PROCESSES);
	__type(key, u32);
	__type(value, u32);
} slots SEC(".maps");

/* Elements that were in use and are free again: user space puts them there. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, KF_TOP_MAX_PROCESSES);
	__uint(key_size, 0);
	__type(value, u32);
} free_slots SEC(".maps");

__u32 slots_used; /* elements at this index and above were never in use */
__u64 uncounted;  /* waits of processes that found no slot, and of threads that found no memory */

static __always_inline void set_name(struct kf_top_process *p, struct task_struct *task)
{
	BPF_CORE_READ_INTO(&p->comm, task, group_leader, comm);
}

static __always_inline bool take_slot(u32 *slot)
{
	if (!bpf_map_pop_elem(&free_slots, slot))
		return true;
	if (*(volatile u32 *)&slots_used >= KF_TOP_MAX_PROCESSES)
		return false;
	*slot = __sync_fetch_and_add(&slots_used, 1);
	return *slot < KF_TOP_MAX_PROCESSES;
}

/* 1 + the process's slot, 0 if there is no room. Once in a thread's life. */
static __noinline u32 find_slot(struct task_struct *task)
{
	struct kf_top_process *p;
	u32 tgid = task->tgid, slot, *found;

	found = bpf_map_lookup_elem(&slots, &tgid);
	if (found)
		return *found + 1;
	if (!take_slot(&slot))
		return 0;
	p = bpf_map_lookup_elem(&processes, &slot);
	if (!p)
		return 0;
	if (bpf_map_update_elem(&slots, &tgid, &slot,
				BPF_NOEXIST)) { /* a brother on another CPU was faster, or it is full */
		bpf_map_push_elem(&free_slots, &slot, BPF_ANY);
		found = bpf_map_lookup_elem(&slots, &tgid);
		return found ? *found + 1 : 0;
	}
	set_name(p, task);
	p->gone = 0;
	barrier();
	p->tgid = tgid;
	return slot + 1;
}

static __always_inline struct kf_top_process *process_of(struct task_struct *task, struct waiting *w)
{
	struct kf_top_process *p;
	u32 slot;

	for (int tries = 0; tries < 2; tries++) {
		if (!w->slot)
			w->slot = find_slot(task);
		if (!w->slot)
			break;
		slot = w->slot - 1;
		p = bpf_map_lookup_elem(&processes, &slot);
		if (p && p->tgid == task->tgid)
			return p;
		w->slot = 0; /* the slot was taken for gone, and is somebody else's now */
	}
	__sync_fetch_and_add(&uncounted, 1);
	return NULL;
}

static __always_inline void raise_max(__u64 *max_ns, u64 ns)
{
	for (int tries = 0; tries < 4; tries++) {
		u64 was = *(volatile __u64 *)max_ns;

		if (was >= ns || __sync_val_compare_and_swap(max_ns, was, ns) == was)
			return;
	}
}

static __always_inline void count(struct kf_top_waits *waits, u64 ns)
{
	u64 bucket = kf_top_bucket(ns);

	/* It is always in range, but the verifier does not know; and it must see one copy checked and used. */
	asm volatile("" : "+r"(bucket));
	if (bucket >= KF_TOP_BUCKETS)
		return;
	__sync_fetch_and_add(&waits->ns, ns);
	__sync_fetch_and_add(&waits->count, 1);
	__sync_fetch_and_add(&waits->buckets[bucket], 1);
	raise_max(&waits->max_ns, ns);
}

static __always_inline struct waiting *waiting_of(struct task_struct *task)
{
	struct waiting *w = bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!w)
		__sync_fetch_and_add(&uncounted, 1);
	return w;
}

static __always_inline void switch_out(struct task_struct *prev, bool blocks, u64 now_ns, bool can_cast)
{
	struct syscall_state sys = { .nr = KF_NR_KTHREAD };
	struct waiting *w = waiting_of(prev);

	if (!w)
		return;
	if (!blocks) {
		w->wake_ns = now_ns;
		return;
	}
	read_syscall(prev, &sys, can_cast);
	w->futex = sys.inside && is_futex_wait(sys.nr);
	w->off_ns = now_ns;
}

static __always_inline void switch_in(struct task_struct *next, u64 now_ns)
{
	struct waiting *w = waiting_of(next);
	struct kf_top_process *p;
	u64 since;

	if (!w)
		return;
	since = w->wake_ns;
	if (since && since < w->off_ns) /* woken before it had left its CPU */
		since = w->off_ns - since <= MAX_WAKE_LEAD_NS ? w->off_ns : 0;
	w->wake_ns = 0;
	w->off_ns = 0;
	if (!since || now_ns - since > MAX_SANE_WAIT_NS)
		return;
	p = process_of(next, w);
	if (p)
		count(&p->runq, now_ns - since);
}

static __always_inline int count_switch(bool preempt, struct task_struct *prev, struct task_struct *next,
					u32 prev_state, bool can_cast)
{
	u64 now_ns = bpf_ktime_get_ns();

	/* Before 6.14 prev_state still names a state that a pending signal has cancelled; __state does not. */
	if (prev->pid)
		switch_out(prev, !preempt && prev_state && prev->__state, now_ns, can_cast);
	if (next->pid)
		switch_in(next, now_ns);
	return 0;
}

#define PREV_STATE(ctx, prev) (switch_has_state ? (u32)(ctx)[3] : (prev)->__state)

SEC("tp_btf/sched_switch")
int BPF_PROG(top_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return count_switch(preempt, prev, next, PREV_STATE(ctx, prev), true);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(top_switch_helper, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return count_switch(preempt, prev, next, PREV_STATE(ctx, prev), false);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(top_waking, struct task_struct *task)
{
	struct waiting *w = waiting_of(task);
	u64 now_ns = bpf_ktime_get_ns();
	struct kf_top_process *p;

	if (!w || (w->wake_ns && w->wake_ns >= w->off_ns)) /* ready already */
		return 0;
	w->wake_ns = now_ns;
	if (task->on_cpu || !w->off_ns || !w->futex || now_ns < w->off_ns)
		return 0;
	p = process_of(task, w);
	if (p)
		count(&p->futex, now_ns - w->off_ns);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(top_wakeup_new, struct task_struct *task)
{
	struct waiting *w = waiting_of(task);

	if (w) {
		w->wake_ns = bpf_ktime_get_ns();
		w->off_ns = 0;
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(top_exec, struct task_struct *task)
{
	struct waiting *w = waiting_of(task);
	struct kf_top_process *p = w ? process_of(task, w) : NULL;

	if (p)
		set_name(p, task);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(top_exit, struct task_struct *task)
{
	u32 tgid = task->tgid, *slot = bpf_map_lookup_elem(&slots, &tgid);
	struct kf_top_process *p = slot ? bpf_map_lookup_elem(&processes, slot) : NULL;

	if (p && !task->signal->live.counter)
		p->gone = 1;
	return 0;
}

/*
 * The scan: before the probes are attached it measures where registers are saved and gives every thread its state; before each look
 * of user space it counts the waits that have not ended.
 */
__u32 seeding;

SEC("iter/task")
int top_scan(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct kf_top_process *p;
	u64 now_ns, since;
	struct waiting *w;

	if (!task || !task->pid)
		return 0;
	if (seeding) {
		measure_regs_offset(task);
		waiting_of(task);
		return 0;
	}
	w = bpf_task_storage_get(&threads, task, NULL, 0);
	if (!w || !w->wake_ns || w->wake_ns < w->off_ns || task->on_cpu)
		return 0;
	since = w->wake_ns;
	now_ns = bpf_ktime_get_ns();
	p = process_of(task, w);
	if (!p || now_ns < since || now_ns - since > MAX_SANE_WAIT_NS)
		return 0;
	raise_max(&p->runq.max_ns, now_ns - since);
	__sync_fetch_and_add(&p->now, 1);
	return 0;
}
