/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * trigger.bpf.h - was a wait too long? Then: which terms of the triggers are true, which rules have fired, hold the window,
 * tell user space. All at the event itself.
 *
 * Hot paths compare a wait with the smallest limit of its kind, and that is all for most waits. What is beyond it goes here.
 * Functions on masks and numbers are not static: the verifier then looks at each once, not again on every way that leads to
 * it. They have no branches where masks grow: older verifiers would follow every mix of bits.
 */
#ifndef KF_TRIGGER_BPF_H
#define KF_TRIGGER_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} triggers SEC(".maps");

/* What a wait counts as, a bit of each enum kf_waits_kind; and its syscall. */
#define AS(waits_kind)	      (1u << KF_WAITS_##waits_kind)
#define AS_SYSCALL(kinds, nr) ((kinds) | (u32)(nr) << 16)
#define KINDS_OF(what)	      ((what)&0xffff)
#define NR_OF(what)	      ((what) >> 16)

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

/* Is a wait off the CPU long enough for a closer look? */
static __always_inline bool slept_long(u16 nr, bool in_syscall, u64 waited_ns)
{
	u64 of_syscall = syscall_threshold(nr);

	if (in_syscall && is_futex_wait(nr) && passes(KF_TRIGGER_FUTEX, waited_ns))
		return true;
	if (in_syscall && of_syscall && waited_ns >= of_syscall)
		return true;
	return passes(KF_TRIGGER_BLOCK, waited_ns);
}

static __always_inline u32 sleep_as(u16 nr, bool in_syscall)
{
	u32 kinds = AS(BLOCK);

	if (in_syscall)
		kinds |= AS(SYSCALL) | (is_futex_wait(nr) ? AS(FUTEX) : 0);
	return AS_SYSCALL(kinds, nr);
}

__noinline u32 is_passed(u32 index, u64 waited_ns, u32 what, u32 terms)
{
	const struct kf_term *term = &control.terms[index & (KF_MAX_TERMS - 1)];
	u32 nr = NR_OF(what);

	if (!(terms >> (index & 31) & 1) || !term->event || !(KINDS_OF(what) >> (term->kind & 31) & 1))
		return 0;
	if (waited_ns < term->limit_ns || (waited_ns == term->limit_ns && !term->or_equal))
		return 0;
	if (term->kind != KF_WAITS_SYSCALL || term->any_syscall)
		return 1;
	return nr < KF_MAX_SYSCALLS && term->syscalls[nr / 64 & 7] >> (nr & 63) & 1;
}

/* Which of these terms are true for a wait. */
__noinline u32 terms_passed(u64 waited_ns, u32 what, u32 terms)
{
	u32 passed = 0;

	for (u32 i = 0; i < KF_MAX_TERMS; i++) {
		if (i >= control.n_terms)
			break;
		passed |= (is_passed(i, waited_ns, what, terms) & 1) << i;
	}
	return passed;
}

/* Several CPUs may do this at once; which of their clocks wins matters to nobody. */
__noinline int remember(u32 passed, u64 now_ns)
{
	passed &= control.and_terms;
	for (u32 i = 0; i < KF_MAX_TERMS; i++) {
		if (!passed)
			break;
		if (passed & 1 && control.terms[i].true_until_ns < now_ns + KF_TERM_MEMORY_NS)
			control.terms[i].true_until_ns = now_ns + KF_TERM_MEMORY_NS;
		passed >>= 1;
	}
	return 0;
}

__noinline u32 terms_true(u64 now_ns)
{
	u32 are_true = 0;

	for (u32 i = 0; i < KF_MAX_TERMS; i++) {
		if (i >= control.n_terms)
			break;
		are_true |= (u32)((now_ns - control.terms[i].true_until_ns) >> 63) << i;
	}
	return are_true;
}

/* Rules that are true by what has become true just now. */
__noinline u32 rules_true(u32 passed, u64 now_ns)
{
	u32 are_true = passed, rules = 0;

	if (passed & control.and_terms)
		are_true |= terms_true(now_ns);
	for (u32 i = 0; i < KF_MAX_CLAUSES; i++) {
		if (i >= control.n_clauses)
			break;
		if (control.clauses[i].terms & passed && !(control.clauses[i].terms & ~are_true))
			rules |= 1u << (control.clauses[i].rule & (KF_MAX_RULES - 1));
	}
	return rules;
}

