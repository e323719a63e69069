/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/family.h"

#include <stdlib.h>

#include "base/bisect.h"
#include "model/timeline.h"

/* Ids come from records: a reused one could close the chain to a ring. */
#define MAX_GENERATIONS 64

bool kf_is_family(const struct kf_timeline *t, uint32_t thread, uint32_t tgid)
{
	for (int generation = 0; generation < MAX_GENERATIONS && thread < t->n_threads; generation++) {
		const struct kf_thread *member = &t->threads[thread];

		if (!tgid || member->tgid == tgid)
			return tgid != 0;
		if (!member->parent_tgid)
			return false;
		thread = kf_timeline_find(t, member->parent_tgid, 0);
	}
	return false;
}

struct number {
	uint32_t tid;
	uint32_t reuse;
	uint32_t thread;
};

static int by_tid(const void *va, const void *vb)
{
	const struct number *a = va, *b = vb;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return (a->reuse > b->reuse) - (a->reuse < b->reuse);
}

/* The last user of this number, as kf_timeline_find() has it. */
static uint32_t last_user(const struct number *numbers, size_t n, uint32_t tid)
{
	size_t behind = KF_BISECT(n, i, numbers[i].tid <= tid);

	return behind && numbers[behind - 1].tid == tid ? numbers[behind - 1].thread : KF_NOBODY;
}

enum { NOT_ASKED = 0, BELONGS, DOES_NOT };

/* Asks thread, its parent, and so on, and notes the answer for all of them. */
static void ask(const struct kf_timeline *t, uint32_t tgid, const struct number *numbers, uint8_t *answers,
		uint32_t thread)
{
	uint32_t way[MAX_GENERATIONS];
	uint8_t answer = DOES_NOT;
	int n = 0;

	while (n < MAX_GENERATIONS && thread < t->n_threads) {
		const struct kf_thread *member = &t->threads[thread];

		if (answers[thread] != NOT_ASKED || member->tgid == tgid) {
			answer = answers[thread] != NOT_ASKED ? answers[thread] : BELONGS;
			answers[thread] = answer;
			break;
		}
		way[n++] = thread;
		if (!member->parent_tgid)
			break;
		thread = last_user(numbers, t->n_threads, member->parent_tgid);
	}
	while (n-- > 0)
		answers[way[n]] = answer;
}

bool *kf_family(const struct kf_timeline *t, uint32_t tgid)
{
	struct number *numbers = calloc(t->n_threads + 1, sizeof(*numbers));
	uint8_t *answers = calloc(t->n_threads + 1, sizeof(*answers));
	bool *family = calloc(t->n_threads + 1, sizeof(*family));

	if (!numbers || !answers || !family) {
		free(family);
		family = NULL;
	} else if (tgid) {
		for (uint32_t i = 0; i < t->n_threads; i++)
			numbers[i] = (struct number){ t->threads[i].tid, t->threads[i].reuse, i };
		qsort(numbers, t->n_threads, sizeof(*numbers), by_tid);
		for (uint32_t i = 0; i < t->n_threads; i++)
			ask(t, tgid, numbers, answers, i);
		for (uint32_t i = 0; i < t->n_threads; i++)
			family[i] = answers[i] == BELONGS;
	}
	free(numbers);
	free(answers);
	return family;
}
