/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/taken.h"

#include <stdlib.h>

#include "base/bisect.h"
#include "base/error.h"
#include "model/about.h"
#include "model/parts.h"
#include "model/timeline.h"
#include "snapshot/snapshot.h"

static bool decode(const struct kf_slot *slot, struct kf_taken *out)
{
	*out = (struct kf_taken){ .start_ns = slot->start_ns, .end_ns = slot->ts_ns, .ns = slot->peer };
	switch (slot->kind) {
	case KF_IRQ:
		out->kind = slot->flags & KF_F_SOFTIRQ ? KF_PART_SOFTIRQ : KF_PART_IRQ;
		out->vector = slot->nr;
		break;
	case KF_STEAL:
		out->kind = KF_PART_STEAL;
		break;
	default:
		return false;
	}
	if (out->start_ns >= out->end_ns || !out->ns)
		return false;
	if (out->ns > out->end_ns - out->start_ns)
		out->ns = out->end_ns - out->start_ns;
	return true;
}

static int by_end(const void *va, const void *vb)
{
	const struct kf_taken *a = va, *b = vb;

	return (a->end_ns > b->end_ns) - (a->end_ns < b->end_ns);
}

/* One that reaches far back, as steal of a CPU that slept long, hinders only searches in that time. */
static void find_earliest(struct kf_cpu *cpu)
{
	uint64_t earliest_ns = UINT64_MAX;

	for (size_t i = cpu->n_taken; i-- > 0;) {
		if (cpu->taken[i].start_ns < earliest_ns)
			earliest_ns = cpu->taken[i].start_ns;
		cpu->taken[i].earliest_ns = earliest_ns;
	}
}

static int read_cpu(const struct kf_timeline *t, const struct kf_ring_copy *ring, struct kf_cpu *cpu)
{
	bool sorted = true;

	cpu->taken_floor_ns = ring->oldest_ns;
	if (ring->drop_last_ns > cpu->taken_floor_ns)
		cpu->taken_floor_ns = ring->drop_last_ns;
	if (!ring->n_slots)
		return 0;
	cpu->taken = calloc(ring->n_slots, sizeof(*cpu->taken));
	if (!cpu->taken)
		return -1;
	for (size_t i = 0; i < ring->n_slots; i++) {
		struct kf_taken taken;

		if (!decode(&ring->slots[i], &taken) || taken.end_ns <= t->floor_ns || taken.start_ns >= t->end_ns)
			continue;
		if (cpu->n_taken && taken.end_ns < cpu->taken[cpu->n_taken - 1].end_ns)
			sorted = false;
		cpu->taken[cpu->n_taken++] = taken;
	}
	if (!sorted)
		qsort(cpu->taken, cpu->n_taken, sizeof(*cpu->taken), by_end);
	find_earliest(cpu);
	return 0;
}

int kf_taken_read(struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e)
{
	for (uint32_t cpu = 0; cpu < t->n_cpus && cpu < s->n_cpus; cpu++)
		if (read_cpu(t, &s->rings[KF_CLASS_TAKEN][cpu], &t->cpus[cpu]))
			return kf_fail_memory(e, "interrupts");
	for (uint32_t cpu = 0; cpu < t->n_cpus && !(s->sources & KF_SOURCE_IRQ); cpu++)
		t->cpus[cpu].taken_floor_ns = UINT64_MAX;
	return 0;
}

static struct kf_gap *gap_that_ends(struct kf_timeline *t, uint64_t end_ns, uint32_t tid)
{
	size_t at = KF_BISECT(t->n_gaps, i, t->gaps[i].end_ns < end_ns);

	for (; at < t->n_gaps && t->gaps[at].end_ns == end_ns; at++)
		if (t->threads[t->gaps[at].thread].tid == tid)
			return &t->gaps[at];
	return NULL;
}

#define MAX_DEPTH 64

/*
 * Whose quota a thread of this cgroup uses up, where no record tells: the one there is. With several on the way up the smallest
 * need not be it, others may use up the larger one together.
 */
static uint32_t only_quota(const struct kf_timeline *t, uint32_t group)
{
	uint32_t at = group, found = KF_NO_CGROUP;

	for (int depth = 0; at != KF_NO_CGROUP && depth < MAX_DEPTH; depth++, at = t->cgroups[at].parent) {
		if (!t->cgroups[at].quota_ns)
			continue;
		if (found != KF_NO_CGROUP)
			return KF_NO_CGROUP;
		found = at;
	}
	return found != KF_NO_CGROUP ? found : group;
}

