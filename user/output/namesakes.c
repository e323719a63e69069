/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/namesakes.h"

#include <stdlib.h>
#include <string.h>

#include "model/timeline.h"

static int by_comm(const void *va, const void *vb, void *timeline)
{
	const struct kf_timeline *t = timeline;

	return strncmp(t->threads[*(const uint32_t *)va].comm, t->threads[*(const uint32_t *)vb].comm, KF_COMM_BYTES);
}

uint32_t *kf_namesakes(const struct kf_timeline *t)
{
	uint32_t *order = calloc(t->n_threads + 1, sizeof(*order)), *names = calloc(t->n_threads + 1, sizeof(*names));

	if (!order || !names) {
		free(order);
		free(names);
		return NULL;
	}
	for (size_t i = 0; i < t->n_threads; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, t->n_threads, sizeof(*order), by_comm, (void *)t);
	for (size_t i = 0; i < t->n_threads; i++)
		names[order[i]] = i && !by_comm(&order[i - 1], &order[i], (void *)t) ? names[order[i - 1]] : order[i];
	free(order);
	return names;
}
