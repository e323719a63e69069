/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * flood.bpf.h - one process must not evict the history of others: of syscalls and of births and names, it gets a share.
 *
 * The share is a quarter of a ring over the window, dealt out every KF_FLOOD_PERIOD: what one process writes beyond it on one CPU is
 * refused and counted, but only while there is somebody to protect: records of another process in the window. Who floods
 * alone has the ring alone. Records that tell more than others (slow syscalls) may take twice as much. Switches and wake-ups are
 * never refused: who ran must stay whole.
 *
 * The accounts are in the head of the ring, which is at hand: no look-up. Several processes may meet in one account; then each
 * record of one takes from what the other has used, until it is worth nothing: who floods is found out all the same, and who is
 * quiet is never refused.
 */
#ifndef KF_FLOOD_BPF_H
#define KF_FLOOD_BPF_H

const volatile __u32 flood_share[KF_CLASSES]; /* slots in a period, 0 no limit */
const volatile __u64 flood_window_ns;

/* A process younger than that is charged to its parent: a storm of short lives is the doing of who forks them. */
#define YOUNG_NS 1000000000ULL

static __noinline int count_refused(struct kf_ring_head *ring, u64 now_ns)
{
	if (!ring)
		return 0;
	ring->flooded++;
	ring->flood_last_ns = now_ns;
	__sync_fetch_and_add(&counters.flooded, 1);
	return 0;
}

/* n slots on the account of a process. False: the record is not to be written. */
static __always_inline bool within_share(struct kf_ring_head *ring, u32 class, u32 tgid, u32 n, u32 shares, u64 now_ns)
{
	u32 period = now_ns >> KF_FLOOD_PERIOD_SHIFT;
	struct kf_flood_account *account;

	if (!flood_share[class])
		return true;
	if (ring->last_tgid != tgid) {
		if (ring->last_tgid)
			ring->shared_ns = now_ns;
		ring->last_tgid = tgid;
	}
	/* With the period in it, two processes meet once, not always. */
	account = &ring->accounts[((tgid ^ period) * 0x9e3779b1u) >> (32 - KF_FLOOD_ACCOUNT_BITS)];
	if (account->tgid != tgid || account->period != period) {
		if (account->period == period && account->slots > n) {
			account->slots -= n;
			return true;
		}
		account->tgid = tgid;
		account->period = period;
		account->slots = 0;
	}
	account->slots += n;
	if (account->slots <= flood_share[class] * shares || now_ns - ring->shared_ns > flood_window_ns)
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
