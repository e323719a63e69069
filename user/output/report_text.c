/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "model/timeline.h"
#include "output/clock.h"
#include "output/line.h"
#include "output/report_data.h"
#include "output/sentence.h"
#include "output/table.h"
#include "output/trigger.h"
#include "snapshot/snapshot.h"

/* Rows of the tables, the first also as many as gaps are wished; the rest is one line. JSON has them all. */
#define MIN_THREADS  20
#define MAX_CULPRITS 10
/* Room for the longest plain name: "worker-thread-1/1234567 of process-name-15". */
#define NAME_WIDTH 42
/* Below this a hanging indent as deep as the sentence would leave too little room. */
#define DEEP_INDENT_WIDTH 100
/* Every kind of wait beyond these is in "...". */
#define N_WAIT_KINDS_NAMED 2

struct page {
	FILE *out;
	const struct kf_timeline *t;
	const struct kf_snapshot *s;
	const struct kf_report_options *o;
	const struct kf_report_data *d;
};

static void heading(const struct page *p, const char *text)
{
	fprintf(p->out, p->o->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

/* How much of text fits: behind a comma or colon if one is there, else behind a word, else all of the word. */
static size_t fitting(const char *text, size_t width)
{
	size_t at = 0, best = 0, best_space = 0, len = strlen(text);

	if (len <= width)
		return len;
	for (at = 0; at < len && (at <= width || !best_space); at++) {
		if (text[at] != ' ' || at == 0)
			continue;
		best_space = at;
		if (text[at - 1] == ',' || text[at - 1] == ':')
			best = at;
	}
	if (best)
		return best;
	return best_space ? best_space : len;
}

/* text in lines of at most o->width, of which the first column places are used; the next ones begin at indent. */
static void print_wrapped(const struct page *p, const char *text, size_t column, size_t indent)
{
	while (p->o->width > column + 20) {
		size_t n = fitting(text, p->o->width - column);

		fprintf(p->out, "%.*s\n", (int)n, text);
		text += n;
		text += strspn(text, " ");
		if (!*text)
			return;
		fprintf(p->out, "%*s", (int)indent, "");
		column = indent;
	}
	fprintf(p->out, "%s\n", text);
}

static void print_trigger(const struct page *p)
{
	char sentence[KF_SENTENCE_BYTES];

	kf_trigger_sentence(p->t, p->s, sentence, sizeof(sentence));
	fputs(p->o->colour ? "\033[1m" : "", p->out);
	print_wrapped(p, sentence, 0, 2);
	fputs(p->o->colour ? "\033[0m" : "", p->out);
}

static void print_host(const struct page *p)
{
	uint64_t real_ns = kf_real_ns(p->s, p->s->trigger.ts_ns ? p->s->trigger.ts_ns : p->s->end_ns);
	char host[256], kernel[256], date[32], time[32], n[32];
	size_t cpus = 0;

	for (size_t i = 0; i < p->t->n_cpus; i++)
		cpus += p->t->cpus[i].n_runs != 0;
	kf_text_printable(p->s->host, strlen(p->s->host), host, sizeof(host));
	kf_text_printable(p->s->kernel, strlen(p->s->kernel), kernel, sizeof(kernel));
	fprintf(p->out, "%s %s UTC on %s, Linux %s; ", kf_format_date(real_ns, date, sizeof(date)),
		kf_format_time(real_ns, time, sizeof(time)), host, kernel);
	fprintf(p->out, "window %s, %zu CPUs, ", kf_format_duration(p->t->end_ns - p->t->floor_ns, n, sizeof(n)), cpus);
	fprintf(p->out, "%s threads\n", kf_format_count(p->t->n_threads, n, sizeof(n)));
}

static void print_gap(const struct page *p, size_t rank, const struct kf_gap *gap)
{
	char sentence[KF_SENTENCE_BYTES], time[32], offset[32];
	int column;

	kf_gap_sentence(p->t, gap, sentence, sizeof(sentence));
	column = fprintf(p->out, "  %3zu  %s  %10s  ", rank,
			 kf_format_time(kf_real_ns(p->s, gap->start_ns), time, sizeof(time)),
			 kf_format_offset(gap->start_ns, p->s->trigger.ts_ns, offset, sizeof(offset)));
	if (column > 0)
		print_wrapped(p, sentence, (size_t)column, p->o->width >= DEEP_INDENT_WIDTH ? (size_t)column : 7);
}

static void print_gaps(const struct page *p)
{
	size_t n = p->o->top < p->d->n_gaps ? (size_t)p->o->top : p->d->n_gaps;
	char title[160], of[32], sum[32];

	if (!p->d->n_gaps) {
		heading(p, "Worst gaps: none, every thread ran as soon as it could");
		return;
	}
	snprintf(title, sizeof(title), "Worst gaps (%zu of %s, which add up to %s; start in UTC, and from the trigger)",
		 n, kf_format_count(p->d->n_gaps, of, sizeof(of)), kf_format_duration(p->d->gaps_ns, sum, sizeof(sum)));
	heading(p, title);
	for (size_t i = 0; i < n; i++)
		print_gap(p, i + 1, p->d->gaps[i]);
}

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

static int print_table(const struct page *p, struct kf_table **table, struct kf_error *e)
{
	int err = kf_table_print(*table, p->out, "  ");

	kf_table_free(table);
	return err ? kf_fail_memory(e, "a table of the report") : 0;
}

/* Sleepers come last and are worth a row only when they are all there is. */
static size_t n_shown_threads(const struct page *p)
{
	size_t max = p->o->top > MIN_THREADS ? (size_t)p->o->top : MIN_THREADS, n = 0;

	while (n < p->d->n_threads && n < max) {
		const struct kf_thread *th = &p->t->threads[p->d->threads[n]];

		if (n && !th->runnable_ns && !th->running_ns)
			break;
		n++;
	}
	return n;
}

static int print_threads(const struct page *p, struct kf_error *e)
{
	static const struct kf_column columns[] = {
		{ "thread", KF_LEFT, NAME_WIDTH }, { "running", KF_RIGHT, 0 },	 { "ready", KF_RIGHT, 0 },
		{ "gaps", KF_RIGHT, 0 },	   { "worst gap", KF_RIGHT, 0 }, { "unknown", KF_RIGHT, 0 },
		{ "blocked", KF_LEFT, 0 },
	};
	size_t n = n_shown_threads(p);
	struct kf_table *table;
	char more[32];

	if (!p->d->n_threads) {
		heading(p, "Threads: none fits");
		return 0;
	}
	table = kf_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	if (!table)
		return kf_fail_memory(e, "a table of the report");
	heading(p, "Threads, by time they were ready but not running");
	for (size_t i = 0; i < n; i++)
		thread_row(table, p->t, p->d->threads[i]);
	if (print_table(p, &table, e))
		return -1;
	if (p->d->n_threads > n)
		fprintf(p->out, "  and %s more\n", kf_format_count(p->d->n_threads - n, more, sizeof(more)));
	return 0;
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

static void culprit_row(struct kf_table *table, const struct page *p, const struct kf_culprit *c)
{
	if (c->thread == KF_IDLE)
		kf_table_cell(table, "(idle: the wake-up path)");
	else if (c->thread >= p->t->n_threads)
		kf_table_cell(table, "(unknown)");
	else
		culprit_cell(table, p->t, c);
	duration_cell(table, c->ns);
	share_cell(table, c->ns, p->d->gaps_ns);
	count_cell(table, c->n_victims);
	duration_cell(table, c->top_victim_ns);
	thread_cell(table, p->t, c->top_victim);
}

static int print_culprits(const struct page *p, struct kf_error *e)
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
	heading(p, "Who had the CPU while others were ready");
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

static void print_missing(const struct page *p)
{
	heading(p, "What is incomplete");
	if (!p->d->missing.n)
		fputs("  nothing known to be missing\n", p->out);
	for (size_t i = 0; i < p->d->missing.n; i++) {
		fputs("  - ", p->out);
		print_wrapped(p, p->d->missing.lines[i], 4, 4);
	}
}

static int print_page(const struct page *p, struct kf_error *e)
{
	print_trigger(p);
	print_host(p);
	print_gaps(p);
	if (print_threads(p, e) || print_culprits(p, e))
		return -1;
	print_missing(p);
	errno = 0;
	if (fflush(p->out) || ferror(p->out))
		return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the report");
	return 0;
}

int kf_report_text(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_report_options *o,
		   FILE *out, struct kf_error *e)
{
	struct kf_report_data d;
	struct page p = { .out = out, .t = t, .s = s, .o = o, .d = &d };
	int err = kf_report_data_init(&d, t, s, o, e);

	if (!err)
		err = print_page(&p, e);
	kf_report_data_release(&d);
	return err;
}
