/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html_picture.h"

#include <stdbool.h>

#include "model/timeline.h"
#include "output/html_json.h"
#include "output/html_who.h"

/* Reading runs costs little beside writing them, but some gaps are as long as the window. */
#define RUNS_READ_PER_COST 256
/* With more runs than so many times those wanted, a finer picture is not tried. */
#define MAX_TRIED 16
/* What is shown before and behind a gap: a part of its length, and at least this. */
#define MARGIN_PART   3
#define MIN_MARGIN_NS 20000

struct picture {
	const struct kf_timeline *t;
	struct kf_who *who;
	FILE *out; /* NULL: only the cost is wanted */
	size_t max_runs;
	uint64_t from_ns;
	uint64_t to_ns;
	uint64_t fine_ns; /* shorter runs are put together; 0 none */
	uint16_t cpus[KF_PICTURE_LANES];
	size_t n_cpus;
	size_t cost;
};

/* Runs of one CPU that are put together. */
struct mixed {
	uint64_t ns;
	uint64_t idle_ns;
	uint32_t who; /* of the last one */
	size_t n;
};

uint16_t kf_html_waker_cpu(const struct kf_timeline *t, const struct kf_gap *gap)
{
	if (gap->waker >= t->n_threads)
		return KF_NO_CPU;
	for (size_t i = 0; i < t->n_cpus; i++) {
		const struct kf_cpu *cpu = &t->cpus[i];
		size_t at = kf_cpu_run_at(cpu, gap->start_ns);

		if (at < cpu->n_runs && cpu->runs[at].start_ns <= gap->start_ns && cpu->runs[at].thread == gap->waker)
			return (uint16_t)i;
	}
	return KF_NO_CPU;
}

static void add_cpu(struct picture *p, uint16_t cpu)
{
	if (cpu >= p->t->n_cpus || !p->t->cpus[cpu].n_runs || p->n_cpus == KF_PICTURE_LANES)
		return;
	for (size_t i = 0; i < p->n_cpus; i++)
		if (p->cpus[i] == cpu)
			return;
	p->cpus[p->n_cpus++] = cpu;
}

static void sort_cpus(struct picture *p)
{
	for (size_t i = 1; i < p->n_cpus; i++) {
		uint16_t cpu = p->cpus[i];
		size_t at = i;

		for (; at > 0 && p->cpus[at - 1] > cpu; at--)
			p->cpus[at] = p->cpus[at - 1];
		p->cpus[at] = cpu;
	}
}

/* Where it ran at last, where it waited, who woke it; then its neighbours, for comparison. */
static void choose_cpus(struct picture *p, const struct kf_gap *gap)
{
	add_cpu(p, gap->cpu);
	add_cpu(p, kf_html_waker_cpu(p->t, gap));
	for (uint32_t i = 0; i < gap->n_stretches; i++)
		add_cpu(p, p->t->stretches[gap->first_stretch + i].cpu);
	for (size_t near = 1; gap->cpu != KF_NO_CPU && near < p->t->n_cpus; near++) {
		add_cpu(p, (uint16_t)(gap->cpu + near));
		if (gap->cpu >= near)
			add_cpu(p, (uint16_t)(gap->cpu - near));
	}
	for (size_t i = 0; i < p->t->n_cpus; i++)
		add_cpu(p, (uint16_t)i);
	sort_cpus(p);
}

static void choose_range(struct picture *p, const struct kf_gap *gap)
{
	uint64_t floor_ns = p->t->floor_ns, end_ns = p->t->end_ns;
	uint64_t start_ns = gap->start_ns > floor_ns ? gap->start_ns : floor_ns;
	uint64_t gap_end_ns = gap->end_ns > start_ns ? gap->end_ns : start_ns;
	uint64_t margin_ns = (gap_end_ns - start_ns) / MARGIN_PART;

	if (margin_ns < MIN_MARGIN_NS)
		margin_ns = MIN_MARGIN_NS;
	p->from_ns = start_ns - floor_ns > margin_ns ? start_ns - margin_ns : floor_ns;
	p->to_ns = end_ns > gap_end_ns && end_ns - gap_end_ns > margin_ns ? gap_end_ns + margin_ns : end_ns;
}

static void write_run(struct picture *p, uint64_t ns, uint32_t who)
{
	p->cost++;
	if (!p->out)
		return;
	kf_html_json_number(p->out, ns);
	putc_unlocked(',', p->out);
	kf_html_json_number(p->out, who);
}

