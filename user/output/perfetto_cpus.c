/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/perfetto_writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "model/parts.h"
#include "model/timeline.h"

/* What is open on one of the tracks that show what was taken. */
struct row {
	uint64_t track;
	uint64_t *ends; /* outermost first */
	size_t n, room;
};

struct rows {
	struct row *items;
	size_t n, room;
};

static int earliest_first(const void *va, const void *vb)
{
	const struct kf_taken *a = *(const struct kf_taken *const *)va, *b = *(const struct kf_taken *const *)vb;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	if (a->end_ns != b->end_ns)
		return a->end_ns > b->end_ns ? -1 : 1;
	return (a > b) - (a < b);
}

/* All of one kind that touch the cut, outer before inner. free() *out. */
static int sort_taken(const struct kf_perfetto_writer *w, const struct kf_cpu *cpu, uint8_t kind,
		      const struct kf_taken ***out, size_t *n)
{
	const struct kf_taken **all = calloc(cpu->n_taken + 1, sizeof(const struct kf_taken *));

	*out = all;
	*n = 0;
	if (!all)
		return -1;
	for (size_t i = 0; i < cpu->n_taken; i++)
		if (cpu->taken[i].kind == kind && cpu->taken[i].end_ns > w->from_ns &&
		    cpu->taken[i].start_ns < w->to_ns && cpu->taken[i].start_ns < cpu->taken[i].end_ns)
			all[(*n)++] = &cpu->taken[i];
	qsort(all, *n, sizeof(const struct kf_taken *), earliest_first);
	return 0;
}

/* Ends what is over by ts_ns. */
static void end_until(struct kf_perfetto_writer *w, struct row *row, uint64_t ts_ns)
{
	for (; row->n && row->ends[row->n - 1] <= ts_ns; row->n--)
		kf_perfetto_wire_event(w->wire, &(struct kf_perfetto_event){ .ts_ns = row->ends[row->n - 1],
									     .track = row->track,
									     .type = KF_PERFETTO_END });
}

static struct row *row_new(struct kf_perfetto_writer *w, struct rows *rows, const char *name, int32_t rank,
			   uint64_t *n_tracks)
{
	struct row *row;

	if (KF_GROW(rows->items, rows->n, rows->room))
		return NULL;
	row = &rows->items[rows->n++];
	*row = (struct row){ .track = kf_perfetto_taken_track((*n_tracks)++) };
	kf_perfetto_wire_track(w->wire, w->from_ns,
			       &(struct kf_perfetto_track){
				       .id = row->track, .parent = KF_PERFETTO_CPUS, .name = name, .rank = rank });
	return row;
}

static uint64_t shown_end(const struct kf_perfetto_writer *w, const struct kf_taken *taken)
{
	return taken->end_ns < w->to_ns ? taken->end_ns : w->to_ns;
}

/* The first row in which it nests. Interrupts hit one another in order, but several that became one may overlap. */
static struct row *row_for(struct kf_perfetto_writer *w, struct rows *rows, const struct kf_taken *taken)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct row *row = &rows->items[i];

		end_until(w, row, taken->start_ns);
		if (!row->n || row->ends[row->n - 1] >= shown_end(w, taken))
			return row;
	}
	return NULL;
}

static uint32_t taken_name(struct kf_perfetto_writer *w, const struct kf_taken *taken)
{
	struct kf_part part = { .kind = taken->kind, .vector = taken->vector };
	char name[KF_VECTOR_BYTES];

	if (!kf_part_vector_name(w->t, &part, name, sizeof(name)))
		return kf_perfetto_wire_name(w->wire, kf_part_kind_name(taken->kind));
	return kf_perfetto_wire_name(w->wire, name);
}

static int begin_taken(struct kf_perfetto_writer *w, struct row *row, const struct kf_taken *taken)
{
	struct kf_perfetto_event event = { .ts_ns = taken->start_ns > w->from_ns ? taken->start_ns : w->from_ns,
					   .track = row->track,
					   .type = KF_PERFETTO_BEGIN,
					   .name = taken_name(w, taken) };

	if (KF_GROW(row->ends, row->n, row->room))
		return -1;
	row->ends[row->n++] = shown_end(w, taken);
	if (taken->ns != taken->end_ns - taken->start_ns)
		event.notes[0] = (struct kf_perfetto_note){ .key = "ns", .number = taken->ns };
	kf_perfetto_wire_event(w->wire, &event);
	return 0;
}

/* What interrupts, softirqs or the hypervisor took from a CPU. */
static int write_taken(struct kf_perfetto_writer *w, const struct kf_cpu *cpu, uint8_t kind, const char *name,
		       int32_t rank, uint64_t *n_tracks)
{
	const struct kf_taken **all;
	struct rows rows = { 0 };
	size_t n;
	int err = sort_taken(w, cpu, kind, &all, &n);

	for (size_t i = 0; !err && i < n; i++) {
		struct row *row = row_for(w, &rows, all[i]);

		if (!row)
			row = row_new(w, &rows, name, rank, n_tracks);
		err = row ? begin_taken(w, row, all[i]) : -1;
	}
	for (size_t i = 0; i < rows.n; i++) {
		end_until(w, &rows.items[i], UINT64_MAX);
		free(rows.items[i].ends);
	}
	free(rows.items);
	free(all);
	return err;
}

static void write_runs(struct kf_perfetto_writer *w, uint16_t number, const char *name, int32_t rank)
{
	const struct kf_cpu *cpu = &w->t->cpus[number];
	uint64_t track = kf_perfetto_cpu_track(number);

	kf_perfetto_wire_track(
		w->wire, w->from_ns,
		&(struct kf_perfetto_track){ .id = track, .parent = KF_PERFETTO_CPUS, .name = name, .rank = rank });
	for (size_t i = kf_cpu_run_at(cpu, w->from_ns); i < cpu->n_runs && cpu->runs[i].start_ns < w->to_ns; i++) {
		const struct kf_run *run = &cpu->runs[i];

		if (run->thread == KF_IDLE)
			continue;
		kf_perfetto_slice(w, track, run->start_ns, run->end_ns,
				  run->thread < w->t->n_threads ? kf_perfetto_thread_name(w, run->thread)
								: kf_perfetto_wire_name(w->wire, "unknown"),
				  NULL, 0);
	}
}

int kf_perfetto_cpus(struct kf_perfetto_writer *w, struct kf_error *e)
{
	static const uint8_t kinds[] = { KF_PART_SOFTIRQ, KF_PART_IRQ, KF_PART_STEAL };
	const int32_t n_kinds = sizeof(kinds) / sizeof(kinds[0]);
	uint64_t n_tracks = 0;

	kf_perfetto_wire_track(
		w->wire, w->from_ns,
		&(struct kf_perfetto_track){ .id = KF_PERFETTO_CPUS, .name = "CPUs", .ordered = true, .rank = -1 });
	for (size_t i = 0; i < w->t->n_cpus && i < KF_NO_CPU; i++) {
		int32_t rank = (int32_t)i * (n_kinds + 1);
		char name[64];

		if (!w->t->cpus[i].n_runs)
			continue;
		snprintf(name, sizeof(name), "CPU %zu", i);
		write_runs(w, (uint16_t)i, name, rank);
		for (int32_t k = 0; k < n_kinds; k++) {
			snprintf(name, sizeof(name), "CPU %zu %s", i, kf_part_kind_name(kinds[k]));
			if (write_taken(w, &w->t->cpus[i], kinds[k], name, rank + 1 + k, &n_tracks))
				return kf_fail_memory(e, "the interrupts of a CPU");
		}
	}
	return 0;
}