/*
 * The record says for how long the quota was used up, and whether that was so from the start. If not, it began when the last
 * thread of the group left the CPU, of which there is no record: it ended at most a period before the thread ran again, and
 * the end of the gap is the best place there is.
 */
static void throttle(struct kf_timeline *t, const struct kf_slot *slot, const struct kf_group_id *ids)
{
	struct kf_gap *gap = gap_that_ends(t, slot->ts_ns, slot->tid);
	uint64_t ns = (uint64_t)slot->peer * KF_WAIT_TICK_NS;

	if (!gap || !ns)
		return;
	if (ns > gap->end_ns - gap->start_ns)
		ns = gap->end_ns - gap->start_ns;
	gap->cgroup = kf_group_find(ids, t->n_cgroups, slot->cgroup_id);
	if (!(slot->flags & KF_F_LIMITING))
		gap->cgroup = only_quota(t, gap->cgroup);
	gap->throttled_start_ns = slot->flags & KF_F_AT_START ? gap->start_ns : gap->end_ns - ns;
	gap->throttled_end_ns = gap->throttled_start_ns + ns;
}

/* Was its CPU idle when it was woken, and for at least half of the gap? Else whoever came first is what it waited for. */
static bool found_idle_cpu(const struct kf_timeline *t, const struct kf_gap *gap)
{
	const struct kf_stretch *first = gap->n_stretches ? &t->stretches[gap->first_stretch] : NULL;
	const struct kf_cpu *cpu = first && first->cpu < t->n_cpus ? &t->cpus[first->cpu] : NULL;
	size_t at;

	if (!cpu)
		return false;
	at = kf_cpu_run_at(cpu, gap->start_ns);
	if (at >= cpu->n_runs || cpu->runs[at].start_ns > gap->start_ns || cpu->runs[at].thread != KF_IDLE)
		return false;
	return cpu->runs[at].end_ns >= gap->start_ns + (gap->end_ns - gap->start_ns) / 2;
}

static enum kf_gap_kind kind_of(const struct kf_timeline *t, const struct kf_gap *gap)
{
	if (gap->throttled || gap->throttled_end_ns)
		return KF_GAP_THROTTLED;
	if (gap->yielded)
		return KF_GAP_YIELDED;
	switch (gap->cause) {
	case KF_CAUSE_PREEMPTED:
		return KF_GAP_PREEMPTED;
	case KF_CAUSE_FORKED:
		return KF_GAP_FORKED;
	case KF_CAUSE_WOKEN:
		return found_idle_cpu(t, gap) ? KF_GAP_IDLE : KF_GAP_QUEUED;
	}
	return KF_GAP_UNKNOWN;
}

/* It began with a throttle, and no record tells for how long: it still lasts, or its record is lost or was never made. */
static void throttle_untold(struct kf_timeline *t, struct kf_gap *gap)
{
	gap->cgroup = only_quota(t, t->threads[gap->thread].cgroup);
	if (!gap->open)
		return;
	gap->throttled_start_ns = gap->start_ns;
	gap->throttled_end_ns = gap->end_ns;
}

int kf_taken_judge_gaps(struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e)
{
	struct kf_group_id *ids = kf_group_ids(s);

	if (!ids)
		return kf_fail_memory(e, "cgroups");
	for (size_t i = 0; i < t->n_gaps; i++)
		t->gaps[i].cgroup = KF_NO_CGROUP;
	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		const struct kf_ring_copy *ring = &s->rings[KF_CLASS_TAKEN][cpu];

		for (size_t i = 0; i < ring->n_slots; i++)
			if (ring->slots[i].kind == KF_THROTTLE)
				throttle(t, &ring->slots[i], ids);
	}
	free(ids);
	for (size_t i = 0; i < t->n_gaps; i++) {
		if (t->gaps[i].throttled && !t->gaps[i].throttled_end_ns)
			throttle_untold(t, &t->gaps[i]);
		t->gaps[i].kind = kind_of(t, &t->gaps[i]);
	}
	return 0;
}

const char *kf_gap_kind_name(unsigned int kind)
{
	static const char *const names[KF_GAP_KINDS] = {
		[KF_GAP_UNKNOWN] = "unknown",	  [KF_GAP_PREEMPTED] = "preempted", [KF_GAP_YIELDED] = "yielded",
		[KF_GAP_THROTTLED] = "throttled", [KF_GAP_QUEUED] = "woken",	    [KF_GAP_IDLE] = "woken_idle",
		[KF_GAP_FORKED] = "forked",
	};

	return kind < KF_GAP_KINDS ? names[kind] : names[KF_GAP_UNKNOWN];
}
