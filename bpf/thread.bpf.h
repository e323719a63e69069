/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * thread.bpf.h - what is remembered of every thread between its events, in task storage (it dies with the thread, and a
 * fork bomb cannot wash others out).
 */
#ifndef KF_THREAD_BPF_H
#define KF_THREAD_BPF_H

struct thread_state {
	u64 wake_ns;	/* runnable since; 0 running, blocked or not known */
	u64 off_ns;	/* blocked since; 0 not blocked or not known */
	u64 arg0;	/* first argument of the syscall it blocks in */
	u32 arg1;	/* low half of the second */
	u32 task_state; /* it blocks in */
	u64 syscall_ns; /* entered the syscall it is in (only with syscall records) */
	u32 waker;
	u32 watch; /* 1 + its index in open_waits, 0 not watched */
	u16 nr;	   /* syscall it blocks in, KF_NR_* */
	u8 cause;  /* enum kf_cause, of wake_ns */
	u8 waker_irq;
	u8 tracked;    /* the filter fits */
	u8 slept;      /* blocked since syscall_ns */
	u8 in_syscall; /* nr was being executed when it blocked */
	u8 filetype;   /* of arg0's file */
	u8 before_us;  /* it blocks since before recording: off_ns is when we noticed */
	u8 prio;       /* 1 + task->prio when it was seen last */
	u8 throttled;  /* its gap began with a quota that was used up */
	u8 has_quota;  /* the fields of the gap count: mostly not, and then their cache line is left alone */
	u32 terms;     /* of the triggers, that may be true for its waits, a bit each; 0 if it is not tracked */
	/* Syscall terms that have passed in the syscall entered then: at its end they are not news. */
	u64 told_in_ns;
	u32 told;
	u32 zero;
	/* For the gap it is in (quota.bpf.h). */
	u64 quota_queue;  /* address of its queue */
	u64 quota_ns;	  /* for how long that queue had been throttled when the thread came to it */
	u64 quota_sum_ns; /* throttled on earlier queues of this gap */
	u64 quota_group;  /* id of the cgroup whose quota was used up when the gap began, 0 not known */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread_state);
} threads SEC(".maps");

/*
 * Waits that have not ended, of filtered threads, where the timer can walk them. Each watched thread owns one element
 * for its life; free indices wait on a stack: the lowest are used first, which keeps the walk short.
 */
enum open_kind { OPEN_NONE = 0, OPEN_RUNNABLE = 1, OPEN_BLOCKED = 2 };

struct open_wait {
	u64 since_ns;
	u64 arg0;
	u32 tid;
	u32 tgid;
	u16 nr;
	u8 in_syscall;
	u8 zero;
	u32 terms; /* that may be true for it, a bit each */
	u32 told;  /* of these, those whose limit it has passed while open: they count once */
	u32 again; /* of these, those of rules that fired when no snapshot could be taken, and try again; they have not counted */
	u32 kind; /* enum open_kind; stored last, OPEN_NONE while the rest changes */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KF_MAX_WATCHED);
	__type(key, u32);
	__type(value, struct open_wait);
} open_waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, KF_MAX_WATCHED);
	__uint(key_size, 0);
	__type(value, u32);
} free_watches SEC(".maps");

struct kf_control control;
struct kf_counters counters;
__u32 watches_used; /* elements of open_waits at this index and above were never in use */

const volatile __u32 open_terms;	       /* those that can become true while a wait is open */
const volatile __u32 filtered_terms;	       /* those with a filter of their own */
const volatile __u32 terms_of[KF_WAITS_KINDS]; /* terms about single waits, by what is measured */

static __always_inline struct open_wait *watch_of(struct thread_state *state)
{
	u32 index = state->watch - 1;

	return state->watch ? bpf_map_lookup_elem(&open_waits, &index) : NULL;
}

