/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/slots.h"

#include <stdbool.h>
#include <string.h>

/* Slots of the whole record at slots[i], 0 if there is none. */
static size_t record_slots(const struct kf_slot *slots, size_t i, size_t n)
{
	if (slots[i].kind == KF_INVALID || slots[i].kind == KF_MORE)
		return 0;
	if (!(slots[i].flags & KF_F_MORE))
		return 1;
	return i + 1 < n && slots[i + 1].kind == KF_MORE ? 2 : 0;
}

size_t kf_slots_drop_orphans(struct kf_slot *slots, size_t *n)
{
	size_t from = 0, to = 0, dropped;

	while (from < *n) {
		size_t len = record_slots(slots, from, *n);

		if (len && from != to)
			memmove(&slots[to], &slots[from], len * sizeof(*slots));
		to += len;
		from += len ? len : 1;
	}
	dropped = *n - to;
	*n = to;
	return dropped;
}
