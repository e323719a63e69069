/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/report_data.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "model/family.h"
#include "model/timeline.h"
#include "output/report.h"
#include "snapshot/snapshot.h"

static bool is_wanted(const struct kf_thread *th, const struct kf_report_options *o)
{
	if (o->tid && th->tid != o->tid)
		return false;
	return !o->comm || !fnmatch(o->comm, th->comm, 0) || !fnmatch(o->comm, th->process_comm, 0);
}

bool kf_report_leaves_out(const struct kf_report_options *o)
{
	return o->gap_ns || o->tid || o->comm;
}

static int longest_first(const void *va, const void *vb)
{
	const struct kf_gap *a = *(const struct kf_gap *const *)va, *b = *(const struct kf_gap *const *)vb;
	uint64_t a_ns = a->end_ns - a->start_ns, b_ns = b->end_ns - b->start_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->thread > b->thread) - (a->thread < b->thread);
}

static int select_gaps(struct kf_report_data *d, const struct kf_timeline *t, const struct kf_report_options *o,
		       struct kf_error *e)
{
	d->gaps = calloc(t->n_gaps + 1, sizeof(const struct kf_gap *));
	if (!d->gaps)
		return kf_fail_memory(e, "gaps");
	for (size_t i = 0; i < t->n_gaps; i++) {
		const struct kf_gap *gap = &t->gaps[i];
		uint64_t wait_ns = gap->end_ns - gap->start_ns;

		if (wait_ns < o->gap_ns || !is_wanted(&t->threads[gap->thread], o))
			continue;
		d->gaps[d->n_gaps++] = gap;
		d->gaps_ns += wait_ns;
	}
	return 0;
}

/* A thread and what it is sorted by. */
struct ranked {
	uint64_t runnable_ns;
	uint64_t running_ns;
	uint32_t thread;
};

static int by_runnable(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;

	if (a->runnable_ns != b->runnable_ns)
		return a->runnable_ns < b->runnable_ns ? 1 : -1;
	if (a->running_ns != b->running_ns)
		return a->running_ns < b->running_ns ? 1 : -1;
	return (a->thread > b->thread) - (a->thread < b->thread);
}

static int select_threads(struct kf_report_data *d, const struct kf_timeline *t, const struct kf_report_options *o,
			  struct kf_error *e)
{
	struct ranked *ranked = calloc(t->n_threads + 1, sizeof(*ranked));

	d->threads = calloc(t->n_threads + 1, sizeof(*d->threads));
	if (!ranked || !d->threads) {
		free(ranked);
		return kf_fail_memory(e, "threads");
	}
	for (size_t i = 0; i < t->n_threads; i++) {
		const struct kf_thread *th = &t->threads[i];

		if (is_wanted(th, o))
			ranked[d->n_threads++] = (struct ranked){ th->runnable_ns, th->running_ns, (uint32_t)i };
	}
	qsort(ranked, d->n_threads, sizeof(*ranked), by_runnable);
	for (size_t i = 0; i < d->n_threads; i++)
		d->threads[i] = ranked[i].thread;
	free(ranked);
	return 0;
}

static int find_findings(struct kf_report_data *d, const struct kf_timeline *t, const struct kf_snapshot *s,
			 const struct kf_report_options *o, struct kf_error *e)
{
	struct kf_rule_options rules = o->rules;

	if (o->no_findings)
		return 0;
	rules.top = 0; /* those of the process that triggered are told first, and may not be the worst */
	rules.tid = o->tid;
	rules.comm = o->comm;
	return kf_findings_find(&d->findings, t, s, &rules, e);
}

int kf_report_data_init(struct kf_report_data *d, const struct kf_timeline *t, const struct kf_snapshot *s,
			const struct kf_report_options *o, struct kf_error *e)
{
	*d = (struct kf_report_data){ .family = kf_family(t, s->trigger.tgid) };
	if (!d->family)
		return kf_fail_memory(e, "the family of a process");
	if (select_gaps(d, t, o, e) || select_threads(d, t, o, e))
		return -1;
	/* Before sorting: in time order what ran is found near where it was found last. */
	if (kf_culprits_find(t, d->gaps, d->n_gaps, &d->culprits, &d->n_culprits, e))
		return -1;
	qsort(d->gaps, d->n_gaps, sizeof(const struct kf_gap *), longest_first);
	if (find_findings(d, t, s, o, e))
		return -1;
	return kf_missing_find(&d->missing, t, s, e);
}

void kf_report_data_release(struct kf_report_data *d)
{
	free(d->family);
	free(d->gaps);
	free(d->threads);
	free(d->culprits);
	kf_findings_release(&d->findings);
	kf_missing_release(&d->missing);
	*d = (struct kf_report_data){ 0 };
}
