/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * trigger.bpf.h - a wait was too long: hold the window, tell user space. All at the event itself; nothing here runs
 * unless a threshold was passed.
 */
#ifndef KF_TRIGGER_BPF_H
#define KF_TRIGGER_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} triggers SEC(".maps");

static __always_inline bool gate_passes(u32 kind, u64 now_ns)
{
	u32 gate = *(volatile u32 *)&control.gate;

	if (gate == KF_GATE_HELD) {
		__sync_fetch_and_add(&counters.busy[kind], 1);
		return false;
	}
	if (gate != KF_GATE_ARMED)
		return false;
	if (now_ns < control.cooldown_until_ns) {
		__sync_fetch_and_add(&counters.cooling[kind], 1);
		return false;
	}
	if (__sync_val_compare_and_swap(&control.gate, KF_GATE_ARMED, KF_GATE_HELD) != KF_GATE_ARMED) {
		__sync_fetch_and_add(&counters.busy[kind], 1);
		return false;
	}
	return true;
}

/* Holds the window and sends the trigger, if no snapshot is being taken and none was taken just now. */
static __noinline int fire(struct kf_trigger *trigger)
{
	u32 kind;

	if (!trigger)
		return 0;
	kind = trigger->kind;
	if (kind >= KF_TRIGGER_KINDS || !gate_passes(kind, trigger->ts_ns))
		return 0;
	hold_rings(control.window_ns && control.window_ns < trigger->ts_ns ? trigger->ts_ns - control.window_ns : 0,
		   trigger->ts_ns + control.hold_max_ns);
	__sync_fetch_and_add(&counters.hits[kind], 1);
	trigger->cpu = bpf_get_smp_processor_id();
	if (bpf_ringbuf_output(&triggers, trigger, sizeof(*trigger), 0)) {
		/* User space never reads it: nobody would end this hold but its timeout. */
		__sync_fetch_and_add(&counters.lost_triggers, 1);
		release_rings();
		__sync_val_compare_and_swap(&control.gate, KF_GATE_HELD, KF_GATE_ARMED);
	}
	return 1;
}

static __always_inline void fire_for(struct task_struct *task, u32 kind, u64 since_ns, u64 now_ns, u64 threshold_ns,
				     u16 nr, u64 arg0)
{
	struct kf_trigger trigger = {
		.ts_ns = now_ns,
		.since_ns = since_ns,
		.arg0 = arg0,
		.kind = kind,
		.tid = task->pid,
		.tgid = task->tgid,
		.nr = nr,
		.threshold_ns = threshold_ns,
	};

	BPF_CORE_READ_INTO(&trigger.comm, task, comm);
	BPF_CORE_READ_INTO(&trigger.process_comm, task, group_leader, comm);
	fire(&trigger);
}

static __always_inline bool passes(u32 kind, u64 waited_ns)
{
	return control.threshold_ns[kind] && waited_ns >= control.threshold_ns[kind];
}

static __always_inline u64 syscall_threshold(u16 nr)
{
	u64 index = nr;

	asm volatile("" : "+r"(index)); /* or the verifier sees one copy checked and another one used */
	return index < KF_MAX_SYSCALLS ? control.syscall_threshold_ns[index] : 0;
}

/* Which trigger a wait off the CPU passes, KF_TRIGGER_NONE if none. */
static __always_inline u32 blocked_trigger(u16 nr, bool in_syscall, u64 waited_ns, u64 *threshold_ns)
{
	u64 of_syscall = syscall_threshold(nr);

	if (in_syscall && is_futex_wait(nr) && passes(KF_TRIGGER_FUTEX, waited_ns)) {
		*threshold_ns = control.threshold_ns[KF_TRIGGER_FUTEX];
		return KF_TRIGGER_FUTEX;
	}
	if (in_syscall && of_syscall && waited_ns >= of_syscall) {
		*threshold_ns = of_syscall;
		return KF_TRIGGER_SYSCALL;
	}
	if (passes(KF_TRIGGER_BLOCK, waited_ns)) {
		*threshold_ns = control.threshold_ns[KF_TRIGGER_BLOCK];
		return KF_TRIGGER_BLOCK;
	}
	return KF_TRIGGER_NONE;
}

/*
 * Open waits: a timer walks them every control.check_every_ns. It must never become a load itself, so a walk that took
 * t is followed by at least 100 t of rest.
 */
struct open_timer {
	struct bpf_timer timer;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct open_timer);
} open_timers SEC(".maps");

