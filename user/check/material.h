/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * material.h - what of a window counts for an expression: the waits it is about, and times in which more of them may hide.
 *
 * Picked once per expression, then cut to a range of the window as often as needed: a wait belongs to the range in which it
 * ended (the last one if it had not ended); of a total the part within the range. Where the end of a wait was lost, it
 * is in any of the ranges up to where its thread is seen again, and not known in which.
 */
#ifndef KF_CHECK_MATERIAL_H
#define KF_CHECK_MATERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/doubt.h"
#include "check/samples.h"

struct kf_error;
struct kf_expr;
struct kf_selection;

#define KF_ANY_LENGTH UINT64_MAX

struct kf_extent {
	uint64_t ns;	  /* as seen */
	uint64_t most_ns; /* as it may have been; KF_ANY_LENGTH: cut off */
	bool single;	  /* of holes: no more than one wait can be in it */
};

struct kf_extents {
	struct kf_extent *items;
	size_t n, room;
};

struct kf_picked_wait {
	const struct kf_sample *s;
	uint64_t ends_by_ns; /* when it had ended: s->end_ns, or later if that is not known */
};

/* How much of some stretches lies before a time, by sums over their begins and ends. */
struct kf_levels {
	uint64_t *begins, *ends;	 /* sorted, n each */
	uint64_t *begin_sums, *end_sums; /* of all before, n + 1 each; they wrap, and so do their differences */
	size_t n;
};

struct kf_picked {
	const struct kf_expr *x;
	const struct kf_view *v;
	struct kf_picked_wait *waits; /* by s->end_ns */
	size_t n_waits, room_waits;
	struct kf_picked_wait *loose; /* those of waits whose end is not known, again */
	size_t n_loose, room_loose;
	struct kf_picked_wait *holes; /* likewise */
	size_t n_holes, room_holes;
	uint64_t longest_hole_ns;
	struct kf_levels wait_levels, hole_levels; /* only for total() */
};

struct kf_material {
	const struct kf_picked *picked;
	uint64_t from_ns, to_ns;
	uint64_t span_ns; /* what shares and rates are of */
	struct kf_extents waits;
	struct kf_extents holes;	   /* where waits may hide: at least none, each at most most_ns */
	uint64_t low_ns, high_ns;	   /* total(): bounds */
	const struct kf_sample *worst;	   /* the longest, NULL none */
	const struct kf_sample *worst_cut; /* the longest of those that were cut off */
	bool lower_bounds_only;		   /* there may be any number of other waits */
};

/* *out is zeroed before; release it also after a failure. v and threads must live on. Out of memory: -1. */
int kf_pick(struct kf_picked *out, const struct kf_expr *x, const struct kf_view *v,
	    const struct kf_selection *threads);
void kf_picked_release(struct kf_picked *p);

/* Of a range of the window. *m begins zeroed, and can be filled again; -1 when out of memory. */
int kf_material_fill(struct kf_material *m, const struct kf_picked *p, uint64_t from_ns, uint64_t to_ns);
void kf_material_release(struct kf_material *m);

#endif
