/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * waits.bpf.h - counts the waits of tracked threads where they end: by length, and for each aggregate term they are of.
 *
 * What a wait is, is what the triggers and `check` say it is: block and futex from leaving the CPU to the wake-up, runq from there
 * until it runs, throttled the part of that in which its quota was used up, syscall from entry to exit. A wait in futex(2) counts in
 * block and in futex. Waits whose begin was not seen are in none; nor is the sleep of an idle kernel thread, unless somebody
 * asked for that thread by a filter (as for triggers).
 *
 * Nothing here runs unless it was asked for: its switches are constants to the verifier, which leaves out what is off.
 */
#ifndef KF_WAITS_BPF_H
#define KF_WAITS_BPF_H

/* An element per CPU: set before load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kf_cpu_waits);
} cpu_waits SEC(".maps");

const volatile bool count_waits;		      /* histograms */
const volatile __u32 aggregate_terms[KF_WAITS_KINDS]; /* a bit each */

static __always_inline bool counts(u32 kind)
{
	return count_waits || aggregate_terms[kind];
}

static __always_inline u32 wait_bucket(u64 ns)
{
	u32 bucket = 0; /* so many powers of two, from 1 us on, are not longer than it */

	for (u32 step = 16; step; step /= 2)
		if (bucket + step < KF_WAITS_BUCKETS && ns >= 1000ULL << (bucket + step - 1))
			bucket += step;
	return bucket < KF_WAITS_BUCKETS ? bucket : KF_WAITS_BUCKETS - 1;
}

static __always_inline void add_to_histogram(struct kf_wait_histogram *waits, u64 ns)
{
	waits->ns += ns;
	waits->buckets[wait_bucket(ns)]++;
}

static __always_inline bool is_of_term(const struct kf_term *term, u32 kind, u16 nr)
{
	if (kind != KF_WAITS_SYSCALL || term->any_syscall)
		return true;
	return nr < KF_MAX_SYSCALLS && term->syscalls[nr / 64 & 7] >> (nr & 63) & 1;
}

static __always_inline void add_to_term(struct kf_term_stats *stats, const struct kf_term *term, u64 ns)
{
	stats->count++;
	stats->ns += ns;
	if (ns > term->limit_ns || (term->or_equal && ns == term->limit_ns))
		stats->above++;
}

/* Not static: the verifier then looks at it once, not on each of the ways that lead to it. */
__noinline int add_wait(u32 kind, u64 ns, u32 nr, u32 terms, u32 in_histogram)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct kf_cpu_waits *waits = bpf_map_lookup_elem(&cpu_waits, &cpu);

	if (!waits || kind >= KF_WAITS_KINDS)
		return 0;
	if (count_waits && in_histogram)
		add_to_histogram(&waits->waits[kind], ns);
	for (u32 i = 0; i < KF_MAX_TERMS; i++) {
		if (!terms)
			break;
		if (terms & 1 && is_of_term(&control.terms[i], kind, nr))
			add_to_term(&waits->terms[i], &control.terms[i], ns);
		terms >>= 1;
	}
	return 0;
}

static __always_inline void count_wait(const struct thread_state *state, u32 kind, u64 ns, u16 nr)
{
	if (counts(kind) && state->tracked)
		add_wait(kind, ns, nr, aggregate_terms[kind] & state->terms, true);
}

/* A wake may be seen before the switch-out it ends, by this much at most (the waker spins on the run queue lock). */
#define MAX_WAKE_LEAD_NS 50000

/* When its sleep was over. If the wake-up was not seen: now at the latest. */
static __always_inline u64 sleep_end_ns(const struct thread_state *state, u64 now_ns)
{
	if (state->wake_ns >= state->off_ns)
		return state->wake_ns;
	return state->wake_ns + MAX_WAKE_LEAD_NS >= state->off_ns ? state->off_ns : now_ns;
}

/*
 * It runs again: counts the sleep before. Not at the wake-up, which can come while the thread is still on its way to sleep; here all is
 * known. Before take_runnable_since(), which forgets.
 */
static __always_inline void count_sleep(const struct thread_state *state, u64 now_ns)
{
	u64 end_ns;
	u32 terms;
	bool idle;

	if ((!counts(KF_WAITS_BLOCK) && !counts(KF_WAITS_FUTEX)) || !state->off_ns || !state->tracked)
		return;
	end_ns = sleep_end_ns(state, now_ns);
	if (state->before_us || end_ns <= state->off_ns)
		return;
	idle = is_idle_kthread(state);
	terms = terms_when_blocked(state);
	if (counts(KF_WAITS_BLOCK) && (!idle || terms))
		add_wait(KF_WAITS_BLOCK, end_ns - state->off_ns, state->nr, aggregate_terms[KF_WAITS_BLOCK] & terms,
			 !idle);
	if (counts(KF_WAITS_FUTEX) && state->in_syscall && is_futex_wait(state->nr))
		add_wait(KF_WAITS_FUTEX, end_ns - state->off_ns, state->nr, aggregate_terms[KF_WAITS_FUTEX] & terms,
			 true);
}

#endif
