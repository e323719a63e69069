/* SPDX-License-Identifier: BSD-2-Clause */
/* CpuQuotaThrottled: the CPU quota of a cgroup was used up. docs/rules/CpuQuotaThrottled.md */
#include "rules/rule.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "rules/search.h"
#include "rules/words.h"

/* Numbers of a hit. */
enum { N_UNION_NS, N_THREADS, N_VAGUE };

/* A thread that was throttled. */
struct stop {
	const struct kf_gap *gap;
	uint64_t start_ns, end_ns;
	uint32_t cgroup;
	bool vague; /* for how long is not known: at most this */
	uint64_t union_ns;
	uint64_t n_threads;
};

struct stops {
	struct stop *items;
	size_t n, room;
};

static int by_thread(const void *va, const void *vb)
{
	const struct stop *a = va, *b = vb;

	if (a->cgroup != b->cgroup)
		return a->cgroup < b->cgroup ? -1 : 1;
	return (a->gap->thread > b->gap->thread) - (a->gap->thread < b->gap->thread);
}

static int by_start(const void *va, const void *vb)
{
	const struct stop *a = va, *b = vb;

	if (a->cgroup != b->cgroup)
		return a->cgroup < b->cgroup ? -1 : 1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static int collect(struct stops *stops, const struct kf_search *s, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_gaps; i++) {
		const struct kf_gap *gap = &s->t->gaps[i];
		struct stop stop = { .gap = gap, .cgroup = gap->cgroup };

		if ((!gap->throttled && !gap->throttled_end_ns) || !kf_search_wants(s, gap->thread))
			continue;
		stop.vague = !gap->throttled_end_ns;
		stop.start_ns = stop.vague ? gap->start_ns : gap->throttled_start_ns;
		stop.end_ns = stop.vague ? gap->end_ns : gap->throttled_end_ns;
		if (KF_GROW(stops->items, stops->n, stops->room))
			return kf_fail_memory(e, "findings");
		stops->items[stops->n++] = stop;
	}
	return 0;
}

/* n stops of one cgroup, by thread and then by start: how many threads, and how long at least one of them was stopped. */
static void sum_up(struct stop *stops, size_t n)
{
	uint64_t threads = 0, union_ns = 0, until_ns = 0;

	qsort(stops, n, sizeof(*stops), by_thread);
	for (size_t i = 0; i < n; i++)
		threads += !i || stops[i].gap->thread != stops[i - 1].gap->thread;
	qsort(stops, n, sizeof(*stops), by_start);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = stops[i].start_ns > until_ns ? stops[i].start_ns : until_ns;

		if (stops[i].end_ns <= from)
			continue;
		union_ns += stops[i].end_ns - from;
		until_ns = stops[i].end_ns;
	}
	for (size_t i = 0; i < n; i++) {
		stops[i].n_threads = threads;
		stops[i].union_ns = union_ns;
	}
}

static int hit_all(struct kf_search *s, const struct stops *stops, struct kf_error *e)
{
	for (size_t i = 0; i < stops->n; i++) {
		const struct stop *stop = &stops->items[i];
		struct kf_hit hit = kf_hit_of_gap(stop->gap);

		hit.value = hit.ns = stop->end_ns - stop->start_ns;
		hit.ts_ns = stop->start_ns;
		hit.key = stop->cgroup;
		hit.numbers[N_UNION_NS] = stop->union_ns;
		hit.numbers[N_THREADS] = stop->n_threads;
		hit.numbers[N_VAGUE] = stop->vague;
		if (kf_search_hit(s, &hit, e))
			return -1;
	}
	return 0;
}

static int find(struct kf_search *s, struct kf_error *e)
{
	struct stops stops = { 0 };
	size_t next;
	int err = collect(&stops, s, e);

	if (!err && stops.n) {
		qsort(stops.items, stops.n, sizeof(*stops.items), by_start);
		for (size_t i = 0; i < stops.n; i = next) {
			for (next = i + 1; next < stops.n && stops.items[next].cgroup == stops.items[i].cgroup;)
				next++;
			sum_up(stops.items + i, next - i);
		}
		err = hit_all(s, &stops, e);
	}
	free(stops.items);
	return err;
}

/* The cgroup whose quota it was, NULL not known. */
static const struct kf_group *group_of(const struct kf_timeline *t, uint32_t index)
{
	if (index < t->n_cgroups && !t->cgroups[index].quota_ns)
		index = t->cgroups[index].limiting;
	return index < t->n_cgroups ? &t->cgroups[index] : NULL;
}

/* "the CPU quota of /web (50.0 ms per 100 ms)" */
static void tell_quota(struct kf_line *line, const struct kf_group *group)
{
	if (!group) {
		kf_line_text(line, "the CPU quota of its cgroup");
		return;
	}
	kf_line_text(line, "the CPU quota of ");
	kf_line_foreign(line, group->path);
	if (!group->quota_ns || !group->period_ns)
		return;
	kf_line_text(line, " (");
	kf_line_duration(line, group->quota_ns);
	kf_line_text(line, " per ");
	kf_line_duration(line, group->period_ns);
	kf_line_text(line, ")");
}

static void tell(struct kf_search *s, const struct kf_alike *alike, struct kf_words *words)
{
	const struct kf_hit *hit = &alike->worst;
	const struct kf_group *group = group_of(s->t, (uint32_t)hit->key);
	uint64_t window_ns = s->t->end_ns - s->t->floor_ns;
	struct kf_line *line = &words->message;

	tell_quota(line, group);
	kf_line_text(line, " was used up: ");
	kf_line_thread(line, s->t, hit->thread);
	kf_line_text(line, hit->numbers[N_VAGUE] ? " was stopped for at most " : " was stopped for ");
	kf_line_duration(line, hit->ns);
	if (window_ns)
		kf_line_add(line, "; threads were throttled for %.0f %% of the window",
			    100.0 * (double)hit->numbers[N_UNION_NS] / (double)window_ns);
	kf_line_add(&words->detail, "%" PRIu64 " thread%s stopped, at least one of them for ", hit->numbers[N_THREADS],
		    hit->numbers[N_THREADS] == 1 ? "" : "s");
	kf_line_duration(&words->detail, hit->numbers[N_UNION_NS]);
	kf_line_text(&words->suggestion,
		     "raise the quota (cpu.max, in Kubernetes the CPU limit), or use it up more slowly: ");
	if (s->t->threads[hit->thread].go)
		kf_line_text(&words->suggestion,
			     "a Go program runs GOMAXPROCS threads at a time; set that to the quota "
			     "(Go >= 1.25 reads it itself)");
	else if (hit->numbers[N_THREADS] < 2)
		kf_line_text(&words->suggestion, "a single thread did, so it must do less, or in smaller pieces");
	else
		kf_line_text(&words->suggestion, "no more threads at a time than the quota is worth CPUs");
}

const struct kf_rule kf_rule_cpu_quota_throttled = {
	.name = "CpuQuotaThrottled",
	.summary = "threads were stopped because the CPU quota of their cgroup was used up",
	.unit = KF_RULE_NS,
	.warn = 5000000,
	.error = 50000000,
	.find = find,
	.tell = tell,
};
