/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/parts.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"

static int add(struct kf_parts *p, uint64_t start_ns, uint64_t end_ns, uint16_t cpu, enum kf_part_kind kind,
	       uint32_t thread)
{
	if (end_ns <= start_ns)
		return 0;
	if (KF_GROW(p->items, p->n, p->room))
		return -1;
	p->items[p->n++] = (struct kf_part){
		.start_ns = start_ns, .ns = end_ns - start_ns, .thread = thread, .cpu = cpu, .kind = kind
	};
	return 0;
}

/* The first run that ends after ts_ns. */
static size_t run_at(const struct kf_cpu *cpu, uint64_t ts_ns)
{
	size_t low = 0, high = cpu->n_runs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cpu->runs[middle].end_ns <= ts_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum kf_part_kind kind_of(uint32_t thread)
{
	if (thread == KF_IDLE)
		return KF_PART_IDLE;
	return thread < KF_NOT_KNOWN ? KF_PART_THREAD : KF_PART_UNKNOWN;
}

static int add_stretch(const struct kf_timeline *t, const struct kf_stretch *stretch, struct kf_parts *p)
{
	const struct kf_cpu *cpu = stretch->cpu < t->n_cpus ? &t->cpus[stretch->cpu] : NULL;
	uint64_t at = stretch->start_ns;

	for (size_t i = cpu ? run_at(cpu, at) : 0; cpu && i < cpu->n_runs; i++) {
		const struct kf_run *run = &cpu->runs[i];
		uint64_t end = run->end_ns < stretch->end_ns ? run->end_ns : stretch->end_ns;

		if (run->start_ns >= stretch->end_ns)
			break;
		if (run->start_ns > at) { /* before the floor */
			if (add(p, at, run->start_ns, stretch->cpu, KF_PART_UNKNOWN, 0))
				return -1;
			at = run->start_ns;
		}
		if (add(p, at, end, stretch->cpu, kind_of(run->thread), run->thread))
			return -1;
		at = end;
	}
	return add(p, at, stretch->end_ns, stretch->cpu, KF_PART_UNKNOWN, 0);
}

int kf_gap_slices(const struct kf_timeline *t, const struct kf_gap *gap, struct kf_parts *p, struct kf_error *e)
{
	p->n = 0;
	for (uint32_t i = 0; i < gap->n_stretches; i++)
		if (add_stretch(t, &t->stretches[gap->first_stretch + i], p))
			return kf_fail_memory(e, "parts of a gap");
	return 0;
}

static int compare_start(const void *a, const void *b)
{
	const struct kf_part *x = a, *y = b;

	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static int compare_culprit(const struct kf_part *x, const struct kf_part *y)
{
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	if (x->kind == KF_PART_THREAD && x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return 0;
}

static int compare_culprit_then_start(const void *a, const void *b)
{
	int order = compare_culprit(a, b);

	return order ? order : compare_start(a, b);
}

int kf_gap_parts(const struct kf_timeline *t, const struct kf_gap *gap, struct kf_parts *p, struct kf_error *e)
{
	size_t n = 0;

	if (kf_gap_slices(t, gap, p, e))
		return -1;
	if (!p->n)
		return 0;
	qsort(p->items, p->n, sizeof(*p->items), compare_culprit_then_start);
	for (size_t i = 1; i < p->n; i++) {
		if (compare_culprit(&p->items[n], &p->items[i]) == 0)
			p->items[n].ns += p->items[i].ns;
		else
			p->items[++n] = p->items[i];
	}
	p->n = n + 1;
	qsort(p->items, p->n, sizeof(*p->items), compare_start);
	return 0;
}

void kf_parts_release(struct kf_parts *p)
{
	free(p->items);
	*p = (struct kf_parts){ 0 };
}

const char *kf_part_kind_name(enum kf_part_kind kind)
{
	static const char *const names[KF_PART_KINDS] = {
		[KF_PART_UNKNOWN] = "unknown",
		[KF_PART_THREAD] = "thread",
		[KF_PART_IDLE] = "idle",
	};

	return (unsigned)kind < KF_PART_KINDS ? names[kind] : names[KF_PART_UNKNOWN];
}
