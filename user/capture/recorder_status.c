/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_status.c - the numbers a running recorder tells, read from its mapped pages. */
#include "capture/recorder.h"

#include <string.h>

#include "capture/recorder_internal.h"

#include "kflight.skel.h"

static uint64_t covered_ns(const struct kf_recorder *r, uint32_t cpu, uint64_t now_ns)
{
	const struct kf_ring_head *ring = kf_recorder_ring(r, KF_CLASS_SCHED, cpu);
	uint64_t slots = r->plan.slots[KF_CLASS_SCHED], segment = slots / KF_RING_SEGMENTS;
	uint64_t oldest_ns;

	if (ring->head <= slots)
		return now_ns - r->started_ns;
	oldest_ns = ring->mark_ns[(ring->head / segment + 1) % KF_RING_SEGMENTS]; /* first segment that is whole */
	return now_ns > oldest_ns ? now_ns - oldest_ns : 0;
}

bool kf_recorder_cpu_status(const struct kf_recorder *r, uint32_t cpu, struct kf_recorder_cpu *out)
{
	if (cpu >= r->plan.n_cpus)
		return false;
	memset(out, 0, sizeof(*out));
	out->window_held_ns = covered_ns(r, cpu, kf_monotonic_ns());
	for (int class = 0; class < KF_CLASSES; class ++) {
		out->slots_written += kf_recorder_ring(r, class, cpu)->head;
		out->records_dropped += kf_recorder_ring(r, class, cpu)->dropped;
	}
	return true;
}

void kf_recorder_status(const struct kf_recorder *r, struct kf_recorder_status *out)
{
	const struct kf_counters *counters = &r->bpf->bss->counters;
	struct kf_recorder_cpu part;

	memset(out, 0, sizeof(*out));
	out->window_held_ns = UINT64_MAX;
	for (uint32_t cpu = 0; kf_recorder_cpu_status(r, cpu, &part); cpu++) {
		out->slots_written += part.slots_written;
		out->records_dropped += part.records_dropped;
		for (int class = 0; class < KF_CLASSES; class ++)
			out->class_slots[class] += kf_recorder_ring(r, class, cpu)->head;
		if (part.window_held_ns < out->window_held_ns)
			out->window_held_ns = part.window_held_ns;
		if (cpu < sizeof(r->bpf->bss->cpu_base) / sizeof(r->bpf->bss->cpu_base[0]))
			out->contexts_known |= r->bpf->bss->cpu_base[cpu] > 1;
	}
	for (int rule = 0; rule < KF_MAX_RULES; rule++) {
		struct kf_rule_counts counts;

		kf_recorder_rule_counts(r, rule, &counts);
		out->hits += counts.hits;
		out->suppressed += counts.cooling + counts.busy + counts.sampled + counts.limited;
	}
	out->unwatched = counters->unwatched;
	out->unfollowed = counters->unfollowed;
	out->no_state = counters->no_state;
	out->bad_waits = counters->bad_waits;
	out->lost_triggers = counters->lost_triggers;
	out->flooded = counters->flooded;
	out->checks = counters->checks;
	out->check_ns = counters->check_ns;
}

void kf_recorder_hold_latency(const struct kf_recorder *r, uint64_t out[16])
{
	memcpy(out, r->bpf->bss->counters.hold_latency, sizeof(r->bpf->bss->counters.hold_latency));
}
