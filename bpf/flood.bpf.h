/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * flood.bpf.h - one process must not evict the history of others: of syscalls and of births and names, it gets a share.
 *
 * The share is a quarter of a ring over the window: half of that at once, the rest as time passes (a bucket that leaks). What one process
 * writes beyond it on one CPU is refused and counted, but only while there is somebody to protect: records of another process
 * in the window, and a window that takes half of the ring or more. Who floods alone has the ring alone. Records that tell more than others (slow syscalls) find room when the
 * others do not: their bucket is twice as deep. Switches and wake-ups are never refused: who ran must stay whole.
 *
 * The accounts are in the head of the ring, which is at hand: no look-up in a map. A process has two places where its account can be.
 * Where both are others', each of its records takes from what the lower one has used, until that is worth nothing and the place is free:
 * who floods gets an account, who is quiet is never refused.
 */
#ifndef KF_FLOOD_BPF_H
#define KF_FLOOD_BPF_H

const volatile __u32 flood_depth[KF_CLASSES]; /* slots of a bucket, 0 no limit */
const volatile __u32 flood_leak[KF_CLASSES];  /* slots in a period of 1 << KF_FLOOD_PERIOD_SHIFT ns */
const volatile __u64 flood_window_ns;

/* A process younger than that is charged to its parent: a storm of short lives is the doing of who forks them. */
#define YOUNG_NS 1000000000ULL

#define ACCOUNTS    (1 << KF_FLOOD_ACCOUNT_BITS)
#define NO_ACCOUNT  ACCOUNTS
#define first_of(h) ((h) & (ACCOUNTS - 1))
#define other_of(h) ((h) >> 16 & (ACCOUNTS - 1))

static __noinline int count_refused(struct kf_ring_head *ring, u64 now_ns)
{
	if (!ring)
		return 0;
	ring->flooded++;
	ring->flood_last_ns = now_ns;
	__sync_fetch_and_add(&counters.flooded, 1);
	return 0;
}

static __always_inline void leak(struct kf_flood_account *account, u32 period, u32 per_period)
{
	u64 leaked = (u64)(period - account->period) * per_period;

	if (account->period == period)
		return;
	account->slots = account->slots > leaked ? account->slots - leaked : 0;
	account->period = period;
}

/* The account of a process that is not at its first place; NO_ACCOUNT if it gets none this time. */
static __noinline u32 find_account(struct kf_ring_head *ring, u32 tgid, u32 hash, u32 period, u32 per_period)
{
	struct kf_flood_account *lower, *other;
	u32 index = first_of(hash);

	if (!ring)
		return NO_ACCOUNT;
	lower = &ring->accounts[index];
	other = &ring->accounts[other_of(hash)];
	if (other->tgid == tgid)
		return other_of(hash);
	leak(lower, period, per_period);
	leak(other, period, per_period);
	if (other->slots < lower->slots) {
		index = other_of(hash);
		lower = other;
	}
	if (lower->slots > 1) {
		lower->slots -= 2;
		return NO_ACCOUNT;
	}
	lower->tgid = tgid;
	lower->slots = 0;
	return index;
}

/* Do the records of the last window take less than half of the ring? Then nobody has to be kept from it: there is room for others, too. */
static __always_inline bool is_roomy(const struct kf_ring_head *ring, u32 class, u64 now_ns)
{
	u64 half_ago = ring->head / (ring_slots[class] / KF_RING_SEGMENTS) + KF_RING_SEGMENTS / 2;

	return ring->mark_ns[half_ago & (KF_RING_SEGMENTS - 1)] + flood_window_ns < now_ns;
}

/* n slots on the account of a process, from a bucket so many times as deep. False: the record is not to be written. */
static __always_inline bool within_share(struct kf_ring_head *ring, u32 class, u32 tgid, u32 n, u32 depths, u64 now_ns)
{
	u32 period = now_ns >> KF_FLOOD_PERIOD_SHIFT, hash = tgid * 0x9e3779b1u;
	struct kf_flood_account *account;
	u32 index = first_of(hash >> 8);

	if (!flood_depth[class])
		return true;
	if (ring->last_tgid != tgid) {
		if (ring->last_tgid)
			ring->shared_ns = now_ns;
		ring->last_tgid = tgid;
	}
	if (ring->accounts[index].tgid != tgid) {
		index = find_account(ring, tgid, hash >> 8, period, flood_leak[class]);
		if (index >= ACCOUNTS)
			return true;
	}
	account = &ring->accounts[index];
	leak(account, period, flood_leak[class]);
	if (account->slots + n <= flood_depth[class] * depths) {
		account->slots += n;
		return true;
	}
	if (now_ns - ring->shared_ns > flood_window_ns || is_roomy(ring, class, now_ns))
		return true;
	count_refused(ring, now_ns);
	return false;
}

/* Whose doing are the births, names and ends of this thread? */
static __always_inline u32 life_account(struct task_struct *task, u64 now_ns)
{
	if (now_ns - task->group_leader->start_time < YOUNG_NS)
		return task->real_parent->tgid;
	return task->tgid;
}

#endif
