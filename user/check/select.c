/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/select.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "base/error.h"
#include "model/timeline.h"

/* Ids come from records: what looks like more generations is damage. */
#define MAX_GENERATIONS 64

static int by_number(const void *va, const void *vb)
{
	const uint32_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

/* Marks every thread whose parent process has a marked thread; returns whether there was one. */
static bool mark_children(const struct kf_timeline *t, bool *marked, uint32_t *tgids)
{
	bool any = false;
	size_t n = 0;

	for (size_t i = 0; i < t->n_threads; i++)
		if (marked[i])
			tgids[n++] = t->threads[i].tgid;
	if (!n)
		return false;
	qsort(tgids, n, sizeof(*tgids), by_number);
	for (size_t i = 0; i < t->n_threads; i++) {
		const struct kf_thread *th = &t->threads[i];

		if (marked[i] || !th->parent_tgid || !bsearch(&th->parent_tgid, tgids, n, sizeof(*tgids), by_number))
			continue;
		marked[i] = any = true;
	}
	return any;
}

/* The threads of a process and of those it started; of no process, the thread of this number. NULL: out of memory. */
static bool *family(const struct kf_timeline *t, uint32_t tgid, bool or_thread)
{
	bool *marked = calloc(t->n_threads + 1, sizeof(*marked));
	uint32_t *tgids = calloc(t->n_threads + 1, sizeof(*tgids));
	bool any = false;

	for (size_t i = 0; marked && i < t->n_threads; i++)
		any |= marked[i] = t->threads[i].tgid == tgid;
	if (!any && or_thread)
		for (size_t i = 0; marked && i < t->n_threads; i++)
			marked[i] = t->threads[i].tid == tgid;
	if (any && marked && tgids)
		for (int i = 0; i < MAX_GENERATIONS && mark_children(t, marked, tgids); i++)
			;
	if (!tgids) {
		free(marked);
		return NULL;
	}
	free(tgids);
	return marked;
}

static int restrict_to(struct kf_selection *s, const struct kf_timeline *t, uint32_t tgid, bool or_thread)
{
	bool *marked = tgid ? family(t, tgid, or_thread) : NULL;

	if (!tgid)
		return 0;
	if (!marked)
		return -1;
	for (size_t i = 0; i < t->n_threads; i++)
		s->has[i] = s->has[i] && marked[i];
	free(marked);
	return 0;
}

/* One that died before the window is only there to be named as a waker. */
static bool lived(const struct kf_timeline *t, const struct kf_thread *th)
{
	return th->start_state != KF_STATE_DEAD || th->born_ns || (th->died_ns && th->died_ns > t->floor_ns);
}

int kf_select(struct kf_selection *out, const struct kf_timeline *t, const char *who, uint32_t pid, uint32_t tgid,
	      struct kf_error *e)
{
	*out = (struct kf_selection){ .has = calloc(t->n_threads + 1, sizeof(*out->has)) };
	if (!out->has)
		return kf_fail_memory(e, "the threads");
	for (size_t i = 0; i < t->n_threads; i++) {
		const struct kf_thread *th = &t->threads[i];

		out->has[i] =
			lived(t, th) && (!who[0] || !fnmatch(who, th->comm, 0) || !fnmatch(who, th->process_comm, 0));
	}
	if (restrict_to(out, t, pid, true) || restrict_to(out, t, tgid, false))
		return kf_fail_memory(e, "the threads");
	for (size_t i = 0; i < t->n_threads; i++)
		out->n += out->has[i];
	return 0;
}

void kf_selection_release(struct kf_selection *s)
{
	free(s->has);
	*s = (struct kf_selection){ 0 };
}
