/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* irq.bpf.h - the probes of interrupts and softirqs; what they add up to is in taken.bpf.h. */
#ifndef KF_IRQ_BPF_H
#define KF_IRQ_BPF_H

#define PROBE_ENTRY(hook, level)                                                                                       \
	SEC("tp_btf/" #hook "_entry")                                                                                  \
	int on_##hook##_entry(void *ctx)                                                                               \
	{                                                                                                              \
		irq_begins(level);                                                                                     \
		return 0;                                                                                              \
	}
#define PROBE_EXIT(hook, level, vector)                                                                                \
	SEC("tp_btf/" #hook "_exit")                                                                                   \
	int on_##hook##_exit(u64 *ctx)                                                                                 \
	{                                                                                                              \
		irq_ends(level, vector);                                                                               \
		return 0;                                                                                              \
	}

/* The first argument of these two is their number. */
PROBE_ENTRY(irq_handler, HARD)
PROBE_EXIT(irq_handler, HARD, ctx[0])
PROBE_ENTRY(softirq, SOFT)
PROBE_EXIT(softirq, SOFT, ctx[0])
PROBE_ENTRY(call_function, HARD)
PROBE_EXIT(call_function, HARD, KF_VECTOR_CALL)
PROBE_ENTRY(call_function_single, HARD)
PROBE_EXIT(call_function_single, HARD, KF_VECTOR_CALL)

PROBE_ENTRY(local_timer, HARD)

/* The tick has updated the run queue's clock. */
SEC("tp_btf/local_timer_exit")
int on_local_timer_exit(void *ctx)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct taken_state *state = taken_state(cpu);

	irq_ends(HARD, KF_VECTOR_TIMER);
	if (state)
		look_at_steal(state, cpu, bpf_ktime_get_ns(), false);
	return 0;
}

#endif
