/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/array.h"

#include <stdlib.h>

int kf_grow(void **items, size_t n, size_t *room, size_t item_bytes)
{
	size_t want = *room ? *room * 2 : 16;
	void *grown;

	if (n < *room)
		return 0;
	grown = want > *room ? reallocarray(*items, want, item_bytes) : NULL;
	if (!grown)
		return -1;
	*items = grown;
	*room = want;
	return 0;
}
