/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * kflight.bpf.c - the probes. What each one writes is in kflight/record.h; prices are in docs/cost.md.
 *
 * Every record reads the clock once (36 ns, the dearest thing here) and calls as few helpers as it can.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "kflight/control.h"
#include "kflight/record.h"

#include "ring.bpf.h"
#include "regs.bpf.h"
#include "context.bpf.h"
#include "filter.bpf.h"
#include "thread.bpf.h"
#include "taken.bpf.h"
#include "quota.bpf.h"
#include "trigger.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CLOCK_MONOTONIC 1

const volatile bool switch_has_state; /* sched_switch has a 4th argument (5.18) */
const volatile __u32 syscall_mode;    /* enum kf_syscall_mode */
const volatile __u32 allowed_bytes;   /* of a CPU mask, whole words; 0: more CPUs than kf_task has room for */

/* A wake may be seen before the switch-out it ends, by this much at most (the waker spins on the run queue lock). */
#define MAX_WAKE_LEAD_NS 50000
#define MAX_SANE_WAIT_NS (86400ULL * 1000000000ULL * 365)

/* Where the task runs, or ran last. */
static __always_inline u32 cpu_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.cpu))
		return task->thread_info.cpu;
	return ((struct task_struct___cpu *)task)->cpu;
}

/* Since when `next` was runnable, and why; forgets it. 0: not known. */
static __always_inline u64 take_runnable_since(struct thread_state *state, u64 now_ns)
{
	u64 since = state->wake_ns;

	if (since && since < state->off_ns) /* woken before it had left its CPU */
		since = state->off_ns - since <= MAX_WAKE_LEAD_NS ? state->off_ns : 0;
	state->wake_ns = 0;
	state->off_ns = 0;
	if (since && now_ns - since > MAX_SANE_WAIT_NS) {
		__sync_fetch_and_add(&counters.bad_waits, 1);
		return 0;
	}
	return since;
}

/*
 * The thread's priority is not what it was; a rare thing, but locks that lend priorities can make it frequent: not in the ring
 * of births and names, which it would wash out.
 */
static __noinline void record_prio(struct task_struct *task, u8 before, u64 now_ns)
{
	struct kf_ring_head *ring = this_ring(&rings_sched);
	struct kf_slot *slot;
	u64 number;

	if (!ring || !reserve(ring, KF_CLASS_SCHED, 1, now_ns, &number))
		return;
	slot = slot_at(ring, KF_CLASS_SCHED, number);
	slot->ts_ns = now_ns;
	slot->tid = task->pid;
	slot->peer = KF_PRIO_PACK(before - 1, task->policy);
	slot->kind = KF_PRIO;
	slot->flags = 0;
	slot->nr = KF_PRIO_PACK(task->prio, task->policy);
	slot->tgid = task->tgid;
	slot->parent_tgid = 0;
	commit(slot, number);
}

static __always_inline void look_at_prio(struct task_struct *task, struct thread_state *state, u64 now_ns)
{
	u8 prio = task->prio + 1, before = state->prio;

	if (!(sources & KF_SOURCE_PRIO) || prio == before)
		return;
	state->prio = prio;
	record_prio(task, before, now_ns);
}

/* A task state, and whether the task waits for a device in it. Only uninterruptible waits can. */
static __always_inline u32 state_and_device(struct task_struct *task, u32 state)
{
	if (!(state & TASK_UNINTERRUPTIBLE))
		return state;
	return state | (BPF_CORE_READ_BITFIELD(task, in_iowait) ? KF_STATE_DEVICE : KF_STATE_NO_DEVICE);
}

