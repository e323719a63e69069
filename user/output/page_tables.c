/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "model/parts.h"
#include "model/timeline.h"
#include "output/line.h"
#include "output/report.h"
#include "output/report_data.h"
#include "output/table.h"

/* Rows of the tables, the first also as many as gaps are wished; the rest is one line. JSON has them all. */
#define MIN_THREADS	20
#define MAX_OWN_THREADS 10
#define MAX_CULPRITS	10
/* Room for the longest plain name: "worker-thread-1/1234567 of process-name-15 [0ba8ac17e4e7]". */
#define NAME_WIDTH 57
/* Every kind of wait beyond these is in "...". */
#define N_WAIT_KINDS_NAMED 2

static void duration_cell(struct kf_table *table, uint64_t ns)
{
	char buf[32];

	kf_table_cell(table, "%s", ns ? kf_format_duration(ns, buf, sizeof(buf)) : "-");
}

static void count_cell(struct kf_table *table, uint64_t n)
{
	char buf[32];

	kf_table_cell(table, "%s", kf_format_count(n, buf, sizeof(buf)));
}

static void thread_cell(struct kf_table *table, const struct kf_timeline *t, uint32_t thread)
{
	char name[512];
	struct kf_line line;

	kf_line_init(&line, name, sizeof(name));
	kf_line_thread(&line, t, thread);
	kf_table_cell(table, "%s", name);
}

/* "9.80 s: poll 9.60 s, disk 120 ms, ..." */
static void blocked_cell(struct kf_table *table, const struct kf_thread *th)
{
	uint64_t left[KF_WAIT_KINDS];
	char text[256];
	struct kf_line line;
	unsigned int best;

	memcpy(left, th->blocked_by_ns, sizeof(left));
	kf_line_init(&line, text, sizeof(text));
	if (!th->blocked_ns)
		kf_line_add(&line, "-");
	else
		kf_line_duration(&line, th->blocked_ns);
	for (int n = 0; n <= N_WAIT_KINDS_NAMED; n++) {
		best = 0;
		for (unsigned int kind = 1; kind < KF_WAIT_KINDS; kind++)
			if (left[kind] > left[best])
				best = kind;
		if (!left[best])
			break;
		if (n == N_WAIT_KINDS_NAMED) {
			kf_line_add(&line, ", ...");
			break;
		}
		kf_line_add(&line, "%s%s ", n ? ", " : ": ", kf_wait_kind_name(best));
		kf_line_duration(&line, left[best]);
		left[best] = 0;
	}
	kf_table_cell(table, "%s", text);
}

static void thread_row(struct kf_table *table, const struct kf_timeline *t, uint32_t thread)
{
	const struct kf_thread *th = &t->threads[thread];

	thread_cell(table, t, thread);
	duration_cell(table, th->running_ns);
	duration_cell(table, th->runnable_ns);
	count_cell(table, th->n_gaps);
	duration_cell(table, th->worst_gap_ns);
	duration_cell(table, th->unknown_ns);
	blocked_cell(table, th);
}

static int print_table(const struct kf_page *p, struct kf_table **table, struct kf_error *e)
{
	int err = kf_table_print(*table, p->out, "  ");

	kf_table_free(table);
	return err ? kf_fail_memory(e, "a table of the report") : 0;
}

static struct kf_table *new_thread_table(struct kf_error *e)
{
	static const struct kf_column columns[] = {
		{ "thread", KF_LEFT, NAME_WIDTH }, { "running", KF_RIGHT, 0 },	 { "ready", KF_RIGHT, 0 },
		{ "gaps", KF_RIGHT, 0 },	   { "worst gap", KF_RIGHT, 0 }, { "unknown", KF_RIGHT, 0 },
		{ "blocked", KF_LEFT, 0 },
	};
	struct kf_table *table = kf_table_new(columns, sizeof(columns) / sizeof(columns[0]));

	if (!table)
		kf_fail_memory(e, "a table of the report");
	return table;
}

static void print_more(const struct kf_page *p, size_t n)
{
	char more[32];

	if (n)
		fprintf(p->out, "  and %s more\n", kf_format_count(n, more, sizeof(more)));
}

/* Sleepers come last and are worth a row only when they are all there is. */
static bool is_worth_a_row(const struct kf_thread *th, size_t rows)
{
	return !rows || th->runnable_ns || th->running_ns;
}

static int print_threads(const struct kf_page *p, const char *title, bool own, size_t max, struct kf_error *e)
{
	struct kf_table *table = new_thread_table(e);
	size_t n = 0, rows = 0;

	if (!table)
		return -1;
	for (size_t i = 0; i < p->d->n_threads; i++) {
		if (kf_page_is_own(p, p->d->threads[i]) != own)
			continue;
		n++;
		if (rows < max && is_worth_a_row(&p->t->threads[p->d->threads[i]], rows)) {
			thread_row(table, p->t, p->d->threads[i]);
			rows++;
		}
	}
	if (!n) {
		kf_table_free(&table);
		return 0;
	}
	kf_page_heading(p, title);
	if (print_table(p, &table, e))
		return -1;
	print_more(p, n - rows);
	return 0;
}

