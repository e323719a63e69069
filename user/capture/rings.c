/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/rings.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "snapshot/snapshot.h"

#define NS_PER_S 1000000000ULL

size_t kf_ring_bytes(uint64_t slots)
{
	return KF_RING_HEAD_BYTES + slots * KF_SLOT_BYTES;
}

uint64_t kf_ring_plan_bytes(const struct kf_ring_plan *plan)
{
	uint64_t bytes = 0;

	for (int class = 0; class < KF_CLASSES; class ++)
		bytes += kf_ring_bytes(plan->slots[class]) * plan->n_cpus;
	return bytes;
}

static uint64_t at_least_minimum(uint64_t slots)
{
	return slots < KF_RING_MIN_SLOTS ? KF_RING_MIN_SLOTS : slots;
}

/*
 * Births and names are rare: a sixteenth. A syscall takes two slots, but only the slow ones are recorded: a half. Interrupts: a
 * tick makes about four, a flood of them 10,000 a second: an eighth.
 */
static void derive_classes(struct kf_ring_plan *plan, uint64_t sched_slots, enum kf_syscall_mode syscalls)
{
	plan->slots[KF_CLASS_SCHED] = sched_slots;
	plan->slots[KF_CLASS_LIFE] = at_least_minimum(sched_slots / 16);
	plan->slots[KF_CLASS_TAKEN] = at_least_minimum(sched_slots / 8);
	plan->slots[KF_CLASS_SYSCALL] =
		syscalls >= KF_SYSCALLS_SLOW ? at_least_minimum(sched_slots / 2) : KF_RING_MIN_SLOTS;
}

int kf_ring_plan(struct kf_ring_plan *plan, uint32_t n_cpus, uint64_t window_ns, uint64_t max_bytes,
		 enum kf_syscall_mode syscalls, struct kf_error *e)
{
	uint64_t want = KF_PLAN_MAX_SLOTS, slots;
	char size[32];

	if (window_ns)
		want = window_ns / NS_PER_S * KF_PLAN_SLOTS_PER_SECOND +
		       window_ns % NS_PER_S * KF_PLAN_SLOTS_PER_SECOND / NS_PER_S;
	want = want * 5 / 4;
	plan->n_cpus = n_cpus;
	for (slots = KF_RING_MIN_SLOTS; slots < want && slots < KF_PLAN_MAX_SLOTS; slots *= 2)
		;
	for (; slots >= KF_RING_MIN_SLOTS; slots /= 2) {
		derive_classes(plan, slots, syscalls);
		if (!max_bytes || kf_ring_plan_bytes(plan) <= max_bytes)
			return 0;
	}
	kf_format_size(kf_ring_plan_bytes(plan), size, sizeof(size));
	return kf_fail(e, KF_USAGE, "give more: --window 10s,64mb", "window too small: %u CPUs need at least %s",
		       n_cpus, size);
}

void kf_ring_plan_limit(struct kf_ring_plan *plan, uint64_t max_slots)
{
	for (int class = 0; class < KF_CLASSES; class ++)
		if (plan->slots[class] > max_slots)
			plan->slots[class] = max_slots;
}

#define SHARE_PART 8

struct kf_ring_share kf_ring_share(uint64_t slots, uint64_t window_ns)
{
	double periods = (double)window_ns / (double)(1ULL << KF_FLOOD_PERIOD_SHIFT);
	uint64_t part = slots / SHARE_PART;
	double leak = periods > 1 ? (double)part / periods : (double)part;

	return (struct kf_ring_share){ .depth_slots = (uint32_t)part, .leak_slots = leak > 1 ? (uint32_t)leak : 1 };
}

uint64_t kf_ring_plan_window_ns(const struct kf_ring_plan *plan, uint64_t window_ns)
{
	return window_ns ? window_ns : plan->slots[KF_CLASS_SCHED] * NS_PER_S / KF_PLAN_SLOTS_PER_SECOND;
}

static uint64_t load_head(const struct kf_ring_head *ring)
{
	return atomic_load_explicit((const _Atomic uint64_t *)&ring->head, memory_order_acquire);
}

