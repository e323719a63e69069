/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_tables.h"

#include <stdlib.h>
#include <string.h>

/* Out of memory in the hash table must not end the program: the element is then simply not found in it. */
#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->lost = 1)
#include <uthash.h>

#define FIRST_PC 0x1000
#define PC_STEP	 0x10

/* One interned thing: a string, a frame or a stack, told apart by the table it is in. */
struct item {
	UT_hash_handle hh;
	uint64_t id;
	int lost;
	size_t len;
	char key[];
};

struct kf_go_tables {
	struct item *strings;
	struct item *frames; /* key: struct kf_go_frame, id: pc */
	struct item *stacks; /* key: array of struct kf_go_pc */
	uint64_t n_strings, n_frames, n_stacks;
};

struct kf_go_tables *kf_go_tables_new(void)
{
	return calloc(1, sizeof(struct kf_go_tables));
}

static void free_items(struct item **table)
{
	struct item *item = *table, *next;

	HASH_CLEAR(hh, *table); /* frees the table, not what is in it */
	for (; item; item = next) {
		next = item->hh.next;
		free(item);
	}
}

void kf_go_tables_free(struct kf_go_tables **t)
{
	if (!*t)
		return;
	free_items(&(*t)->strings);
	free_items(&(*t)->frames);
	free_items(&(*t)->stacks);
	free(*t);
	*t = NULL;
}

/* The id of the item with that key; new_id if it is new. 0 when out of memory. */
static uint64_t intern(struct item **table, const void *key, size_t len, uint64_t new_id, uint64_t *count)
{
	struct item *item;

	HASH_FIND(hh, *table, key, len, item);
	if (item)
		return item->id;
	item = calloc(1, sizeof(*item) + len);
	if (!item)
		return 0;
	item->id = new_id;
	item->len = len;
	memcpy(item->key, key, len);
	HASH_ADD(hh, *table, key, len, item);
	if (item->lost) {
		free(item);
		return 0;
	}
	(*count)++;
	return new_id;
}

uint32_t kf_go_tables_string(struct kf_go_tables *t, const char *text, size_t len)
{
	return (uint32_t)intern(&t->strings, text, len, t->n_strings + 1, &t->n_strings);
}

uint32_t kf_go_tables_stack(struct kf_go_tables *t, const struct kf_go_frame *frames, size_t n)
{
	struct kf_go_pc pcs[KF_GO_STACK_FRAMES];

	if (n > KF_GO_STACK_FRAMES)
		return 0;
	memset(pcs, 0, n * sizeof(pcs[0])); /* padding is part of the key */
	for (size_t i = 0; i < n; i++) {
		pcs[i].frame = frames[i];
		pcs[i].pc = intern(&t->frames, &frames[i], sizeof(frames[i]), FIRST_PC + t->n_frames * PC_STEP,
				   &t->n_frames);
		if (!pcs[i].pc)
			return 0;
	}
	return (uint32_t)intern(&t->stacks, pcs, n * sizeof(pcs[0]), t->n_stacks + 1, &t->n_stacks);
}

/* uthash iterates in order of insertion, and ids are given in that order. */
void kf_go_tables_each_string(const struct kf_go_tables *t,
			      void (*each)(void *ctx, uint32_t id, const char *text, size_t len), void *ctx)
{
	for (const struct item *item = t->strings; item; item = item->hh.next)
		each(ctx, (uint32_t)item->id, item->key, item->len);
}

void kf_go_tables_each_stack(const struct kf_go_tables *t,
			     void (*each)(void *ctx, uint32_t id, const struct kf_go_pc *pcs, size_t n), void *ctx)
{
	struct kf_go_pc pcs[KF_GO_STACK_FRAMES];

	for (const struct item *item = t->stacks; item; item = item->hh.next) {
		memcpy(pcs, item->key, item->len);
		each(ctx, (uint32_t)item->id, pcs, item->len / sizeof(pcs[0]));
	}
}
