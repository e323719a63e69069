/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_waits.c - what BPF counted of the waits of filtered threads (kflight/waits.h), over all CPUs. */
#include "capture/recorder_waits.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "capture/recorder_internal.h"
#include "expr/trigger_set.h"

#include "kflight.skel.h"

_Static_assert(sizeof(struct kf_cpu_waits) % 8 == 0, "elements of a mapped array");

int kf_recorder_waits_plan(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e)
{
	const struct kf_trigger_set *set = opts->trigger_set;

	r->bpf->rodata->count_waits = opts->count_waits;
	for (size_t i = 0; set && i < set->n_terms; i++)
		if (!set->terms[i].event)
			r->bpf->rodata->aggregate_terms[set->terms[i].kind] |= 1u << i;
	if (bpf_map__set_max_entries(r->bpf->maps.cpu_waits, r->plan.n_cpus))
		return kf_fail(e, KF_HOST, NULL, "cannot size the counts of waits");
	return 0;
}

static size_t map_bytes(const struct kf_recorder *r)
{
	return sizeof(*r->waits) * r->plan.n_cpus;
}

int kf_recorder_waits_map(struct kf_recorder *r, struct kf_error *e)
{
	void *waits = mmap(NULL, map_bytes(r), PROT_READ, MAP_SHARED, bpf_map__fd(r->bpf->maps.cpu_waits), 0);

	if (waits == MAP_FAILED)
		return kf_fail_errno(e, errno, NULL, "cannot map the counts of waits");
	r->waits = waits;
	return 0;
}

void kf_recorder_waits_unmap(struct kf_recorder *r)
{
	if (r->waits)
		munmap((void *)r->waits, map_bytes(r));
	r->waits = NULL;
}

void kf_recorder_waits(const struct kf_recorder *r, enum kf_waits_kind kind, struct kf_wait_histogram *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t cpu = 0; cpu < r->plan.n_cpus; cpu++) {
		const struct kf_wait_histogram *waits = &r->waits[cpu].waits[kind];

		out->ns += waits->ns;
		for (int i = 0; i < KF_WAITS_BUCKETS; i++)
			out->buckets[i] += waits->buckets[i];
	}
}

static struct kf_term_stats sum_of_term(const struct kf_recorder *r, int term)
{
	struct kf_term_stats sum = { 0 };

	for (uint32_t cpu = 0; cpu < r->plan.n_cpus; cpu++) {
		sum.count += r->waits[cpu].terms[term].count;
		sum.above += r->waits[cpu].terms[term].above;
		sum.ns += r->waits[cpu].terms[term].ns;
	}
	return sum;
}

void kf_recorder_term_stats(const struct kf_recorder *r, int term, struct kf_term_stats *out)
{
	*out = sum_of_term(r, term);
	out->count -= r->term_bases[term].count;
	out->above -= r->term_bases[term].above;
	out->ns -= r->term_bases[term].ns;
}

void kf_recorder_restart_term(struct kf_recorder *r, int term)
{
	r->term_bases[term] = sum_of_term(r, term);
}
