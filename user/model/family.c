/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/family.h"

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
