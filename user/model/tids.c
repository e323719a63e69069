/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/tids.h"

#include <stdlib.h>

#include "base/array.h"
#include "model/timeline.h"

static size_t bucket(const struct kf_tids *t, uint32_t tid)
{
	/* Fibonacci hashing: the high bits of the product are the well mixed ones. */
	return (uint64_t)(uint32_t)(tid * 2654435769u) * t->table_room >> 32;
}

static void insert(struct kf_tids *t, size_t index)
{
	size_t at = bucket(t, t->items[index].tid);

	while (t->table[at])
		at = (at + 1) & (t->table_room - 1);
	t->table[at] = index + 1;
}

static int grow_table(struct kf_tids *t, size_t want)
{
	size_t room = t->table_room ? t->table_room : 1024;
	uint32_t *table;

	while (room < 2 * want)
		room *= 2;
	table = calloc(room, sizeof(*table));
	if (!table)
		return -1;
	free(t->table);
	t->table = table;
	t->table_room = room;
	for (size_t i = 0; i < t->n; i++)
		insert(t, i);
	return 0;
}

int kf_tids_reserve(struct kf_tids *t, size_t more)
{
	while (t->room - t->n < more)
		if (kf_grow((void **)&t->items, t->room, &t->room, sizeof(*t->items)))
			return -1;
	return t->table_room >= 2 * (t->n + more) ? 0 : grow_table(t, t->n + more);
}

struct kf_tid *kf_tids_find(const struct kf_tids *t, uint32_t tid)
{
	if (!t->table_room)
		return NULL;
	for (size_t at = bucket(t, tid); t->table[at]; at = (at + 1) & (t->table_room - 1))
		if (t->items[t->table[at] - 1].tid == tid)
			return &t->items[t->table[at] - 1];
	return NULL;
}

struct kf_tid *kf_tids_get(struct kf_tids *t, uint32_t tid)
{
	struct kf_tid *found = kf_tids_find(t, tid);

	if (found)
		return found;
	t->items[t->n] = (struct kf_tid){ .tid = tid, .thread = KF_NOBODY, .first = KF_NOBODY };
	insert(t, t->n);
	return &t->items[t->n++];
}

void kf_tids_release(struct kf_tids *t)
{
	free(t->items);
	free(t->table);
	*t = (struct kf_tids){ 0 };
}