/* prev leaves the CPU. */
static __always_inline void switch_out(struct task_struct *task, struct thread_state *state, u32 blocks_in,
				       const struct syscall_state *sys, u8 filetype, bool throttled, u64 now_ns)
{
	look_at_prio(task, state, now_ns);
	state->nr = sys->nr;
	state->in_syscall = sys->inside;
	state->arg0 = sys->arg0;
	if (blocks_in) {
		state->task_state = blocks_in;
		state->arg1 = sys->arg1;
		state->filetype = filetype;
		state->before_us = 0;
		state->off_ns = now_ns;
		state->slept = 1;
		watch_open(state, OPEN_BLOCKED, now_ns);
	} else {
		state->wake_ns = now_ns;
		state->cause = KF_CAUSE_PREEMPTED;
		state->waker = 0;
		state->waker_irq = 0;
		quota_begin(task, state, throttled);
		watch_open(state, OPEN_RUNNABLE, now_ns);
	}
}

/* next comes: fills its half of the record, and fires if it waited too long. */
static __always_inline void switch_in(struct task_struct *next, struct kf_slot *half, u64 now_ns)
{
	struct thread_state *state = thread_of(next);
	bool fired;
	u64 since;

	if (!state)
		return;
	look_at_prio(next, state, now_ns);
	since = take_runnable_since(state, now_ns);
	fired = watch_end(state);
	if (!since)
		return;
	quota_end(next, state, since, now_ns);
	half->waker = state->waker;
	half->wait =
		(now_ns - since) / KF_WAIT_TICK_NS < KF_WAIT_MAX ? (now_ns - since) / KF_WAIT_TICK_NS : KF_WAIT_MAX;
	half->flags = state->cause << KF_F_CAUSE_SHIFT | (state->waker_irq ? KF_F_WAKER_IRQ : 0);
	if (passes(KF_TRIGGER_RUNQ, now_ns - since) && state->tracked && !fired)
		fire_for(next, KF_TRIGGER_RUNQ, since, now_ns, control.threshold_ns[KF_TRIGGER_RUNQ], state->nr,
			 state->arg0);
}

static __always_inline int record_switch(bool preempt, struct task_struct *prev, struct task_struct *next,
					 u32 prev_state, bool can_cast)
{
	struct kf_slot in = { .wait = KF_WAIT_UNKNOWN };
	struct kf_ring_head *ring = this_ring(&rings_sched);
	struct syscall_state sys = { .nr = KF_NR_KTHREAD };
	u32 cpu = bpf_get_smp_processor_id();
	u64 now_ns = bpf_ktime_get_ns();
	struct thread_state *state;
	struct kf_slot *slot;
	bool throttled;
	u8 filetype = 0;
	u64 number;
	/* Before 6.14 prev_state still names a state that a pending signal has cancelled; __state does not. */
	bool blocks = !preempt && prev_state && prev->__state && prev->pid;

	if (!ring)
		return 0;
	learn_cpu_base(cpu, prev, can_cast);
	taken_switch(cpu, now_ns, can_cast);
	throttled = is_throttled(prev);
	read_syscall(prev, &sys, can_cast);
	if (blocks)
		prev_state = state_and_device(prev, prev_state);
	if (blocks && sys.inside && is_read_or_write(sys.nr))
		filetype = file_type(prev, sys.arg0, can_cast);
	if (prev->pid) {
		state = thread_of(prev);
		if (state)
			switch_out(prev, state, blocks ? prev_state : 0, &sys, filetype, throttled, now_ns);
	}
	if (next->pid)
		switch_in(next, &in, now_ns);

	if (!reserve(ring, KF_CLASS_SCHED, blocks ? 2 : 1, now_ns, &number))
		return 0;
	if (blocks) {
		struct kf_slot_args *args = slot_at(ring, KF_CLASS_SCHED, number + 1);

		args->arg0 = sys.arg0;
		args->state = prev_state;
		args->arg2 = sys.arg2;
		args->kind = KF_MORE;
		args->filetype = filetype;
		args->zero = 0;
		args->arg1 = sys.arg1;
		commit(args, number + 1);
	}
	slot = slot_at(ring, KF_CLASS_SCHED, number);
	slot->ts_ns = now_ns;
	slot->tid = prev->pid;
	slot->peer = next->pid;
	slot->kind = KF_SWITCH;
	slot->flags = in.flags | (blocks ? KF_F_MORE : 0) | (sys.inside ? KF_F_IN_SYSCALL : 0) |
		      (preempt ? KF_F_PREEMPT : 0) | (throttled ? KF_F_THROTTLED : 0);
	slot->nr = sys.nr;
	slot->waker = in.waker;
	slot->wait = in.wait;
	commit(slot, number);
	return 0;
}