int kf_page_threads(const struct kf_page *p, struct kf_error *e)
{
	size_t max = p->o->top > MIN_THREADS ? (size_t)p->o->top : MIN_THREADS;
	bool has_own = kf_page_has_own(p);
	char title[256];

	if (!p->d->n_threads) {
		kf_page_heading(p, "Threads: none fits");
		return 0;
	}
	if (has_own) {
		kf_page_own_title(p, "Threads", title, sizeof(title));
		if (print_threads(p, title, true, MAX_OWN_THREADS, e))
			return -1;
	}
	return print_threads(p,
			     has_own ? "Other threads, by time they were ready but not running"
				     : "Threads, by time they were ready but not running",
			     false, max, e);
}

/* "62 %"; one decimal below ten. */
static void share_cell(struct kf_table *table, uint64_t ns, uint64_t of_ns)
{
	double percent = of_ns ? 100.0 * (double)ns / (double)of_ns : 0;

	if (ns && percent < 0.05)
		kf_table_cell(table, "<0.1 %%");
	else if (percent < 9.95)
		kf_table_cell(table, "%.1f %%", percent);
	else
		kf_table_cell(table, "%.0f %%", percent);
}

/* "redis/812", "hackbench, 402 threads, most: 32606" */
static void culprit_cell(struct kf_table *table, const struct kf_timeline *t, const struct kf_culprit *c)
{
	char name[512];
	struct kf_line line;

	kf_line_init(&line, name, sizeof(name));
	if (c->n_threads > 1) {
		kf_line_comm(&line, t, c->thread);
		kf_line_add(&line, ", %" PRIu32 " threads, most %" PRIu32, c->n_threads, t->threads[c->thread].tid);
	} else {
		kf_line_thread(&line, t, c->thread);
	}
	kf_table_cell(table, "%s", name);
}

/* What is no thread is in brackets: "(softirq NET_RX)", "(CPU quota of /web)" */
static void cause_cell(struct kf_table *table, const struct kf_timeline *t, const struct kf_culprit *c)
{
	char text[512];
	struct kf_line line;

	kf_line_init(&line, text, sizeof(text));
	switch ((enum kf_part_kind)c->kind) {
	case KF_PART_IRQ:
	case KF_PART_SOFTIRQ:
		kf_line_vector(&line, t, c->kind, c->vector);
		break;
	case KF_PART_IDLE:
		kf_line_text(&line, "idle: the wake-up path");
		break;
	case KF_PART_STEAL:
		kf_line_text(&line, "the hypervisor");
		break;
	case KF_PART_THROTTLED:
		kf_line_text(&line, "CPU quota");
		if (c->group < t->n_cgroups) {
			kf_line_text(&line, " of ");
			kf_line_group(&line, t, c->group);
		}
		break;
	default:
		kf_line_text(&line, "unknown");
	}
	kf_table_cell(table, "(%s)", text);
}

static void culprit_row(struct kf_table *table, const struct kf_page *p, const struct kf_culprit *c)
{
	if (c->kind == KF_PART_THREAD)
		culprit_cell(table, p->t, c);
	else
		cause_cell(table, p->t, c);
	duration_cell(table, c->ns);
	share_cell(table, c->ns, p->d->gaps_ns);
	count_cell(table, c->n_victims);
	duration_cell(table, c->top_victim_ns);
	thread_cell(table, p->t, c->top_victim);
}

int kf_page_culprits(const struct kf_page *p, struct kf_error *e)
{
	static const struct kf_column columns[] = {
		{ "ran meanwhile", KF_LEFT, NAME_WIDTH },
		{ "delay", KF_RIGHT, 0 },
		{ "share", KF_RIGHT, 0 },
		{ "victims", KF_RIGHT, 0 },
		{ "most to", KF_RIGHT, 0 },
		{ "", KF_LEFT, NAME_WIDTH },
	};
	size_t n = p->d->n_culprits < MAX_CULPRITS ? p->d->n_culprits : MAX_CULPRITS;
	struct kf_table *table;
	uint64_t rest_ns = 0;
	char count[32], rest[32];

	if (!n)
		return 0;
	table = kf_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	if (!table)
		return kf_fail_memory(e, "a table of the report");
	kf_page_heading(p, "Who had the CPU while others were ready");
	for (size_t i = 0; i < n; i++)
		culprit_row(table, p, &p->d->culprits[i]);
	if (print_table(p, &table, e))
		return -1;
	for (size_t i = n; i < p->d->n_culprits; i++)
		rest_ns += p->d->culprits[i].ns;
	if (p->d->n_culprits > n)
		fprintf(p->out, "  and %s more, %s\n", kf_format_count(p->d->n_culprits - n, count, sizeof(count)),
			kf_format_duration(rest_ns, rest, sizeof(rest)));
	return 0;
}
