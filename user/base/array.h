/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * array.h - growing arrays: room for one more element, amortised doubling, overflow checked.
 *
 *	struct gap *gaps = NULL; size_t n = 0, room = 0;
 *	if (KF_GROW(gaps, n, room))
 *		return kf_fail_memory(e, "gaps");
 *	gaps[n++] = gap;
 */
#ifndef KF_BASE_ARRAY_H
#define KF_BASE_ARRAY_H

#include <stddef.h>

/* Returns 0, or -1 with everything unchanged. */
int kf_grow(void **items, size_t n, size_t *room, size_t item_bytes);

#define KF_GROW(items, n, room) ((n) < (room) ? 0 : kf_grow((void **)&(items), (n), &(room), sizeof(*(items))))

#endif