/* state_of() in sched_switch: the argument is exact, the field may have moved on already. */
#define PREV_STATE(ctx, prev) (switch_has_state ? (u32)(ctx)[3] : (prev)->__state)

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return record_switch(preempt, prev, next, PREV_STATE(ctx, prev), true);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch_helper, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return record_switch(preempt, prev, next, PREV_STATE(ctx, prev), false);
}

/* The thread becomes runnable; fires if it was blocked too long. */
static __always_inline void wake_up(struct task_struct *task, struct thread_state *state, u32 waker, bool irq,
				    u64 now_ns)
{
	u64 threshold_ns = 0;
	bool fired;
	u32 kind;

	if (state->wake_ns && state->wake_ns >= state->off_ns) /* runnable already */
		return;
	state->wake_ns = now_ns;
	state->cause = KF_CAUSE_WOKEN;
	state->waker = waker;
	state->waker_irq = irq;
	quota_begin(task, state, false);
	if (task->on_cpu || !state->off_ns)
		return; /* it may not block at all; if it does, its switch-in will know */
	fired = watch_end(state);
	watch_open(state, OPEN_RUNNABLE, now_ns);
	if (!state->tracked || fired || now_ns <= state->off_ns || is_idle_kthread(state))
		return;
	kind = blocked_trigger(state->nr, state->in_syscall, now_ns - state->off_ns, &threshold_ns);
	if (kind != KF_TRIGGER_NONE)
		fire_for(task, kind, state->off_ns, now_ns, threshold_ns, state->nr, state->arg0);
}

/* Does the end of this wait have to tell what it was? Looked at before wake_up(), which may fire for it. */
static __always_inline bool needs_past(const struct task_struct *task, const struct thread_state *state, u64 now_ns)
{
	if (!state->off_ns || task->on_cpu || state->wake_ns >= state->off_ns)
		return false;
	return state->before_us || now_ns - state->off_ns >= KF_LONG_WAIT_NS;
}

static __always_inline void fill_past(struct kf_slot_past *past, const struct thread_state *state, u64 number)
{
	past->arg0 = state->arg0;
	past->state = state->task_state;
	past->arg1 = state->arg1;
	past->kind = KF_MORE;
	past->filetype = state->filetype | (state->in_syscall ? KF_PAST_IN_SYSCALL : 0);
	past->nr = state->nr;
	past->since_ns = state->before_us ? 0 : state->off_ns;
	commit(past, number);
}

