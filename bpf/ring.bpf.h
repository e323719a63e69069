/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ring.bpf.h - the overwriting rings: reserve, fill, commit; hold and release.
 *
 * Writers of one ring are the probes of one CPU, which nest (a wake-up from an interrupt hits in the middle of a
 * syscall record), and the order of their slots is the order of their reservations. Head moves by atomic add before any
 * payload is stored, seq is stored last: a reader that sees the right seq, and afterwards a head that has not come
 * round, has a whole slot. Each of the two checks alone lets torn slots through.
 */
#ifndef KF_RING_BPF_H
#define KF_RING_BPF_H

/* One value per CPU: head page and slots. The real value size is set before load. */
#define KF_RING_MAP(name)                                                                                              \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(map_flags, BPF_F_MMAPABLE);                                                                     \
		__uint(max_entries, 1);                                                                                \
		__uint(key_size, 4);                                                                                   \
		__uint(value_size, KF_RING_HEAD_BYTES + KF_RING_MIN_SLOTS * KF_SLOT_BYTES);                            \
	} name SEC(".maps")

KF_RING_MAP(rings_sched);
KF_RING_MAP(rings_syscall);
KF_RING_MAP(rings_life);
KF_RING_MAP(rings_taken);

/* Slots of each class, a power of two. Constant after load: the verifier computes with the value. */
const volatile __u64 ring_slots[KF_CLASSES] = { KF_RING_MIN_SLOTS, KF_RING_MIN_SLOTS, KF_RING_MIN_SLOTS,
						KF_RING_MIN_SLOTS };

/* A held ring stops that many slots early: probes that nest between the check and the reservation still fit. */
#define HOLD_SLACK_SLOTS 64

#define barrier() asm volatile("" ::: "memory")
#define commit(slot, number)                                                                                           \
	do {                                                                                                           \
		barrier();                                                                                             \
		*(volatile u32 *)&(slot)->seq = (u32)(number) + 1;                                                     \
	} while (0)

/* Slot `number` of a ring. Masked before it is multiplied, or the verifier cannot bound it. */
#define slot_at(ring, class, number)                                                                                   \
	((void *)(ring) + KF_RING_HEAD_BYTES + ((number) & (ring_slots[class] - 1)) * KF_SLOT_BYTES)

static __always_inline struct kf_ring_head *this_ring(void *map)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(map, &cpu);
}

/* The ring is held and full. True if the hold has outlived its time and this record may go in after all. */
static __noinline bool hold_expired(struct kf_ring_head *ring, u64 now_ns)
{
	if (!ring)
		return false;
	if (now_ns > ring->hold_until_ns) {
		ring->limit = KF_NO_LIMIT;
		return true;
	}
	__sync_fetch_and_add(&ring->dropped, 1);
	if (!ring->drop_first_ns)
		ring->drop_first_ns = now_ns;
	ring->drop_last_ns = now_ns;
	return false;
}

/* Reserves n (1 or 2) slots. False: the record is dropped. */
static __always_inline bool reserve(struct kf_ring_head *ring, u32 class, u32 n, u64 now_ns, u64 *number)
{
	u64 segment = ring_slots[class] / KF_RING_SEGMENTS;
	u64 last;

	if (ring->head + n > ring->limit && !hold_expired(ring, now_ns))
		return false;
	*number = __sync_fetch_and_add(&ring->head, n);
	last = *number + n - 1;
	if ((last & (segment - 1)) < n) /* a new segment begins here */
		ring->mark_ns[(last / segment) & (KF_RING_SEGMENTS - 1)] = now_ns;
	return true;
}

struct hold_request {
	u64 from_ns;
	u64 until_ns;
	u32 class;
	u32 zero;
};

/*
 * The segment to keep a ring from. Not static: the verifier then looks at this loop once, not again on every way that
 * leads to it, which is more than the one of 6.1 has patience for.
 */
__noinline u64 first_to_keep(const struct kf_ring_head *ring, u64 now, u64 from_ns)
{
	u64 first = 0;

	if (!ring)
		return 0;
	for (u32 back = 0; back < KF_RING_SEGMENTS * 3 / 4; back++) {
		if (back > now)
			break;
		first = now - back;
		if (kf_segment_began_by(ring, first, from_ns))
			break;
	}
	return first;
}

/* Limits one ring so that nothing since from_ns is overwritten; a quarter of it stays free for new records. */
static long hold_ring(void *map, u32 *cpu, struct kf_ring_head *ring, struct hold_request *want)
{
	u64 slots, segment, first;

	if (want->class >= KF_CLASSES)
		return 1;
	slots = ring_slots[want->class];
	segment = slots / KF_RING_SEGMENTS;
	first = first_to_keep(ring, ring->head / segment, want->from_ns); /* from the one being written, backwards */
	ring->drop_first_ns = 0;
	ring->hold_until_ns = want->until_ns;
	barrier();
	ring->limit = first * segment + slots - HOLD_SLACK_SLOTS;
	return 0;
}

static long release_ring(void *map, u32 *cpu, struct kf_ring_head *ring, void *unused)
{
	ring->limit = KF_NO_LIMIT;
	return 0;
}

static __always_inline void hold_rings(u64 from_ns, u64 until_ns)
{
	struct hold_request want = { .from_ns = from_ns, .until_ns = until_ns };

	want.class = KF_CLASS_SCHED;
	bpf_for_each_map_elem(&rings_sched, hold_ring, &want, 0);
	want.class = KF_CLASS_SYSCALL;
	bpf_for_each_map_elem(&rings_syscall, hold_ring, &want, 0);
	want.class = KF_CLASS_LIFE;
	bpf_for_each_map_elem(&rings_life, hold_ring, &want, 0);
	want.class = KF_CLASS_TAKEN;
	bpf_for_each_map_elem(&rings_taken, hold_ring, &want, 0);
}

static __always_inline void release_rings(void)
{
	bpf_for_each_map_elem(&rings_sched, release_ring, NULL, 0);
	bpf_for_each_map_elem(&rings_syscall, release_ring, NULL, 0);
	bpf_for_each_map_elem(&rings_life, release_ring, NULL, 0);
	bpf_for_each_map_elem(&rings_taken, release_ring, NULL, 0);
}

#endif