/* Its number; clang 14 has no instruction for it. Of 0: the highest. */
__noinline u32 lowest_bit(u32 mask)
{
	u32 bit = 0;

	for (u32 step = 16; step; step /= 2)
		if (!(mask & ((1u << step) - 1))) {
			mask >>= step;
			bit += step;
		}
	return bit;
}

/* The lowest of a rule's terms that were passed: what its trigger is said to be about. */
static __always_inline const struct kf_term *first_term(const struct kf_rule *rule, u32 passed)
{
	return &control.terms[lowest_bit(passed & rule->terms) & (KF_MAX_TERMS - 1)];
}

static __always_inline u32 trigger_kind(const struct kf_term *term)
{
	if (!term->event)
		return KF_TRIGGER_AGGREGATE;
	if (term->kind == KF_WAITS_THROTTLED)
		return KF_TRIGGER_THROTTLED;
	return (KF_TRIGGER_RUNQ + term->kind) & (KF_TRIGGER_KINDS - 1);
}

static __always_inline bool takes_gate(void)
{
	return *(volatile u32 *)&control.gate == KF_GATE_ARMED &&
	       __sync_val_compare_and_swap(&control.gate, KF_GATE_ARMED, KF_GATE_HELD) == KF_GATE_ARMED;
}

#define TRY_WON	  (1u << 8) /* it has the gate; ... */
#define TRY_LATER (1u << 9) /* it may have it later */

/*
 * How rules are tried: in the low half the terms for which chance has been asked before; and whether those that get nothing now are
 * told so (TRY_LATER), to try again, instead of being counted as suppressed.
 */
#define TRY_AGAIN (1ULL << 32)

static __always_inline u32 suppress(u64 how, __u64 *of_rule, __u64 *of_kind)
{
	if (how & TRY_AGAIN)
		return TRY_LATER;
	__sync_fetch_and_add(of_rule, 1);
	__sync_fetch_and_add(of_kind, 1);
	return 0;
}

/*
 * The rule has fired: does it get a snapshot? The order is that of kf_rule_counts. Returns TRY_WON and 1 + index, TRY_LATER, or
 * 0 if that was it.
 */
__noinline u32 try_rule(u32 index, u32 passed, u64 how, u64 now_ns)
{
	struct kf_rule_counts *counts = &counters.rules[index & (KF_MAX_RULES - 1)];
	struct kf_rule *rule = &control.rules[index & (KF_MAX_RULES - 1)];
	u32 kind = trigger_kind(first_term(rule, passed));

	if (!rule->enabled || *(volatile u32 *)&control.gate == KF_GATE_CLOSED)
		return 0;
	if (!(rule->terms & passed & (u32)how) && bpf_get_prandom_u32() > rule->sample) {
		__sync_fetch_and_add(&counts->sampled, 1);
		return 0;
	}
	if (now_ns < rule->limited_until_ns || now_ns < control.limited_until_ns) {
		if (how & TRY_AGAIN)
			return TRY_LATER;
		__sync_fetch_and_add(&counts->limited, 1);
		return 0;
	}
	if (now_ns < rule->cooldown_until_ns || now_ns < control.cooldown_until_ns)
		return suppress(how, &counts->cooling, &counters.cooling[kind]);
	if (!takes_gate())
		return suppress(how, &counts->busy, &counters.busy[kind]);
	rule->cooldown_until_ns = now_ns + rule->cooldown_ns;
	__sync_fetch_and_add(&counts->hits, 1);
	__sync_fetch_and_add(&counters.hits[kind], 1);
	return TRY_WON | ((index & (KF_MAX_RULES - 1)) + 1);
}

/*
 * All rules that have fired; the first that may gets the gate, and those behind it are served by its snapshot, too: they do
 * not try again. Returns 1 + its index, 0 none; in the high half the terms of those that are to try again.
 */
__noinline u64 try_rules(u32 rules, u32 passed, u64 how, u64 now_ns)
{
	u32 won = 0, later = 0;

	for (u32 i = 0; i < KF_MAX_RULES; i++) {
		u32 outcome;

		if (i >= control.n_rules)
			break;
		if (!(rules >> i & 1))
			continue;
		outcome = try_rule(i, passed, how, now_ns);
		won |= outcome & 31;
		later |= control.rules[i].terms & passed & -(outcome / TRY_LATER & 1);
		if (outcome & TRY_WON)
			how &= ~TRY_AGAIN;
	}
	return won | (u64)later << 32;
}

