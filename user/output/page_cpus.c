/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "model/timeline.h"
#include "output/cpu_use.h"
#include "output/line.h"
#include "output/table.h"

/* More CPUs than that: the busiest. JSON has them all. */
#define MAX_CPUS_SHOWN 16
/* Threads named per CPU. */
#define N_NAMED 2

static uint64_t busy_ns(const struct kf_cpu_use *use)
{
	return use->by_kind_ns[KF_PART_THREAD] + use->by_kind_ns[KF_PART_IRQ] + use->by_kind_ns[KF_PART_SOFTIRQ] +
	       use->by_kind_ns[KF_PART_STEAL];
}

static int by_busy(const void *va, const void *vb)
{
	const struct kf_cpu_use *a = va, *b = vb;
	uint64_t a_ns = busy_ns(a), b_ns = busy_ns(b);

	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	return (a->cpu > b->cpu) - (a->cpu < b->cpu);
}

/* "62.5 %", "-" for nothing, "<0.1 %" for hardly anything. */
static void share_cell(struct kf_table *table, uint64_t ns, uint64_t of_ns)
{
	double percent = of_ns ? 100.0 * (double)ns / (double)of_ns : 0;

	if (!ns)
		kf_table_cell(table, "-");
	else if (percent < 0.1)
		kf_table_cell(table, "<0.1 %%");
	else
		kf_table_cell(table, "%.1f %%", percent);
}

static void irq_cell(struct kf_table *table, const struct kf_cpu_use *use, enum kf_part_kind kind, uint64_t of_ns)
{
	if (use->irqs_known)
		share_cell(table, use->by_kind_ns[kind], of_ns);
	else
		kf_table_cell(table, "?");
}

/* "hog/812 62.1 %, nginx/2144 9.0 %" */
static void top_cell(struct kf_table *table, const struct kf_timeline *t, const struct kf_cpu_use *use, uint64_t of_ns)
{
	char text[512];
	struct kf_line line;

	kf_line_init(&line, text, sizeof(text));
	for (int i = 0; i < N_NAMED && use->top[i] < t->n_threads; i++) {
		double percent = of_ns ? 100.0 * (double)use->top_ns[i] / (double)of_ns : 0;

		if (percent < 0.5)
			break;
		kf_line_text(&line, i ? ", " : "");
		kf_line_thread(&line, t, use->top[i]);
		kf_line_add(&line, " %.1f %%", percent);
	}
	kf_table_cell(table, "%s", line.used ? text : "-");
}

static int print(const struct kf_page *p, const struct kf_cpu_use *uses, size_t n, struct kf_error *e)
{
	static const struct kf_column columns[] = {
		{ "CPU", KF_RIGHT, 0 },	       { "threads", KF_RIGHT, 0 },  { "idle", KF_RIGHT, 0 },
		{ "interrupts", KF_RIGHT, 0 }, { "softirqs", KF_RIGHT, 0 }, { "steal", KF_RIGHT, 0 },
		{ "unknown", KF_RIGHT, 0 },    { "most", KF_LEFT, 90 },
	};
	struct kf_table *table = kf_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	uint64_t window_ns = p->t->end_ns - p->t->floor_ns;
	int err = !table;

	for (size_t i = 0; table && i < n && i < MAX_CPUS_SHOWN; i++) {
		const uint64_t *ns = uses[i].by_kind_ns;

		kf_table_cell(table, "%u", uses[i].cpu);
		share_cell(table, ns[KF_PART_THREAD], window_ns);
		share_cell(table, ns[KF_PART_IDLE], window_ns);
		irq_cell(table, &uses[i], KF_PART_IRQ, window_ns);
		irq_cell(table, &uses[i], KF_PART_SOFTIRQ, window_ns);
		share_cell(table, ns[KF_PART_STEAL], window_ns);
		share_cell(table, ns[KF_PART_UNKNOWN], window_ns);
		top_cell(table, p->t, &uses[i], window_ns);
	}
	if (table)
		err = kf_table_print(table, p->out, "  ");
	kf_table_free(&table);
	if (n > MAX_CPUS_SHOWN)
		fprintf(p->out, "  and %zu more\n", n - MAX_CPUS_SHOWN);
	return err ? kf_fail_memory(e, "a table") : 0;
}

int kf_page_cpus(const struct kf_page *p, struct kf_error *e)
{
	struct kf_cpu_use *uses;
	size_t n;
	int err;

	if (kf_cpu_use_find(p->t, &uses, &n, e))
		return -1;
	if (n > MAX_CPUS_SHOWN)
		qsort(uses, n, sizeof(*uses), by_busy);
	kf_page_heading(p, n > MAX_CPUS_SHOWN ? "Use of the CPUs, the busiest first" : "Use of the CPUs");
	err = print(p, uses, n, e);
	free(uses);
	return err;
}
