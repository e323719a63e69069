/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/missing.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "base/units.h"
#include "model/timeline.h"
#include "output/circumstances.h"
#include "output/info.h"
#include "output/line.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

/* A window shorter by this part of what was asked for is not worth a line. */
#define TOLERATED_PART 100

static int add(struct kf_missing *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int add(struct kf_missing *m, const char *format, ...)
{
	char *line;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&line, format, args);
	va_end(args);
	if (n < 0)
		return -1;
	if (KF_GROW(m->lines, m->n, m->room)) {
		free(line);
		return -1;
	}
	m->lines[m->n++] = line;
	return 0;
}

static int add_window(struct kf_missing *m, const struct kf_timeline *t, const struct kf_snapshot *s)
{
	uint64_t held_ns = t->end_ns - t->floor_ns;
	char held[32], asked[32];

	if (!s->window_ns || held_ns >= s->window_ns - s->window_ns / TOLERATED_PART)
		return 0;
	kf_format_duration(held_ns, held, sizeof(held));
	kf_format_duration(s->window_ns, asked, sizeof(asked));
	if (t->floor_ns > s->started_ns + held_ns / TOLERATED_PART)
		return add(m, "the window holds %s of the %s asked for: the rings were too small (--window)", held,
			   asked);
	if (!kf_window_was_full(s)) {
		kf_format_duration(kf_recorded_before_ns(s), held, sizeof(held));
		return add(m, "the window was not full: recording had run for only %s of the wished %s", held, asked);
	}
	return add(m, "the window holds no more than the %s since recording started (%s asked for)", held, asked);
}

/* Counts of one class over all CPUs. */
struct loss {
	uint64_t dropped, torn, overwritten;
	uint32_t dropping_cpus;
	bool in_window; /* some of the dropped ones fall into the window */
};

static struct loss sum_rings(const struct kf_snapshot *s, unsigned int class)
{
	struct loss loss = { 0 };

	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		const struct kf_ring_copy *ring = &s->rings[class][cpu];

		loss.dropped += ring->dropped;
		loss.torn += ring->torn;
		loss.overwritten += ring->overwritten;
		loss.dropping_cpus += ring->dropped != 0;
		if (ring->drop_first_ns && ring->drop_first_ns <= s->end_ns)
			loss.in_window = true;
		if (ring->drop_last_ns && ring->drop_last_ns >= s->floor_ns)
			loss.in_window = true;
	}
	return loss;
}

static int add_rings(struct kf_missing *m, const struct kf_snapshot *s, unsigned int class)
{
	struct loss loss = sum_rings(s, class);
	char n[32];
	int err = 0;

	if (loss.dropped)
		err |= add(m, "%s %s records were refused on %" PRIu32 " CPU%s while a window was held, %s",
			   kf_format_count(loss.dropped, n, sizeof(n)), kf_class_name(class), loss.dropping_cpus,
			   loss.dropping_cpus == 1 ? "" : "s",
			   loss.in_window ? "some of them in this window" : "none of them in this window");
	if (loss.torn)
		err |= add(m, "%s %s slots were thrown away: overwritten during the copy, or never completed",
			   kf_format_count(loss.torn, n, sizeof(n)), kf_class_name(class));
	if (class == KF_CLASS_LIFE && loss.overwritten)
		err |= add(m, "%s birth and name records were overwritten: threads that died early may lack a name",
			   kf_format_count(loss.overwritten, n, sizeof(n)));
	return err;
}

static int add_losses(struct kf_missing *m, const struct kf_losses *l)
{
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = {
		{ l->missed_runs, "events were missed: the kernel skipped a probe that was already running" },
		{ l->no_state, "events had no room for the state of their thread" },
		{ l->bad_waits, "waits were negative or absurd, and count as unknown" },
		{ l->lost_triggers, "triggers fired but did not fit their queue" },
		{ l->flooded, "records were refused because their process had its share" },
	};
	char n[32];
	int err = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].n)
			err |= add(m, "%s %s (since the start of recording)", kf_format_count(rows[i].n, n, sizeof(n)),
				   rows[i].what);
	return err;
}