static void write_several(struct picture *p, const struct mixed *mixed)
{
	p->cost += 2;
	if (!p->out)
		return;
	kf_html_json_number(p->out, mixed->ns);
	fputs_unlocked(",-1,", p->out);
	kf_html_json_number(p->out, mixed->n);
	putc_unlocked(',', p->out);
	kf_html_json_number(p->out, mixed->idle_ns);
}

static void write_mixed(struct picture *p, struct mixed *mixed, bool comma)
{
	if (comma && p->out)
		putc_unlocked(',', p->out);
	if (mixed->n == 1)
		write_run(p, mixed->ns, mixed->who);
	else
		write_several(p, mixed);
	*mixed = (struct mixed){ 0 };
}

struct lane {
	struct mixed mixed;
	bool begun;
};

static void add_run(struct picture *p, struct lane *lane, uint64_t ns, uint32_t who)
{
	struct mixed *mixed = &lane->mixed;

	if (!ns)
		return;
	if (mixed->n && (ns >= p->fine_ns || mixed->ns >= p->fine_ns)) {
		write_mixed(p, mixed, lane->begun);
		lane->begun = true;
	}
	mixed->n++;
	mixed->ns += ns;
	mixed->idle_ns += who == KF_WHO_IDLE ? ns : 0;
	mixed->who = who;
	if (ns >= p->fine_ns) {
		write_mixed(p, mixed, lane->begun);
		lane->begun = true;
	}
}

static void write_runs(struct picture *p, const struct kf_cpu *cpu)
{
	struct lane lane = { 0 };
	uint64_t at = p->from_ns;

	for (size_t i = kf_cpu_run_at(cpu, at); i < cpu->n_runs && at < p->to_ns; i++) {
		const struct kf_run *run = &cpu->runs[i];
		uint64_t start_ns = run->start_ns < p->to_ns ? run->start_ns : p->to_ns;
		uint64_t end_ns = run->end_ns < p->to_ns ? run->end_ns : p->to_ns;

		if (start_ns > at)
			add_run(p, &lane, start_ns - at, KF_WHO_UNKNOWN);
		at = start_ns > at ? start_ns : at;
		if (end_ns > at)
			add_run(p, &lane, end_ns - at, kf_who_thread(p->who, run->thread));
		at = end_ns > at ? end_ns : at;
	}
	add_run(p, &lane, p->to_ns - at, KF_WHO_UNKNOWN);
	if (lane.mixed.n)
		write_mixed(p, &lane.mixed, lane.begun);
}

/* What the runs would cost with this fineness. */
static size_t cost_of(const struct picture *p, uint64_t fine_ns)
{
	struct picture dry = *p;

	dry.out = NULL;
	dry.cost = 0;
	dry.fine_ns = fine_ns;
	for (size_t i = 0; i < p->n_cpus; i++)
		write_runs(&dry, &p->t->cpus[p->cpus[i]]);
	return dry.cost;
}

/*
 * So that no more than about max_runs are written. What suffices in any case is often coarser than needed: behind every
 * run that is long enough may come one put together, but few CPUs are so regular.
 */
static void choose_fineness(struct picture *p)
{
	uint64_t sure_ns;
	size_t n = 0;

	for (size_t i = 0; i < p->n_cpus; i++) {
		const struct kf_cpu *cpu = &p->t->cpus[p->cpus[i]];

		n += kf_cpu_run_at(cpu, p->to_ns) - kf_cpu_run_at(cpu, p->from_ns) + 1;
	}
	p->cost += n / RUNS_READ_PER_COST;
	if (n <= p->max_runs)
		return;
	sure_ns = (p->to_ns - p->from_ns) / (p->max_runs / 2 / p->n_cpus) + 1;
	for (unsigned int shift = n / p->max_runs < MAX_TRIED ? 4 : 0; shift; shift--) {
		p->fine_ns = sure_ns >> shift;
		if (p->fine_ns && cost_of(p, p->fine_ns) <= p->max_runs)
			return;
	}
	p->fine_ns = sure_ns;
}

static size_t count_taken(const struct picture *p, const struct kf_cpu *cpu)
{
	return kf_cpu_taken_at(cpu, p->to_ns) - kf_cpu_taken_at(cpu, p->from_ns);
}