/* Several CPUs may raise it at once: the largest has to win. */
static __always_inline void raise_watches_used(u32 to)
{
	for (int tries = 0; tries < 8; tries++) {
		u32 used = *(volatile u32 *)&watches_used;

		if (used >= to || __sync_val_compare_and_swap(&watches_used, used, to) == used)
			return;
	}
}

/* Not for a thread that is exiting, or a zombie: on_exit is behind it, nobody would give the index back. */
static __always_inline void watch_start(struct task_struct *task, struct thread_state *state)
{
	struct open_wait *wait = watch_of(state);
	u32 index;

	if (wait)
		wait->tid = task->pid; /* after an exec not by the leader: it has the leader's number now */
	if (state->watch || task->flags & PF_EXITING)
		return;
	if (bpf_map_pop_elem(&free_watches, &index)) {
		__sync_fetch_and_add(&counters.unwatched, 1);
		return;
	}
	wait = bpf_map_lookup_elem(&open_waits, &index);
	if (!wait)
		return;
	wait->kind = OPEN_NONE;
	wait->tid = task->pid;
	wait->tgid = task->tgid;
	state->watch = index + 1;
	raise_watches_used(index + 1);
}

static __always_inline void watch_stop(struct thread_state *state)
{
	struct open_wait *wait = watch_of(state);
	u32 index = state->watch - 1;

	if (!wait)
		return;
	wait->kind = OPEN_NONE;
	state->watch = 0;
	bpf_map_push_elem(&free_watches, &index, BPF_ANY);
}

/* A kernel thread without work waits by design; that is of interest only to somebody who asked for it by a filter. */
static __always_inline bool is_idle_kthread(const struct thread_state *state)
{
	return !filtered && state->nr == KF_NR_KTHREAD;
}

/* Terms that may be true for a wait off the CPU. */
static __always_inline u32 terms_when_blocked(const struct thread_state *state)
{
	return is_idle_kthread(state) ? state->terms & filtered_terms : state->terms;
}

static __always_inline void watch_open(struct thread_state *state, enum open_kind kind, u64 since_ns)
{
	u32 terms = kind == OPEN_BLOCKED ? terms_when_blocked(state) : state->terms;
	struct open_wait *wait = watch_of(state);

	if (!wait)
		return;
	wait->kind = OPEN_NONE;
	if (!terms)
		return;
	barrier();
	wait->terms = terms;
	wait->told = 0;
	wait->again = 0;
	wait->nr = state->nr;
	wait->in_syscall = state->in_syscall;
	wait->arg0 = state->arg0;
	wait->since_ns = since_ns;
	barrier();
	wait->kind = kind;
}

/*
 * The wait is over. Tells the terms that have counted while it was open, and, in the high half, those that have been true but
 * count now.
 */
static __always_inline u64 watch_end(struct thread_state *state)
{
	struct open_wait *wait = watch_of(state);
	u64 told = 0;

	if (!wait)
		return 0;
	if (wait->kind != OPEN_NONE)
		told = (wait->told & ~wait->again) | (u64)wait->again << 32;
	wait->kind = OPEN_NONE;
	return told;
}

/* Applies the filters (again). */
static __always_inline void thread_judge(struct task_struct *task, struct thread_state *state, const char *new_comm)
{
	struct verdict verdict = judge(task, new_comm);

	state->tracked = verdict.tracked;
	state->terms = verdict.terms;
	if (verdict.terms & open_terms)
		watch_start(task, state);
	else
		watch_stop(state);
}

static __noinline struct thread_state *thread_new(struct task_struct *task)
{
	struct thread_state *state = bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!state) {
		__sync_fetch_and_add(&counters.no_state, 1);
		return NULL;
	}
	state->prio = task->prio + 1;
	thread_judge(task, state, NULL);
	return state;
}

static __always_inline struct thread_state *thread_of(struct task_struct *task)
{
	struct thread_state *state = bpf_task_storage_get(&threads, task, NULL, 0);

	return state ? state : thread_new(task);
}

#endif