static int add_suppressed(struct kf_missing *m, const struct kf_snapshot *s)
{
	char cooling[32], busy[32];
	int err = 0;

	/* Since 1.2 rules tell, and the reports say it elsewhere. */
	for (unsigned int kind = 0; !s->n_rules && kind < KF_TRIGGER_KINDS; kind++) {
		const struct kf_trigger_counts *c = &s->counts[kind];

		if (c->cooling || c->busy)
			err |= add(m,
				   "%s triggers without a snapshot of their own: %s during the cool-down, %s while "
				   "another was written",
				   kf_trigger_kind_name(kind), kf_format_count(c->cooling, cooling, sizeof(cooling)),
				   kf_format_count(c->busy, busy, sizeof(busy)));
	}
	return err;
}

/* What the recorder did not look for. Steal is not looked for where no hypervisor counts it, so that is no news. */
static int add_sources(struct kf_missing *m, const struct kf_snapshot *s)
{
	const struct {
		bool known;
		const char *what;
	} rows[] = {
		{ s->sources & KF_SOURCE_IRQ, "interrupts (their time counts for whoever they interrupted)" },
		{ s->sources & KF_SOURCE_QUOTA, "CPU quotas" },
		{ s->sources & KF_SOURCE_PRIO, "changes of priority" },
		{ !s->n_tasks || kf_snapshot_knows_affinity(s), "the CPUs that threads may use" },
	};
	struct kf_line line;
	char text[256];

	kf_line_init(&line, text, sizeof(text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].known)
			kf_line_add(&line, "%s%s", line.used ? ", " : "", rows[i].what);
	return line.used ? add(m, "not recorded: %s", text) : 0;
}

static int add_given_up(struct kf_missing *m, const struct kf_snapshot *s)
{
	char text[KF_CIRCUMSTANCE_BYTES];

	return kf_given_up_text(s, text, sizeof(text)) ? add(m, "not recorded: %s", text) : 0;
}

/* Interrupts that were overwritten before the window was. */
static int add_taken(struct kf_missing *m, const struct kf_timeline *t, const struct kf_snapshot *s)
{
	uint64_t latest_ns = t->floor_ns;
	uint32_t n = 0;
	char before[32], cpus[32];

	for (size_t i = 0; (s->sources & KF_SOURCE_IRQ) && i < t->n_cpus; i++) {
		const struct kf_cpu *cpu = &t->cpus[i];

		if (!cpu->n_runs || cpu->taken_floor_ns <= t->floor_ns)
			continue;
		n++;
		if (cpu->taken_floor_ns > latest_ns)
			latest_ns = cpu->taken_floor_ns < t->end_ns ? cpu->taken_floor_ns : t->end_ns;
	}
	if (!n)
		return 0;
	kf_format_duration(latest_ns - t->floor_ns, before, sizeof(before));
	return add(m,
		   "interrupts, steal and quotas of the first %s of the window were overwritten on %s CPU%s: their "
		   "time counts for whoever had the CPU",
		   before, kf_format_count(n, cpus, sizeof(cpus)), n == 1 ? "" : "s");
}

static int add_model(struct kf_missing *m, const struct kf_timeline *t)
{
	uint64_t unknown_ns = 0;
	uint32_t n_unknown = 0;
	char n[32], duration[32];
	int err = 0;

	for (size_t i = 0; i < t->n_threads; i++) {
		unknown_ns += t->threads[i].unknown_ns;
		n_unknown += t->threads[i].unknown_ns != 0;
	}
	if (t->n_repaired)
		err |= add(m, "%s changes of state were inferred: their own records are not in the file",
			   kf_format_count(t->n_repaired, n, sizeof(n)));
	if (t->n_ignored)
		err |= add(m, "%s records contradicted the others and were passed over",
			   kf_format_count(t->n_ignored, n, sizeof(n)));
	if (unknown_ns)
		err |= add(m, "what %s thread%s did is unknown for %s in total",
			   kf_format_count(n_unknown, n, sizeof(n)), n_unknown == 1 ? "" : "s",
			   kf_format_duration(unknown_ns, duration, sizeof(duration)));
	return err;
}

int kf_missing_find(struct kf_missing *m, const struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e)
{
	int err = add_window(m, t, s);

	for (unsigned int class = 0; class < KF_CLASSES; class ++)
		err |= add_rings(m, s, class);
	err |= add_taken(m, t, s);
	err |= add_sources(m, s);
	err |= add_given_up(m, s);
	err |= add_losses(m, &s->losses);
	err |= add_model(m, t);
	err |= add_suppressed(m, s);
	return err ? kf_fail_memory(e, "the list of losses") : 0;
}

void kf_missing_release(struct kf_missing *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->lines[i]);
	free(m->lines);
	*m = (struct kf_missing){ 0 };
}
