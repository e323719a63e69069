/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* command.bpf.h - what user space has done in the kernel, by bpf_prog_test_run. */
#ifndef KF_COMMAND_BPF_H
#define KF_COMMAND_BPF_H

#define CLOCK_MONOTONIC 1

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
	hold_window_of(now_ns);
	__sync_fetch_and_add(&counters.hits[KF_TRIGGER_REQUEST], 1);
	return 0;
}

/* Aggregates are true, as user space found and stored. The rules they are part of may fire, as at an event; the answer says which one did. */
SEC("syscall")
int set_terms_true(struct kf_set_true *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();

	ctx->ts_ns = now_ns;
	ctx->rule = fire(ctx->terms, 0, now_ns);
	return 0;
}

/* The copy is done: records may overwrite again. The gate stays shut until user space opens it. */
SEC("syscall")
int release_window(void *ctx)
{
	release_rings();
	return 0;
}

#endif