#define REST_PER_WALK 100

struct walk {
	u64 now_ns;
	u32 gate; /* enum kf_gate */
	bool cooling;
	struct kf_trigger found; /* the first one that passes */
};

/* Which trigger the open wait passes, KF_TRIGGER_NONE if none. Its owner may change it meanwhile: kind tells. */
static __always_inline u32 open_trigger(const struct open_wait *wait, const struct walk *walk, u64 *since_ns,
					u64 *threshold_ns)
{
	u32 kind = *(const volatile u32 *)&wait->kind;
	u32 passed = KF_TRIGGER_NONE;

	*since_ns = *(const volatile u64 *)&wait->since_ns;
	if (kind == OPEN_NONE || *since_ns >= walk->now_ns)
		return KF_TRIGGER_NONE;
	if (kind == OPEN_BLOCKED) {
		passed = blocked_trigger(wait->nr, wait->in_syscall, walk->now_ns - *since_ns, threshold_ns);
	} else if (passes(KF_TRIGGER_RUNQ, walk->now_ns - *since_ns)) {
		passed = KF_TRIGGER_RUNQ;
		*threshold_ns = control.threshold_ns[KF_TRIGGER_RUNQ];
	}
	return *(const volatile u32 *)&wait->kind == kind ? passed : KF_TRIGGER_NONE;
}

/* Counts the wait, once, if it cannot fire now. */
static __always_inline bool suppressed(struct open_wait *wait, const struct walk *walk, u32 kind)
{
	if (walk->gate == KF_GATE_ARMED && !walk->cooling)
		return false;
	if (wait->fired == FIRED_NOT) {
		wait->fired = FIRED_SUPPRESSED;
		if (walk->gate == KF_GATE_HELD)
			__sync_fetch_and_add(&counters.busy[kind & 7], 1);
		else
			__sync_fetch_and_add(&counters.cooling[kind & 7], 1);
	}
	return true;
}

static long look_at(void *map, u32 *index, struct open_wait *wait, struct walk *walk)
{
	u64 since_ns, threshold_ns = 0;
	u32 kind;

	if (*index >= watches_used)
		return 1;
	if (wait->kind == OPEN_NONE || wait->fired == FIRED)
		return 0;
	kind = open_trigger(wait, walk, &since_ns, &threshold_ns);
	if (kind == KF_TRIGGER_NONE)
		return 0;
	if (runs_somewhere(wait->tid)) {
		wait->kind = OPEN_NONE;
		return 0;
	}
	if (suppressed(wait, walk, kind))
		return 0;
	wait->fired = FIRED;
	if (walk->found.kind != KF_TRIGGER_NONE) { /* one snapshot serves both */
		__sync_fetch_and_add(&counters.busy[kind & 7], 1);
		return 0;
	}
	walk->found.ts_ns = walk->now_ns;
	walk->found.since_ns = since_ns;
	walk->found.arg0 = wait->arg0;
	walk->found.kind = kind;
	walk->found.flags = KF_TRIGGER_OPEN;
	walk->found.tid = wait->tid;
	walk->found.tgid = wait->tgid;
	walk->found.nr = wait->nr;
	walk->found.threshold_ns = threshold_ns;
	return 0;
}

/* One look at all open waits; returns how long it took. */
static __noinline u64 walk_open_waits(void)
{
	struct walk walk = {};
	u64 took_ns;

	walk.now_ns = bpf_ktime_get_ns();
	walk.gate = *(volatile u32 *)&control.gate;
	walk.cooling = walk.now_ns < control.cooldown_until_ns;
	if (walk.gate != KF_GATE_CLOSED)
		bpf_for_each_map_elem(&open_waits, look_at, &walk, 0);
	if (walk.found.kind != KF_TRIGGER_NONE)
		fire(&walk.found); /* user space fills in the names: there is no task here */
	took_ns = bpf_ktime_get_ns() - walk.now_ns;
	counters.checks++;
	counters.check_ns += took_ns;
	return took_ns;
}

static int look_at_open_waits(void *map, u32 *key, struct open_timer *timer)
{
	u64 every_ns = control.check_every_ns, took_ns = walk_open_waits();

	if (every_ns < took_ns * REST_PER_WALK)
		every_ns = took_ns * REST_PER_WALK;
	if (control.check_every_ns)
		bpf_timer_start(&timer->timer, every_ns, 0);
	return 0;
}

#endif