/* Time taken by one and the same, near enough to be drawn as one. */
struct patch {
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t ns;
	uint32_t who;
};

#define MAX_PATCHES 8

struct patches {
	struct patch open[MAX_PATCHES]; /* who of one not in use: KF_WHO_UNKNOWN */
	size_t oldest;
	uint64_t near_ns; /* what is no further apart is put together; 0 nothing is */
	bool begun;
};

static void write_patch(struct picture *p, struct patches *all, struct patch *patch)
{
	if (patch->who == KF_WHO_UNKNOWN)
		return;
	if (all->begun)
		putc_unlocked(',', p->out);
	all->begun = true;
	kf_html_json_offset(p->out, patch->start_ns, p->from_ns);
	putc_unlocked(',', p->out);
	kf_html_json_number(p->out, patch->end_ns - patch->start_ns);
	putc_unlocked(',', p->out);
	kf_html_json_number(p->out, patch->ns);
	putc_unlocked(',', p->out);
	kf_html_json_number(p->out, patch->who);
	p->cost += 2;
	patch->who = KF_WHO_UNKNOWN;
}

static void add_taken(struct picture *p, struct patches *all, const struct kf_taken *taken)
{
	struct patch patch = { taken->start_ns, taken->end_ns, taken->ns,
			       kf_who_taken(p->who, taken->kind, taken->vector) };
	struct patch *place = NULL;

	for (size_t i = 0; i < MAX_PATCHES; i++)
		if (all->open[i].who == patch.who)
			place = &all->open[i];
	if (place && patch.start_ns >= place->start_ns && patch.end_ns - place->start_ns <= all->near_ns) {
		place->end_ns = patch.end_ns > place->end_ns ? patch.end_ns : place->end_ns;
		place->ns += patch.ns;
		return;
	}
	if (!place)
		place = &all->open[all->oldest++ % MAX_PATCHES];
	write_patch(p, all, place);
	*place = patch;
}

static void write_taken(struct picture *p, const struct kf_cpu *cpu)
{
	struct patches all = { 0 };

	for (size_t i = 0; i < MAX_PATCHES; i++)
		all.open[i].who = KF_WHO_UNKNOWN;
	if (count_taken(p, cpu) > p->max_runs / p->n_cpus)
		all.near_ns = (p->to_ns - p->from_ns) / (p->max_runs / 2 / p->n_cpus);
	for (size_t i = kf_cpu_taken_at(cpu, p->from_ns); i < cpu->n_taken; i++) {
		const struct kf_taken *taken = &cpu->taken[i];

		if (taken->earliest_ns >= p->to_ns)
			break;
		if (taken->start_ns < p->to_ns)
			add_taken(p, &all, taken);
	}
	for (size_t i = 0; i < MAX_PATCHES; i++)
		write_patch(p, &all, &all.open[i]);
}

static void write_lane(struct picture *p, uint16_t number)
{
	const struct kf_cpu *cpu = &p->t->cpus[number];

	putc('[', p->out);
	kf_html_json_number(p->out, number);
	fputs(",[", p->out);
	write_runs(p, cpu);
	fputs("],[", p->out);
	write_taken(p, cpu);
	fputs("]]", p->out);
}

static size_t cpus_left_out(const struct picture *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->t->n_cpus; i++)
		n += p->t->cpus[i].n_runs != 0;
	return n - p->n_cpus;
}

size_t kf_html_picture_write(const struct kf_timeline *t, const struct kf_gap *gap, size_t max_runs, struct kf_who *who,
			     FILE *out)
{
	struct picture p = { .t = t, .who = who, .out = out, .max_runs = max_runs };

	choose_cpus(&p, gap);
	choose_range(&p, gap);
	choose_fineness(&p);
	putc('[', out);
	kf_html_json_offset(out, p.from_ns, t->floor_ns);
	putc(',', out);
	kf_html_json_number(out, p.to_ns - p.from_ns);
	putc(',', out);
	kf_html_json_number(out, p.fine_ns);
	putc(',', out);
	kf_html_json_number(out, cpus_left_out(&p));
	fputs(",[", out);
	for (size_t i = 0; i < p.n_cpus; i++) {
		if (i)
			putc(',', out);
		write_lane(&p, p.cpus[i]);
	}
	fputs("]]", out);
	return p.cost;
}