static __always_inline int record_waking(struct task_struct *task, bool can_cast)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct kf_ring_head *ring = this_ring(&rings_sched);
	struct syscall_state sys = { .nr = KF_NR_KTHREAD };
	u32 cpu = bpf_get_smp_processor_id();
	u64 now_ns = bpf_ktime_get_ns();
	struct thread_state *state;
	struct kf_slot *slot;
	bool past = false;
	u64 number;
	u8 context;

	if (!ring)
		return 0;
	context = context_now(cpu, can_cast);
	read_syscall(current, &sys, can_cast);
	state = thread_of(task);
	if (state) {
		past = needs_past(task, state, now_ns);
		wake_up(task, state, current->pid, context > KF_CTX_TASK, now_ns);
	}

	if (!reserve(ring, KF_CLASS_SCHED, past ? 2 : 1, now_ns, &number))
		return 0;
	if (past)
		fill_past(slot_at(ring, KF_CLASS_SCHED, number + 1), state, number + 1);
	slot = slot_at(ring, KF_CLASS_SCHED, number);
	slot->ts_ns = now_ns;
	slot->tid = task->pid;
	slot->peer = current->pid;
	slot->kind = KF_WAKING;
	slot->flags = (past ? KF_F_MORE : 0) | (sys.inside ? KF_F_IN_SYSCALL : 0) | (task->on_cpu ? KF_F_ON_CPU : 0) |
		      context << KF_F_CONTEXT_SHIFT;
	slot->nr = sys.nr;
	slot->arg0_lo = sys.arg0;
	slot->arg0_hi = sys.arg0 >> 32;
	slot->cpu = cpu_of(task);
	commit(slot, number);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	return record_waking(task, true);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking_helper, struct task_struct *task)
{
	return record_waking(task, false);
}

/* Records that are one slot about one thread and a CPU. */
static __always_inline void record_place(u8 kind, u8 flags, struct task_struct *task, u32 peer, u16 from, u16 cpu,
					 u64 now_ns)
{
	struct kf_ring_head *ring = this_ring(&rings_sched);
	struct kf_slot *slot;
	u64 number;

	if (!ring || !reserve(ring, KF_CLASS_SCHED, 1, now_ns, &number))
		return;
	slot = slot_at(ring, KF_CLASS_SCHED, number);
	slot->ts_ns = now_ns;
	slot->tid = task->pid;
	slot->peer = peer;
	slot->kind = kind;
	slot->flags = flags;
	slot->nr = 0;
	slot->arg0_lo = 0;
	slot->arg0_hi = from;
	slot->cpu = cpu;
	commit(slot, number);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct thread_state *state = thread_of(task);
	u64 now_ns = bpf_ktime_get_ns();

	if (state) {
		state->wake_ns = now_ns;
		state->off_ns = 0;
		state->cause = KF_CAUSE_FORKED;
		state->waker = current->pid;
		state->waker_irq = 0;
		quota_begin(task, state, false);
		watch_open(state, OPEN_RUNNABLE, now_ns);
	}
	record_place(KF_WAKEUP_NEW, KF_CTX_TASK << KF_F_CONTEXT_SHIFT, task, current->pid, 0, cpu_of(task), now_ns);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *task, int to)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct thread_state *state = thread_of(task);

	if (state)
		quota_move(task, state, to);
	record_place(KF_MIGRATE, task->on_rq && !task->__state ? KF_F_QUEUED : 0, task, current->pid, cpu_of(task), to,
		     bpf_ktime_get_ns());
	return 0;
}