/* Number of the first slot worth copying: start of the youngest segment that began at or before from_ns. */
static uint64_t first_wanted(const struct kf_ring_head *ring, uint64_t slots, uint64_t head, uint64_t from_ns)
{
	uint64_t segment = slots / KF_RING_SEGMENTS;
	uint64_t oldest = head > slots ? head - slots : 0;
	uint64_t now = head / segment;

	for (uint64_t back = 0; back < KF_RING_SEGMENTS - 1 && back <= now; back++) {
		uint64_t first = (now - back) * segment;

		if (first <= oldest)
			break;
		if (kf_segment_began_by(ring, now - back, from_ns))
			return first;
	}
	return oldest;
}

/* Word by word, seq first: memcpy promises no order. A slot that is not committed gets kind 0. */
static void copy_slot(struct kf_slot *to, const struct kf_slot *from, uint64_t number)
{
	const _Atomic uint64_t *words = (const _Atomic uint64_t *)from;
	uint64_t seq_word = atomic_load_explicit(&words[1], memory_order_acquire);
	uint64_t copy[4];

	copy[0] = atomic_load_explicit(&words[0], memory_order_relaxed);
	copy[1] = seq_word;
	copy[2] = atomic_load_explicit(&words[2], memory_order_relaxed);
	copy[3] = atomic_load_explicit(&words[3], memory_order_relaxed);
	memcpy(to, copy, sizeof(copy));
	if (to->seq != (uint32_t)(number + 1))
		to->kind = KF_INVALID;
}

/* Is the record at this index whole? *width gets its slots. */
static bool is_whole(const struct kf_slot *slots, uint64_t at, uint64_t n, uint64_t *width)
{
	const struct kf_slot *slot = &slots[at];

	*width = 1;
	if (slot->kind == KF_INVALID || slot->kind == KF_MORE)
		return false;
	if (!(slot->flags & KF_F_MORE))
		return true;
	*width = at + 1 < n && slots[at + 1].kind == KF_MORE ? 2 : 1;
	return *width == 2;
}

/* Moves the whole records together, returns how many slots they are. */
static uint64_t keep_whole(struct kf_slot *slots, uint64_t from, uint64_t n, uint64_t *torn)
{
	uint64_t kept = 0, width;
	bool at_old_end = true;

	for (uint64_t i = from; i < n; i += width) {
		if (is_whole(slots, i, n, &width)) {
			memmove(&slots[kept], &slots[i], width * sizeof(*slots));
			kept += width;
			at_old_end = false;
		} else if (!at_old_end || slots[i].kind != KF_MORE) {
			(*torn)++;
		}
	}
	return kept;
}

static void find_oldest(struct kf_ring_copy *out, uint64_t first, uint64_t started_ns)
{
	if (first == 0)
		out->oldest_ns = started_ns;
	else if (out->n_slots)
		out->oldest_ns = out->slots[0].ts_ns;
	else
		out->oldest_ns = UINT64_MAX; /* it wrapped, and nothing could be read: nothing is whole */
}

int kf_ring_read(struct kf_ring_copy *out, const struct kf_ring_head *ring, uint64_t slots, uint64_t from_ns,
		 uint64_t started_ns, struct kf_error *e)
{
	const struct kf_slot *from = (const void *)((const char *)ring + KF_RING_HEAD_BYTES);
	uint64_t head = load_head(ring);
	uint64_t first = first_wanted(ring, slots, head, from_ns);
	uint64_t n = head - first, lost, later;
	struct kf_slot *shrunk;

	memset(out, 0, sizeof(*out));
	out->slots = malloc((n ? n : 1) * sizeof(*out->slots));
	if (!out->slots)
		return kf_fail_memory(e, "the copy of a ring");
	for (uint64_t i = 0; i < n; i++)
		copy_slot(&out->slots[i], &from[(first + i) & (slots - 1)], first + i);
	atomic_thread_fence(memory_order_seq_cst);
	later = load_head(ring);

	/* Head moves before payload: what a later head does not reach was not touched. */
	lost = later > first + slots ? later - slots - first : 0;
	if (lost > n)
		lost = n;
	out->torn = lost;
	out->n_slots = keep_whole(out->slots, lost, n, &out->torn);
	out->written = later;
	out->overwritten = later > slots ? later - slots : 0;
	out->dropped = ring->dropped;
	out->drop_first_ns = ring->drop_first_ns; /* every hold starts it at 0 */
	find_oldest(out, first + lost, started_ns);
	shrunk = realloc(out->slots, (out->n_slots ? out->n_slots : 1) * sizeof(*out->slots));
	if (shrunk)
		out->slots = shrunk;
	return 0;
}