/* The window of what happened then. */
__noinline int hold_window_of(u64 ts_ns)
{
	hold_rings(control.window_ns && control.window_ns < ts_ns ? ts_ns - control.window_ns : 0,
		   ts_ns + control.hold_max_ns);
	return 0;
}

__noinline int count_hold_latency(u64 event_ns)
{
	u64 us = (bpf_ktime_get_ns() - event_ns) / 1000;

	for (u32 i = 0; i < 16; i++) {
		if (i < 15 && us >> i) /* 1 << i us or more */
			continue;
		__sync_fetch_and_add(&counters.hold_latency[i], 1);
		break;
	}
	return 0;
}

/* Terms have become true: have rules fired? Holds the window if one of them may have it. Returns as try_rules(). */
__noinline u64 fire(u32 passed, u64 how, u64 now_ns)
{
	u32 rules = rules_true(passed, now_ns);
	u64 outcome = 0;

	if (rules)
		outcome = try_rules(rules, passed, how, now_ns);
	if ((u32)outcome) {
		hold_window_of(now_ns);
		count_hold_latency(now_ns);
	}
	return outcome;
}

/* User space never gets it: nobody would end this hold but its timeout. It counts as if the gate had been shut, and cools nothing down. */
static __noinline int take_back(u32 index, u32 kind)
{
	struct kf_rule_counts *counts = &counters.rules[index & (KF_MAX_RULES - 1)];

	__sync_fetch_and_add(&counters.lost_triggers, 1);
	__sync_fetch_and_add(&counts->hits, -1);
	__sync_fetch_and_add(&counts->busy, 1);
	control.rules[index & (KF_MAX_RULES - 1)].cooldown_until_ns = 0;
	__sync_fetch_and_add(&counters.hits[kind & (KF_TRIGGER_KINDS - 1)], -1);
	__sync_fetch_and_add(&counters.busy[kind & (KF_TRIGGER_KINDS - 1)], 1);
	release_rings();
	__sync_val_compare_and_swap(&control.gate, KF_GATE_HELD, KF_GATE_ARMED);
	return 0;
}

/* The window is held: tells user space which rule it was, by which of the terms passed. */
static __always_inline void send(struct kf_trigger *trigger, u32 rule, u32 passed)
{
	const struct kf_rule *winner = &control.rules[(rule - 1) & (KF_MAX_RULES - 1)];
	const struct kf_term *term = first_term(winner, passed);

	trigger->kind = trigger_kind(term);
	trigger->threshold_ns = term->limit_ns;
	trigger->rule = rule;
	trigger->cpu = bpf_get_smp_processor_id();
	if (bpf_ringbuf_output(&triggers, trigger, sizeof(*trigger), 0))
		take_back(rule - 1, trigger->kind);
}

/* A wait that is over, and long enough for a closer look. */
struct long_wait {
	u64 now_ns;
	u64 since_ns;
	u64 throttled_ns; /* of that; 0 unless a gap ends */
	u64 arg0;
	u32 what;  /* AS_SYSCALL() */
	u32 terms; /* that may be true for it */
	u64 drawn; /* ... for which chance has been asked */
};

/* The terms that it passes; in the high half 1 + index of the rule for which the window is held now, 0 none. */
__noinline u64 pass(const struct long_wait *wait)
{
	u32 passed;

	if (!wait)
		return 0;
	passed = terms_passed(wait->now_ns - wait->since_ns, wait->what, wait->terms);
	if (wait->throttled_ns)
		passed |= terms_passed(wait->throttled_ns, AS(THROTTLED), wait->terms);
	if (!passed)
		return 0;
	remember(passed, wait->now_ns);
	return passed | fire(passed, wait->drawn, wait->now_ns) << 32;
}

/* The window is held for it: not in one function with holding it, the stack of both would be too deep. */
static __noinline int tell_of(struct task_struct *task, const struct long_wait *wait, u32 rule, u32 passed)
{
	struct kf_trigger trigger = {
		.ts_ns = wait->now_ns,
		.since_ns = wait->since_ns,
		.arg0 = wait->arg0,
		.tid = task->pid,
		.tgid = task->tgid,
		.nr = NR_OF(wait->what),
	};

	BPF_CORE_READ_INTO(&trigger.comm, task, comm);
	BPF_CORE_READ_INTO(&trigger.process_comm, task, group_leader, comm);
	send(&trigger, rule, passed);
	return 0;
}

