/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/about.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bisect.h"
#include "base/error.h"
#include "model/machine.h"
#include "model/timeline.h"
#include "snapshot/snapshot.h"

_Static_assert(KF_MASK_WORDS == KF_ALLOWED_WORDS, "the same mask");

/* Longer chains of parents are a ring, or damage. */
#define MAX_DEPTH 64

#define MAX_LOOK_BACK 256

/* Hosts have few different masks: one that was not used for long is not looked for. */
static int intern_mask(struct kf_timeline *t, size_t *room, const __u64 words[KF_MASK_WORDS], uint32_t *out)
{
	size_t first = t->n_masks > MAX_LOOK_BACK ? t->n_masks - MAX_LOOK_BACK : 0;
	struct kf_mask mask = { 0 };

	memcpy(mask.words, words, sizeof(mask.words));
	for (size_t i = t->n_masks; i-- > first;)
		if (!memcmp(&t->masks[i], &mask, sizeof(mask))) {
			*out = (uint32_t)i;
			return 0;
		}
	if (KF_GROW(t->masks, t->n_masks, *room))
		return -1;
	*out = (uint32_t)t->n_masks;
	t->masks[t->n_masks++] = mask;
	return 0;
}

static bool is_empty(const __u64 words[KF_MASK_WORDS])
{
	for (int i = 0; i < KF_MASK_WORDS; i++)
		if (words[i])
			return false;
	return true;
}

static int by_id(const void *va, const void *vb)
{
	const struct kf_group_id *a = va, *b = vb;

	return (a->id > b->id) - (a->id < b->id);
}

struct kf_group_id *kf_group_ids(const struct kf_snapshot *s)
{
	struct kf_group_id *ids = calloc(s->n_cgroups + 1, sizeof(*ids));

	if (!ids)
		return NULL;
	for (size_t i = 0; i < s->n_cgroups; i++)
		ids[i] = (struct kf_group_id){ s->cgroups[i].id, (uint32_t)i };
	if (s->n_cgroups)
		qsort(ids, s->n_cgroups, sizeof(*ids), by_id);
	return ids;
}

uint32_t kf_group_find(const struct kf_group_id *ids, size_t n, uint64_t id)
{
	const struct kf_group_id key = { .id = id };
	const struct kf_group_id *found = id && n ? bsearch(&key, ids, n, sizeof(*ids), by_id) : NULL;

	return found ? found->index : KF_NO_CGROUP;
}

/* a's quota leaves less than b's. */
static bool is_tighter(const struct kf_group *a, const struct kf_group *b)
{
	return (long double)a->quota_ns * b->period_ns < (long double)b->quota_ns * a->period_ns;
}

static void find_limiting(struct kf_timeline *t, uint32_t index)
{
	struct kf_group *group = &t->cgroups[index];
	uint32_t at = index;

	group->limiting = KF_NO_CGROUP;
	for (int depth = 0; at != KF_NO_CGROUP && depth < MAX_DEPTH; depth++, at = t->cgroups[at].parent)
		if (t->cgroups[at].quota_ns && t->cgroups[at].period_ns &&
		    (group->limiting == KF_NO_CGROUP || is_tighter(&t->cgroups[at], &t->cgroups[group->limiting])))
			group->limiting = at;
}

static int copy_paths(struct kf_timeline *t, struct kf_machine *m)
{
	const struct kf_snapshot *s = m->snapshot;
	size_t bytes = 0;
	char *paths;

	for (size_t i = 0; i < s->n_cgroups; i++)
		bytes += strlen(s->cgroups[i].path) + 1;
	paths = t->group_paths = malloc(bytes + 1);
	if (!paths)
		return -1;
	for (size_t i = 0; i < s->n_cgroups; i++) {
		t->cgroups[i].path = paths;
		paths = stpcpy(paths, s->cgroups[i].path) + 1;
	}
	return 0;
}

