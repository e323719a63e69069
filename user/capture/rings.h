/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings.h - the mapped rings from the reader's side: how large they are to be, and how to copy one while it is written.
 *
 * The copy is right at any time, held or not: a slot is taken only if its seq says that it is committed and a second
 * look at head says that nobody can have begun to overwrite it. (Each check alone lets torn slots through.)
 */
#ifndef KF_CAPTURE_RINGS_H
#define KF_CAPTURE_RINGS_H

#include <stddef.h>
#include <stdint.h>

#include "kflight/control.h"

struct kf_error;
struct kf_ring_copy;

/* How many slots every CPU gets for each class. */
struct kf_ring_plan {
	uint32_t n_cpus;
	uint64_t slots[KF_CLASSES];
};

/* A ring is planned for that many slots a second on each CPU: a busy host, four times what a build machine does. */
#define KF_PLAN_SLOTS_PER_SECOND 100000
/* BPF refuses larger values (its offsets have 29 bits). */
#define KF_PLAN_MAX_SLOTS (1u << 23)
/* The same for kernels that take no value above 4 MiB (5.15 does not, 6.1 does). */
#define KF_PLAN_MAX_SLOTS_OLD (1u << 16)

/*
 * The largest plan that needs no more than max_bytes and no more than window_ns at KF_PLAN_SLOTS_PER_SECOND, with a
 * quarter to spare so that a held window does not at once cost new records. 0 for either means no limit from it.
 * Fails if max_bytes is too small for the smallest rings.
 */
int kf_ring_plan(struct kf_ring_plan *plan, uint32_t n_cpus, uint64_t window_ns, uint64_t max_bytes,
		 enum kf_syscall_mode syscalls, struct kf_error *e);

/* No class gets more than max_slots, a power of 2. */
void kf_ring_plan_limit(struct kf_ring_plan *plan, uint64_t max_slots);

/*
 * The share of one process in a ring of syscalls or births (bpf/flood.bpf.h): an eighth of it at once, and another eighth over the
 * window, in portions for each 1 << KF_FLOOD_PERIOD_SHIFT ns.
 */
struct kf_ring_share {
	uint32_t depth_slots;
	uint32_t leak_slots;
};
struct kf_ring_share kf_ring_share(uint64_t slots, uint64_t window_ns);
/* The window such rings are for: window_ns itself, or for 0 how long they last by KF_PLAN_SLOTS_PER_SECOND. */
uint64_t kf_ring_plan_window_ns(const struct kf_ring_plan *plan, uint64_t window_ns);

/* Size of one CPU's part of a class: the value size of its map. */
size_t kf_ring_bytes(uint64_t slots);
uint64_t kf_ring_plan_bytes(const struct kf_ring_plan *plan);

/*
 * Copies what ring holds since from_ns (and up to a segment more) into out->slots, which the caller frees. Fills the
 * rest of out but drop_last_ns, which is about earlier holds. oldest_ns becomes started_ns if nothing was ever
 * overwritten. A KF_MORE slot without its record is left out, and so is a record without its KF_MORE; both count as
 * torn, except at the old end, where such halves are normal.
 */
int kf_ring_read(struct kf_ring_copy *out, const struct kf_ring_head *ring, uint64_t slots, uint64_t from_ns,
		 uint64_t started_ns, struct kf_error *e);

#endif