/* Returns the terms that it passes. */
static __always_inline u32 look_closer(struct task_struct *task, const struct long_wait *wait)
{
	u64 outcome = pass(wait);

	if (outcome >> 32)
		tell_of(task, wait, outcome >> 32, outcome);
	return outcome;
}

/* Syscall terms that are not news in the syscall the thread is in. */
static __always_inline u32 told_in_syscall(const struct thread_state *state)
{
	return state->syscall_ns && state->told_in_ns == state->syscall_ns ? state->told : 0;
}

static __always_inline void tell_in_syscall(struct thread_state *state, u32 terms)
{
	terms &= terms_of[KF_WAITS_SYSCALL];
	if (!terms || !state->syscall_ns)
		return;
	state->told = told_in_syscall(state) | terms;
	state->told_in_ns = state->syscall_ns;
}

/* It runs again: was it runnable, or throttled, for too long? told: as of watch_end(). */
static __always_inline void judge_gap(struct task_struct *task, const struct thread_state *state, u64 since_ns,
				      u64 throttled_ns, u64 told, u64 now_ns)
{
	struct long_wait wait;

	if (!passes(KF_TRIGGER_RUNQ, now_ns - since_ns) && !passes(KF_TRIGGER_THROTTLED, throttled_ns))
		return;
	wait.now_ns = now_ns;
	wait.since_ns = since_ns;
	wait.throttled_ns = throttled_ns;
	wait.arg0 = state->arg0;
	wait.what = AS_SYSCALL(AS(RUNQ), state->nr);
	wait.terms = state->terms & ~(u32)told;
	wait.drawn = told >> 32;
	if (wait.terms)
		look_closer(task, &wait);
}

/* It is woken: was it off the CPU for too long? */
static __always_inline void judge_sleep(struct task_struct *task, struct thread_state *state, u64 told, u64 now_ns)
{
	struct long_wait wait;

	if (!slept_long(state->nr, state->in_syscall, now_ns - state->off_ns))
		return;
	wait.now_ns = now_ns;
	wait.since_ns = state->off_ns;
	wait.throttled_ns = 0;
	wait.arg0 = state->arg0;
	wait.what = sleep_as(state->nr, state->in_syscall);
	wait.terms = terms_when_blocked(state) & ~((u32)told | told_in_syscall(state));
	wait.drawn = told >> 32;
	if (wait.terms)
		told |= look_closer(task, &wait);
	tell_in_syscall(state, told);
}

/*
 * It runs again, and its wait off the CPU still looks open: the wake-up was not seen (a probe that nests in itself is skipped), or came
 * when it was not yet off the CPU. What fired meanwhile and tries again counts now. told: as of watch_end().
 */
static __always_inline void judge_missed_end(struct task_struct *task, struct thread_state *state, u64 told, u64 now_ns)
{
	u32 again = (u32)(told >> 32) & ~terms_of[KF_WAITS_RUNQ];
	struct long_wait wait;

	tell_in_syscall(state, told | again);
	if (!again || !state->off_ns)
		return;
	wait.now_ns = now_ns;
	wait.since_ns = state->off_ns;
	wait.throttled_ns = 0;
	wait.arg0 = state->arg0;
	wait.what = sleep_as(state->nr, state->in_syscall);
	wait.terms = again;
	wait.drawn = again;
	look_closer(task, &wait);
}

/* Its syscall ends. */
static __always_inline void judge_syscall(struct task_struct *task, const struct thread_state *state, u16 nr, u64 arg0,
					  u64 now_ns)
{
	u64 threshold_ns = syscall_threshold(nr);
	struct long_wait wait;

	if (!threshold_ns || now_ns - state->syscall_ns < threshold_ns)
		return;
	wait.now_ns = now_ns;
	wait.since_ns = state->syscall_ns;
	wait.throttled_ns = 0;
	wait.arg0 = arg0;
	wait.what = AS_SYSCALL(AS(SYSCALL), nr);
	wait.terms = state->terms & ~told_in_syscall(state);
	wait.drawn = 0;
	if (wait.terms)
		look_closer(task, &wait);
}

#endif