static int take_groups(struct kf_timeline *t, struct kf_machine *m, const struct kf_group_id *ids)
{
	const struct kf_snapshot *s = m->snapshot;

	t->cgroups = calloc(s->n_cgroups + 1, sizeof(*t->cgroups));
	if (!t->cgroups)
		return -1;
	t->n_cgroups = s->n_cgroups;
	if (copy_paths(t, m))
		return -1;
	for (size_t i = 0; i < s->n_cgroups; i++) {
		t->cgroups[i].parent = kf_group_find(ids, s->n_cgroups, s->cgroups[i].parent_id);
		t->cgroups[i].quota_ns = s->cgroups[i].quota_ns;
		t->cgroups[i].period_ns = s->cgroups[i].period_ns;
		t->cgroups[i].id = s->cgroups[i].id;
		kf_container_of(t->cgroups[i].path, &t->cgroups[i].container);
	}
	for (uint32_t i = 0; i < t->n_cgroups; i++)
		find_limiting(t, i);
	return 0;
}

static int about_thread(struct kf_timeline *t, struct kf_thread *thread, const struct kf_task *task, size_t *room,
			const struct kf_group_id *ids)
{
	if (!task)
		return 0;
	thread->go = task->flags & KF_TASK_GO;
	thread->cgroup = kf_group_find(ids, t->n_cgroups, task->cgroup_id);
	if (!thread->prio && (task->prio & KF_PRIO_KNOWN))
		thread->prio = task->prio;
	return is_empty(task->allowed) ? 0 : intern_mask(t, room, task->allowed, &thread->allowed);
}

static int by_thread(const void *va, const void *vb)
{
	const struct kf_prio_change *a = va, *b = vb;

	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	return (a->ts_ns > b->ts_ns) - (a->ts_ns < b->ts_ns);
}

static void take_prios(struct kf_timeline *t, struct kf_machine *m)
{
	t->prios = m->prios;
	t->n_prios = m->n_prios;
	m->prios = NULL;
	if (t->n_prios)
		qsort(t->prios, t->n_prios, sizeof(*t->prios), by_thread);
}

int kf_about_threads(struct kf_timeline *t, struct kf_machine *m, struct kf_error *e)
{
	struct kf_group_id *ids = kf_group_ids(m->snapshot);
	size_t room = 0;
	int err = !ids || take_groups(t, m, ids);

	for (size_t i = 0; !err && i < m->n_threads; i++) {
		const struct kf_tid *tid = kf_tids_find(&m->tids, m->threads[i].tid);

		m->threads[i].cgroup = KF_NO_CGROUP;
		m->threads[i].allowed = KF_NO_MASK;
		err = about_thread(t, &m->threads[i],
				   tid && tid->thread == i && tid->task ? &m->snapshot->tasks[tid->task - 1] : NULL,
				   &room, ids);
	}
	free(ids);
	t->irqs = strdup(m->snapshot->irqs ? m->snapshot->irqs : "");
	if (err || !t->irqs)
		return kf_fail_memory(e, "the threads");
	take_prios(t, m);
	return 0;
}

uint16_t kf_prio_at(const struct kf_timeline *t, uint32_t thread, uint64_t ts_ns)
{
	const struct kf_prio_change *prios = t->prios;
	size_t later; /* the first change behind it */

	if (thread >= t->n_threads)
		return 0;
	later = KF_BISECT(t->n_prios, i,
			  prios[i].thread < thread || (prios[i].thread == thread && prios[i].ts_ns <= ts_ns));
	if (later && prios[later - 1].thread == thread)
		return prios[later - 1].prio;
	/* Only later changes are known: what it was before them is not. */
	return later < t->n_prios && prios[later].thread == thread ? 0 : t->threads[thread].prio;
}

const struct kf_container *kf_thread_container(const struct kf_timeline *t, uint32_t thread)
{
	static const struct kf_container none = { .runtime = "" };

	if (thread >= t->n_threads || t->threads[thread].cgroup >= t->n_cgroups)
		return &none;
	return &t->cgroups[t->threads[thread].cgroup].container;
}

int kf_thread_may_run_on(const struct kf_timeline *t, uint32_t thread, uint32_t cpu)
{
	const struct kf_mask *mask;

	if (thread >= t->n_threads || t->threads[thread].allowed >= t->n_masks || cpu >= KF_MASK_WORDS * 64)
		return -1;
	mask = &t->masks[t->threads[thread].allowed];
	return mask->words[cpu / 64] >> (cpu % 64) & 1;
}
