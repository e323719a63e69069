/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * open.bpf.h - waits that have not ended: a timer walks them every control.check_every_ns. It must never become a load
 * itself, so a walk that took t is followed by at least 100 t of rest.
 *
 * A term that is true for an open wait counts once. If that fires a rule when no snapshot can be taken, it tries again until one
 * can be; what then decides is the wait's end.
 */
#ifndef KF_OPEN_BPF_H
#define KF_OPEN_BPF_H

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
	u32 retry; /* a snapshot could be taken: ~0, else 0 */
	u32 zero;
};

static __always_inline u32 terms_about(u32 kinds)
{
	return (kinds & AS(RUNQ) ? terms_of[KF_WAITS_RUNQ] : 0) | (kinds & AS(FUTEX) ? terms_of[KF_WAITS_FUTEX] : 0) |
	       (kinds & AS(SYSCALL) ? terms_of[KF_WAITS_SYSCALL] : 0) |
	       (kinds & AS(BLOCK) ? terms_of[KF_WAITS_BLOCK] : 0);
}

/*
 * What the open wait counts as, 0 if it is not long enough for a closer look; and since when. Its owner may change it meanwhile:
 * kind tells.
 */
static __always_inline u32 open_as(const struct open_wait *wait, u64 now_ns, u64 *since_ns)
{
	u32 kind = *(const volatile u32 *)&wait->kind, what = 0;

	*since_ns = *(const volatile u64 *)&wait->since_ns;
	if (kind == OPEN_NONE || *since_ns >= now_ns)
		return 0;
	if (kind == OPEN_BLOCKED && slept_long(wait->nr, wait->in_syscall, now_ns - *since_ns))
		what = sleep_as(wait->nr, wait->in_syscall);
	else if (kind == OPEN_RUNNABLE && passes(KF_TRIGGER_RUNQ, now_ns - *since_ns))
		what = AS_SYSCALL(AS(RUNQ), wait->nr);
	return *(const volatile u32 *)&wait->kind == kind ? what : 0;
}

static __noinline int tell_of_open(const struct open_wait *wait, u64 now_ns, u64 since_ns, u32 rule, u32 passed)
{
	struct kf_trigger trigger = {
		/* user space fills in the names: there is no task here */
		.ts_ns = now_ns,  .since_ns = since_ns, .arg0 = wait->arg0, .flags = KF_TRIGGER_OPEN,
		.tid = wait->tid, .tgid = wait->tgid,	.nr = wait->nr
	};

	send(&trigger, rule, passed);
	return 0;
}

/* The terms that the wait passes and that somebody wants to know of. */
static __always_inline u32 open_passed(struct open_wait *wait, const struct walk *walk, u64 *since_ns)
{
	u32 what = open_as(wait, walk->now_ns, since_ns), wanted;

	wanted = wait->terms & (~wait->told | control.and_terms | (wait->again & walk->retry)) & terms_about(what);
	return wanted ? terms_passed(walk->now_ns - *since_ns, what, wanted) : 0;
}

/* Or has it ended, and perhaps another one begun? */
static __always_inline bool is_still_open(const struct open_wait *wait, u64 since_ns)
{
	return *(const volatile u32 *)&wait->kind != OPEN_NONE && *(const volatile u64 *)&wait->since_ns == since_ns;
}

/*
 * These terms have passed: 1 + index of the rule that got a snapshot by them, 0 none. The wait may end any time: its end leaves to us
 * what is told and does not try again. So that is said before; what wanted to try again counts here when the wait is over by then.
 */
static __always_inline u32 fire_open(struct open_wait *wait, u32 passed, u64 since_ns, u64 now_ns)
{
	u32 again = wait->again, later;
	u64 outcome;

	if (!is_still_open(wait, since_ns))
		return 0;
	wait->again = again & ~passed;
	wait->told |= passed;
	barrier();
	outcome = fire(passed, TRY_AGAIN | again, now_ns);
	later = outcome >> 32;
	if (is_still_open(wait, since_ns))
		wait->again |= later;
	else if (later)
		outcome |= fire(later, later, now_ns);
	return outcome;
}

/* Returns 1 when a snapshot was begun: the rest of the waits is looked at next time. */
static long look_at(void *map, u32 *index, struct open_wait *wait, struct walk *walk)
{
	u32 passed, rule;
	u64 since_ns;

	if (*index >= watches_used)
		return 1;
	passed = open_passed(wait, walk, &since_ns);
	if (!passed)
		return 0;
	if (runs_somewhere(wait->tid)) {
		wait->kind = OPEN_NONE;
		return 0;
	}
	remember(passed, walk->now_ns);
	passed &= ~wait->told | (wait->again & walk->retry);
	if (!passed)
		return 0;
	rule = fire_open(wait, passed, since_ns, walk->now_ns);
	if (!rule)
		return 0;
	tell_of_open(wait, walk->now_ns, since_ns, rule, passed);
	return 1;
}

/* One look at all open waits; returns how long it took. */
static __noinline u64 walk_open_waits(void)
{
	u32 gate = *(volatile u32 *)&control.gate;
	struct walk walk = {};
	u64 took_ns;

	walk.now_ns = bpf_ktime_get_ns();
	if (gate == KF_GATE_ARMED && walk.now_ns >= control.cooldown_until_ns &&
	    walk.now_ns >= control.limited_until_ns)
		walk.retry = ~0U;
	if (gate != KF_GATE_CLOSED)
		bpf_for_each_map_elem(&open_waits, look_at, &walk, 0);
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
