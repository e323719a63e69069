/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * kflight.bpf.c - the scheduler's probes, and the object that holds all others. What each one writes is in kflight/record.h;
 * prices are in docs/cost.md.
 *
 * Every record reads the clock once (36 ns, the dearest thing here) and calls as few helpers as it can.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "kflight/control.h"
#include "kflight/record.h"
#include "kflight/waits.h"

#include "ring.bpf.h"
#include "regs.bpf.h"
#include "task.bpf.h"
#include "context.bpf.h"
#include "filter.bpf.h"
#include "thread.bpf.h"
#include "waits.bpf.h"
#include "flood.bpf.h"
#include "taken.bpf.h"
#include "quota.bpf.h"
#include "trigger.bpf.h"
#include "open.bpf.h"

/* The other probes. */
#include "irq.bpf.h"
#include "life.bpf.h"
#include "syscall.bpf.h"
#include "scan.bpf.h"
#include "command.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile bool switch_has_state; /* sched_switch has a 4th argument (5.18) */

#define MAX_SANE_WAIT_NS (86400ULL * 1000000000ULL * 365)

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
	u64 since, throttled_ns, told;

	if (!state)
		return;
	look_at_prio(next, state, now_ns);
	count_sleep(state, now_ns);
	told = watch_end(state);
	if (told)
		judge_missed_end(next, state, told, now_ns);
	since = take_runnable_since(state, now_ns);
	if (!since)
		return;
	if (state->cause != KF_CAUSE_UNKNOWN)
		count_wait(state, KF_WAITS_RUNQ, now_ns - since, state->nr);
	throttled_ns = quota_end(next, state, since, now_ns);
	half->waker = state->waker;
	half->wait =
		(now_ns - since) / KF_WAIT_TICK_NS < KF_WAIT_MAX ? (now_ns - since) / KF_WAIT_TICK_NS : KF_WAIT_MAX;
	half->flags = state->cause << KF_F_CAUSE_SHIFT | (state->waker_irq ? KF_F_WAKER_IRQ : 0);
	judge_gap(next, state, since, throttled_ns, told, now_ns);
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
	u64 told;

	if (state->wake_ns && state->wake_ns >= state->off_ns) /* runnable already */
		return;
	state->wake_ns = now_ns;
	state->cause = KF_CAUSE_WOKEN;
	state->waker = waker;
	state->waker_irq = irq;
	quota_begin(task, state, false);
	if (task->on_cpu || !state->off_ns)
		return; /* it may not block at all; if it does, its switch-in will know */
	told = watch_end(state);
	watch_open(state, OPEN_RUNNABLE, now_ns);
	if (now_ns > state->off_ns)
		judge_sleep(task, state, told, now_ns);
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
