/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "expr/expr.h"
#include "expr/settings.h"
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

/* * and ?, as BPF has it; nothing else is special. */
static bool fits_glob(const char *glob, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		if (*glob == '*') {
			star = glob++;
			retry = name;
		} else if (*glob == '?' || *glob == *name) {
			glob++;
			name++;
		} else if (star) {
			glob = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

static bool fits_name(const char *glob, const struct kf_thread *th)
{
	return fits_glob(glob, th->comm) || fits_glob(glob, th->process_comm);
}

/* Marks those of a process and its children. */
static int mark_family(bool *marks, const struct kf_timeline *t, uint32_t tgid, bool or_thread)
{
	bool *marked = family(t, tgid, or_thread);

	if (!marked)
		return -1;
	for (size_t i = 0; i < t->n_threads; i++)
		marks[i] |= marked[i];
	free(marked);
	return 0;
}

/* "/sys/fs/cgroup/web", "web" and "/web" are the same. */
static const char *below_mount(const char *path)
{
	static const char mount[] = "/sys/fs/cgroup";

	if (!strncmp(path, mount, strlen(mount)))
		path += strlen(mount);
	while (*path == '/')
		path++;
	return path;
}

static bool is_in_cgroup(const char *path, const char *wanted)
{
	size_t len;

	path = below_mount(path);
	wanted = below_mount(wanted);
	len = strlen(wanted);
	while (len && wanted[len - 1] == '/')
		len--;
	return !strncmp(path, wanted, len) && (!len || !path[len] || path[len] == '/');
}

struct of_process {
	uint32_t tgid, cgroup;
};

static int by_tgid(const void *va, const void *vb)
{
	const struct of_process *a = va, *b = vb;

	return (a->tgid > b->tgid) - (a->tgid < b->tgid);
}

/* Of threads whose cgroup is known, sorted; NULL when out of memory. */
static struct of_process *known_cgroups(const struct kf_timeline *t, size_t *n)
{
	struct of_process *known = calloc(t->n_threads + 1, sizeof(*known));

	*n = 0;
	for (size_t i = 0; known && i < t->n_threads; i++)
		if (t->threads[i].cgroup < t->n_cgroups)
			known[(*n)++] = (struct of_process){ t->threads[i].tgid, t->threads[i].cgroup };
	if (*n)
		qsort(known, *n, sizeof(*known), by_tgid);
	return known;
}

/*
 * Marks the threads in it in marks, and those of which that is not known in unknown. A thread that died before the cgroups were
 * read is where the others of its process are.
 */
static int mark_cgroup(bool *marks, bool *unknown, const struct kf_timeline *t, const char *wanted)
{
	struct of_process *known, *mate;
	size_t n;

	known = known_cgroups(t, &n);
	if (!known)
		return -1;
	for (size_t i = 0; i < t->n_threads; i++) {
		struct of_process key = { t->threads[i].tgid, t->threads[i].cgroup };

		mate = key.cgroup < t->n_cgroups ? &key : n ? bsearch(&key, known, n, sizeof(key), by_tgid) : NULL;
		if (mate)
			marks[i] |= is_in_cgroup(t->cgroups[mate->cgroup].path, wanted);
		else
			unknown[i] = true;
	}
	free(known);
	return 0;
}

static int mark(bool *marks, bool *unknown, const struct kf_timeline *t, const struct kf_term_filter *f)
{
	switch (f->by) {
	case KF_FILTER_PID:
		return mark_family(marks, t, f->id, false);
	case KF_FILTER_PID_OR_TID:
		return mark_family(marks, t, f->id, true);
	case KF_FILTER_TID:
		for (size_t i = 0; i < t->n_threads; i++)
			marks[i] |= t->threads[i].tid == f->id;
		return 0;
	case KF_FILTER_COMM:
		for (size_t i = 0; i < t->n_threads; i++)
			marks[i] |= fits_name(f->comm.text, &t->threads[i]);
		return 0;
	case KF_FILTER_CGROUP:
		return mark_cgroup(marks, unknown, t, f->cgroup);
	}
	return 0;
}

/* Of one dimension any value is enough. unknown collects what no other dimension rules out. */
static int restrict_by(struct kf_selection *s, bool *unknown, const struct kf_timeline *t,
		       const struct kf_term_filter *filters, size_t n, enum kf_filter_by by)
{
	bool *marks = calloc(t->n_threads + 1, sizeof(*marks)), any = false;
	int err = marks ? 0 : -1;

	for (size_t i = 0; !err && i < n; i++)
		if (filters[i].by == by) {
			err = mark(marks, unknown, t, &filters[i]);
			any = true;
		}
	for (size_t i = 0; !err && any && i < t->n_threads; i++) {
		if (by != KF_FILTER_CGROUP)
			unknown[i] = unknown[i] && marks[i];
		s->has[i] = s->has[i] && marks[i];
	}
	free(marks);
	return err;
}

static int restrict_all(struct kf_selection *s, bool *unknown, const struct kf_timeline *t,
			const struct kf_term_filter *filters, size_t n)
{
	/* The cgroups first: they find what is not known. */
	static const enum kf_filter_by dimensions[] = { KF_FILTER_CGROUP, KF_FILTER_PID, KF_FILTER_TID, KF_FILTER_COMM,
							KF_FILTER_PID_OR_TID };

	for (size_t i = 0; i < sizeof(dimensions) / sizeof(dimensions[0]); i++)
		if (restrict_by(s, unknown, t, filters, n, dimensions[i]))
			return -1;
	return 0;
}

/* One that died before the window is only there to be named as a waker. */
static bool lived(const struct kf_timeline *t, const struct kf_thread *th)
{
	return th->start_state != KF_STATE_DEAD || th->born_ns || (th->died_ns && th->died_ns > t->floor_ns);
}

/* What "of WHO" says is one more dimension; so is the process that was started for the check. */
static int restrict_to(struct kf_selection *s, bool *unknown, const struct kf_timeline *t, const struct kf_expr *x,
		       const struct kf_settings *settings, uint32_t tgid)
{
	struct kf_term_filter who = { .by = KF_FILTER_COMM }, pid = { .by = KF_FILTER_PID_OR_TID },
			      own = { .by = KF_FILTER_PID, .id = tgid };

	if (settings && restrict_all(s, unknown, t, settings->filters, settings->n_filters))
		return -1;
	if (x && x->who[0]) {
		memcpy(who.comm.text, x->who, sizeof(who.comm.text));
		if (restrict_by(s, unknown, t, &who, 1, who.by))
			return -1;
	}
	pid.id = x ? x->pid : 0;
	if (pid.id && restrict_by(s, unknown, t, &pid, 1, pid.by))
		return -1;
	return tgid ? restrict_by(s, unknown, t, &own, 1, own.by) : 0;
}

int kf_select(struct kf_selection *out, const struct kf_timeline *t, const struct kf_expr *x,
	      const struct kf_settings *settings, uint32_t tgid, struct kf_error *e)
{
	bool *unknown = calloc(t->n_threads + 1, sizeof(*unknown));
	int err = unknown ? 0 : -1;

	*out = (struct kf_selection){ .has = calloc(t->n_threads + 1, sizeof(*out->has)) };
	if (!out->has)
		err = -1;
	for (size_t i = 0; !err && i < t->n_threads; i++)
		out->has[i] = lived(t, &t->threads[i]);
	if (!err)
		err = restrict_to(out, unknown, t, x, settings, tgid);
	for (size_t i = 0; !err && i < t->n_threads; i++) {
		out->n += out->has[i];
		out->n_unknown += unknown[i] && lived(t, &t->threads[i]);
	}
	free(unknown);
	return err ? kf_fail_memory(e, "the threads") : 0;
}

void kf_selection_release(struct kf_selection *s)
{
	free(s->has);
	*s = (struct kf_selection){ 0 };
}
