/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moves.h - the list of transitions while it grows: mostly at its end, sometimes in the past.
 *
 * What a thread did is sometimes clear only later (a wake-up that came before the switch-out, a lost record). Such late
 * moves are kept apart and merged in at the end. At one time the order of adding is kept.
 */
#ifndef KF_MODEL_MOVES_H
#define KF_MODEL_MOVES_H

#include <stddef.h>
#include <stdint.h>

#include "model/timeline.h"

struct kf_late_move {
	struct kf_transition move;
	size_t order;
};

struct kf_moves {
	struct kf_transition *items;
	size_t n, room;
	struct kf_late_move *late;
	size_t n_late, room_late;
};

/* Makes room for that many more moves of any sort, so that adding them cannot fail. Returns 0, -1 out of memory. */
int kf_moves_reserve(struct kf_moves *m, size_t more);

/* Adds a move about nobody else on no CPU, and returns it to be completed before the next call. */
struct kf_transition *kf_moves_add(struct kf_moves *m, uint64_t ts_ns, uint32_t thread, enum kf_move kind);

/* Brings all into one list in time order. Returns 0, -1 out of memory. */
int kf_moves_settle(struct kf_moves *m);
void kf_moves_release(struct kf_moves *m);

#endif
