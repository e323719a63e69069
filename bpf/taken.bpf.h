/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * taken.bpf.h - CPU time that no thread got: interrupts and softirqs, and what the hypervisor gave to others.
 *
 * Every interrupt is measured, but a flood of short ones would fill its ring: those that take less than KF_IRQ_SHORT_NS are
 * added up, and leave as one record when the next one is of another vector, when KF_IRQ_SPAN_NS are over, or when another
 * thread comes to the CPU. So no record covers two threads.
 */
#ifndef KF_TAKEN_BPF_H
#define KF_TAKEN_BPF_H

#define KF_IRQ_SHORT_NS 10000
#define KF_IRQ_SPAN_NS	200000
#define KF_STEAL_MIN_NS 1000

/* Short interrupts of one vector that have not been written yet. */
struct short_ones {
	u64 start_ns;
	u64 end_ns;
	u32 ns; /* 0: there are none */
	u16 vector;
	u16 zero;
};

enum { HARD = 0, SOFT = 1 };

struct taken_state {
	u64 began_ns[2]; /* of the hard interrupt, of the softirq that runs; 0 none */
	u64 hard_ns;	 /* that hard interrupts took from this softirq */
	u64 steal_ns;	 /* the run queue's count when it was looked at last */
	u64 steal_at_ns; /* when that was; 0 never */
	struct short_ones short_ones[2];
} __attribute__((aligned(64)));

static struct taken_state taken_states[MAX_CPUS];

const volatile __u32 sources; /* enum kf_sources */

/* Interrupts that began before are of a time when these probes were away (user/capture/shed.c). */
__u64 irqs_since_ns;

static __always_inline void write_taken(u8 kind, u8 flags, u16 vector, u64 start_ns, u64 end_ns, u64 ns)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct kf_ring_head *ring = this_ring(&rings_taken);
	struct kf_slot *slot;
	u64 number;

	if (!ring || !reserve(ring, KF_CLASS_TAKEN, 1, end_ns, &number))
		return;
	slot = slot_at(ring, KF_CLASS_TAKEN, number);
	slot->ts_ns = end_ns;
	slot->tid = current->pid;
	slot->peer = ns < ~0U ? ns : ~0U;
	slot->kind = kind;
	slot->flags = flags;
	slot->nr = vector;
	slot->start_ns = start_ns;
	commit(slot, number);
}

static __always_inline void write_irq(u32 level, u16 vector, u64 start_ns, u64 end_ns, u64 ns)
{
	write_taken(KF_IRQ, level == SOFT ? KF_F_SOFTIRQ : 0, vector, start_ns, end_ns, ns);
}

static __always_inline void write_short_ones(struct taken_state *state, u32 level)
{
	struct short_ones *s = &state->short_ones[level];

	if (!s->ns)
		return;
	write_irq(level, s->vector, s->start_ns, s->end_ns, s->ns);
	s->ns = 0;
}

static __always_inline struct taken_state *taken_state(u32 cpu)
{
	if (cpu >= MAX_CPUS)
		return NULL;
	return &taken_states[bounded_cpu(cpu)];
}

static __always_inline void irq_begins(u32 level)
{
	struct taken_state *state = taken_state(bpf_get_smp_processor_id());

	if (!state)
		return;
	if (level == SOFT)
		state->hard_ns = 0; /* before the clock: an interrupt in between is not in this softirq */
	state->began_ns[level] = bpf_ktime_get_ns();
}

static __always_inline void irq_ends(u32 level, u16 vector)
{
	struct taken_state *state = taken_state(bpf_get_smp_processor_id());
	u64 now_ns, began_ns, ns;
	struct short_ones *s;

	if (!state || !state->began_ns[level]) /* its begin was not seen */
		return;
	now_ns = bpf_ktime_get_ns();
	began_ns = state->began_ns[level];
	state->began_ns[level] = 0;
	if (began_ns < irqs_since_ns)
		return;
	ns = now_ns - began_ns;
	if (level == HARD)
		state->hard_ns += ns;
	else
		ns -= state->hard_ns < ns ? state->hard_ns : ns;
	s = &state->short_ones[level];
	if (s->ns && (s->vector != vector || ns >= KF_IRQ_SHORT_NS || now_ns - s->start_ns > KF_IRQ_SPAN_NS))
		write_short_ones(state, level);
	if (ns >= KF_IRQ_SHORT_NS) {
		write_irq(level, vector, began_ns, now_ns, ns);
		return;
	}
	if (!s->ns) {
		s->start_ns = began_ns;
		s->vector = vector;
	}
	s->end_ns = now_ns;
	s->ns += ns;
}

/*
 * The run queue counts what the hypervisor took each time it updates its clock: before every switch, and in every tick.
 * Between two looks it cannot be told when that was.
 */
static __always_inline void look_at_steal(struct taken_state *state, u32 cpu, u64 now_ns, bool can_cast)
{
	u64 base = cpu < MAX_CPUS ? cpu_base[bounded_cpu(cpu)] : 0;
	u64 steal_ns, grown_ns;

	if (!(sources & KF_SOURCE_STEAL) || base <= NO_BASE)
		return;
	steal_ns = peek(base + runqueues_offset + bpf_core_field_offset(struct rq, prev_steal_time_rq), can_cast);
	grown_ns = steal_ns - state->steal_ns;
	if (grown_ns >= KF_STEAL_MIN_NS) {
		if (state->steal_at_ns && state->steal_at_ns < now_ns)
			write_taken(KF_STEAL, 0, 0, state->steal_at_ns, now_ns, grown_ns);
		state->steal_ns = steal_ns;
	}
	state->steal_at_ns = now_ns;
}

/* Another thread comes to this CPU. A softirq that is switched away (PREEMPT_RT) counts as its thread's time. */
static __always_inline void taken_switch(u32 cpu, u64 now_ns, bool can_cast)
{
	struct taken_state *state = taken_state(cpu);

	if (!state)
		return;
	if (sources & KF_SOURCE_IRQ) {
		write_short_ones(state, HARD);
		write_short_ones(state, SOFT);
		state->began_ns[SOFT] = 0;
	}
	look_at_steal(state, cpu, now_ns, can_cast);
}

#endif
