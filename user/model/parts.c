/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/parts.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"

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

/* KF_IDLE and everybody who is not known come behind the threads. */
static size_t culprit(const struct kf_timeline *t, uint32_t thread)
{
	return thread < t->n_threads ? thread : t->n_threads + (thread == KF_IDLE);
}

static int reserve_culprits(const struct kf_timeline *t, struct kf_parts *p)
{
	size_t n = t->n_threads + 2;

	if (n <= p->n_latest)
		return 0;
	free(p->latest);
	p->latest = calloc(n, sizeof(*p->latest));
	p->n_latest = p->latest ? n : 0;
	return p->latest ? 0 : -1;
}

static enum kf_part_kind kind_of(const struct kf_timeline *t, uint32_t thread)
{
	if (thread == KF_IDLE)
		return KF_PART_IDLE;
	return thread < t->n_threads ? KF_PART_THREAD : KF_PART_UNKNOWN;
}

/* Time of a thread (or KF_IDLE, KF_NOT_KNOWN) on a CPU: to its part, or a new one. */
static int add(const struct kf_timeline *t, struct kf_parts *p, uint64_t start_ns, uint64_t end_ns, uint16_t cpu,
	       uint32_t thread)
{
	uint32_t *latest = &p->latest[culprit(t, thread)];
	uint32_t before = *latest < p->n && p->items[*latest].thread == thread ? *latest : KF_NO_PART;

	if (end_ns <= start_ns)
		return 0;
	for (uint32_t i = before; i != KF_NO_PART; i = p->items[i].before) {
		if (p->items[i].cpu == cpu) {
			p->items[i].ns += end_ns - start_ns;
			return 0;
		}
	}
	if (KF_GROW(p->items, p->n, p->room) || p->n >= KF_NO_PART)
		return -1;
	*latest = (uint32_t)p->n;
	p->items[p->n++] = (struct kf_part){ .start_ns = start_ns,
					     .ns = end_ns - start_ns,
					     .thread = thread,
					     .before = before,
					     .cpu = cpu,
					     .kind = kind_of(t, thread) };
	return 0;
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
			if (add(t, p, at, run->start_ns, stretch->cpu, KF_NOT_KNOWN))
				return -1;
			at = run->start_ns;
		}
		if (add(t, p, at, end, stretch->cpu, run->thread))
			return -1;
		at = end;
	}
	return add(t, p, at, stretch->end_ns, stretch->cpu, KF_NOT_KNOWN);
}

int kf_gap_parts(const struct kf_timeline *t, const struct kf_gap *gap, struct kf_parts *p, struct kf_error *e)
{
	p->n = 0;
	if (reserve_culprits(t, p))
		return kf_fail_memory(e, "parts of a gap");
	for (uint32_t i = 0; i < gap->n_stretches; i++)
		if (add_stretch(t, &t->stretches[gap->first_stretch + i], p))
			return kf_fail_memory(e, "parts of a gap");
	return 0;
}

void kf_parts_release(struct kf_parts *p)
{
	free(p->items);
	free(p->latest);
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