static __always_inline void record_life(u8 kind, struct task_struct *task, const char *comm, u32 peer, u32 parent_tgid)
{
	struct kf_ring_head *ring = this_ring(&rings_life);
	u64 now_ns = bpf_ktime_get_ns();
	struct kf_slot_name *name;
	struct kf_slot *slot;
	u64 number;

	if (!ring || !reserve(ring, KF_CLASS_LIFE, 2, now_ns, &number))
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
	record_life(KF_FORK, child, child->comm, parent->pid, parent->tgid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid)
{
	struct thread_state *state = thread_of(task);

	if (state)
		thread_judge(task, state, NULL);
	record_life(KF_EXEC, task, task->comm, old_pid, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct thread_state *state = bpf_task_storage_get(&threads, task, NULL, 0);

	if (state) {
		state->tracked = 0;
		watch_stop(state);
	}
	filter_forget(task);
	record_life(KF_EXIT, task, task->comm, 0, 0);
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
	record_life(KF_RENAME, task, comm, current->pid, 0);
	return 0;
}

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
	if (!ring || !reserve(ring, KF_CLASS_SYSCALL, slow ? 2 : 1, now_ns, &number))
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
	u64 now_ns, threshold_ns;
	u16 nr;

	if (!state || !state->syscall_ns)
		return 0;
	now_ns = bpf_ktime_get_ns();
	nr = syscall_number(task, regs->orig_ax);
	threshold_ns = syscall_threshold(nr);
	record_syscall(task, state, regs, nr, ret, now_ns);
	if (threshold_ns && now_ns - state->syscall_ns >= threshold_ns && state->tracked)
		fire_for(task, KF_TRIGGER_SYSCALL, state->syscall_ns, now_ns, threshold_ns, nr, regs->di);
	state->syscall_ns = 0;
	return 0;
}

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_irq_entry)
{
	irq_begins(HARD);
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(on_irq_exit, int irq)
{
	irq_ends(HARD, irq);
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(on_softirq_entry)
{
	irq_begins(SOFT);
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(on_softirq_exit, unsigned int vector)
{
	irq_ends(SOFT, vector);
	return 0;
}

SEC("tp_btf/local_timer_entry")
int BPF_PROG(on_timer_entry)
{
	irq_begins(HARD);
	return 0;
}

/* The tick has updated the run queue's clock. */
SEC("tp_btf/local_timer_exit")
int BPF_PROG(on_timer_exit)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct taken_state *state = taken_state(cpu);

	irq_ends(HARD, KF_VECTOR_TIMER);
	if (state)
		look_at_steal(state, cpu, bpf_ktime_get_ns(), false);
	return 0;
}

SEC("tp_btf/call_function_entry")
int BPF_PROG(on_call_entry)
{
	irq_begins(HARD);
	return 0;
}

SEC("tp_btf/call_function_exit")
int BPF_PROG(on_call_exit)
{
	irq_ends(HARD, KF_VECTOR_CALL);
	return 0;
}

SEC("tp_btf/call_function_single_entry")
int BPF_PROG(on_call_single_entry)
{
	irq_begins(HARD);
	return 0;
}

SEC("tp_btf/call_function_single_exit")
int BPF_PROG(on_call_single_exit)
{
	irq_ends(HARD, KF_VECTOR_CALL);
	return 0;
}

/*
 * Task scans. The first one, before the probes are attached, gives every thread its state (so that no hot path has to
 * allocate) and measures regs_offset. The second, with the probes attached and seed_blocked set, notes who is blocked.
 * The later ones tell user space the names and states of threads the rings say nothing of.
 */
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

/* Commands from user space (bpf_prog_test_run). */
SEC("syscall")
int start_checks(void *ctx)
{
	struct open_timer *timer;
	u32 zero = 0;

	timer = bpf_map_lookup_elem(&open_timers, &zero);
	if (!timer || bpf_timer_init(&timer->timer, &open_timers, CLOCK_MONOTONIC))
		return 1;
	bpf_timer_set_callback(&timer->timer, look_at_open_waits);
	return bpf_timer_start(&timer->timer, control.check_every_ns, 0) ? 1 : 0;
}

/* For a host whose kernel has no memory for the timer just now: user space has one, too. */
SEC("syscall")
int check_open_waits(void *ctx)
{
	walk_open_waits();
	return 0;
}

/* Holds the window for a snapshot that user space wants; 1 if one is being taken already. */
SEC("syscall")
int hold_window(void *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();

	if (__sync_val_compare_and_swap(&control.gate, KF_GATE_ARMED, KF_GATE_HELD) == KF_GATE_HELD)
		return 1;
	control.gate = KF_GATE_HELD;
	hold_rings(control.window_ns && control.window_ns < now_ns ? now_ns - control.window_ns : 0,
		   now_ns + control.hold_max_ns);
	__sync_fetch_and_add(&counters.hits[KF_TRIGGER_REQUEST], 1);
	return 0;
}

/* The copy is done: records may overwrite again. The gate stays shut until user space opens it. */
SEC("syscall")
int release_window(void *ctx)
{
	release_rings();
	return 0;
}
