/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/view.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "output/clock.h"
#include "output/line.h"
#include "output/table.h"
#include "top/sampler.h"
#include "top/waits.h"

#define NS_PER_S 1e9

static int by_runq(const void *a, const void *b)
{
	const struct kf_top_process *p = a, *q = b;

	if (p->runq.max_ns != q->runq.max_ns)
		return p->runq.max_ns < q->runq.max_ns ? 1 : -1;
	return p->tgid < q->tgid ? -1 : p->tgid > q->tgid;
}

static int by_futex(const void *a, const void *b)
{
	const struct kf_top_process *p = a, *q = b;

	if (p->futex.max_ns != q->futex.max_ns)
		return p->futex.max_ns < q->futex.max_ns ? 1 : -1;
	return by_runq(a, b);
}

static bool is_wanted(const struct kf_top_view *view, const struct kf_top_process *p)
{
	if (view->pid && p->tgid != view->pid)
		return false;
	return !view->comm || !fnmatch(view->comm, p->comm, 0);
}

static double seconds_of(const struct kf_top_sample *s)
{
	return s->end_ns > s->start_ns ? (double)(s->end_ns - s->start_ns) / NS_PER_S : 1;
}

static void write_head(const struct kf_top_view *view, const struct kf_top_sample *s, uint64_t real_ns, FILE *out)
{
	char time[32], length[32], sum[32], count[32];
	uint64_t waits = 0, ns = 0, now = 0, lost = s->uncounted;

	for (size_t i = 0; i < s->n_processes; i++) {
		if (!is_wanted(view, &s->processes[i]))
			continue;
		waits += s->processes[i].runq.count;
		ns += s->processes[i].runq.ns;
		now += s->processes[i].now;
	}
	kf_format_time(real_ns, time, sizeof(time));
	time[strcspn(time, ".")] = 0;
	fprintf(out, "%s UTC, last %s: %s waits to run, %s; %" PRIu64 " ready now", time,
		kf_format_duration(s->end_ns - s->start_ns, length, sizeof(length)),
		kf_format_count(waits, count, sizeof(count)), kf_format_duration(ns, sum, sizeof(sum)), now);
	if (lost)
		fprintf(out, "; %s NOT COUNTED", kf_format_count(lost, count, sizeof(count)));
	fputs("\n", out);
}

static void duration_cell(struct kf_table *table, uint64_t ns)
{
	char text[32];

	kf_table_cell(table, "%s", ns ? kf_format_duration(ns, text, sizeof(text)) : "-");
}

static void rate_cell(struct kf_table *table, uint64_t count, double seconds)
{
	double rate = (double)count / seconds;

	if (count)
		kf_table_cell(table, rate < 9.95 ? "%.1f" : "%.0f", rate);
	else
		kf_table_cell(table, "-");
}

static void add_row(struct kf_table *table, const struct kf_top_process *p, double seconds)
{
	char comm[KF_TEXT_COMM_BYTES];

	kf_text_printable(p->comm, sizeof(p->comm), comm, sizeof(comm));
	kf_table_cell(table, "%s", comm);
	kf_table_cell(table, "%" PRIu32, p->tgid);
	if (p->now)
		kf_table_cell(table, "%" PRIu32, p->now);
	else
		kf_table_cell(table, "-");
	rate_cell(table, p->runq.count, seconds);
	kf_table_cell(table, "%.1f", (double)p->runq.ns / 1e6 / seconds);
	duration_cell(table, kf_top_percentile(&p->runq, 0.5));
	duration_cell(table, kf_top_percentile(&p->runq, 0.99));
	duration_cell(table, p->runq.max_ns);
	rate_cell(table, p->futex.count, seconds);
	duration_cell(table, kf_top_percentile(&p->futex, 0.99));
	duration_cell(table, p->futex.max_ns);
}

static struct kf_table *make_table(const struct kf_top_view *view, const struct kf_top_sample *s)
{
	static const struct kf_column columns[] = {
		{ "process", KF_LEFT, 20 },   { "pid", KF_RIGHT, 0 },	    { "ready", KF_RIGHT, 0 },
		{ "waits/s", KF_RIGHT, 0 },   { "ms/s", KF_RIGHT, 0 },	    { "p50", KF_RIGHT, 0 },
		{ "p99", KF_RIGHT, 0 },	      { "max", KF_RIGHT, 0 },	    { "futex/s", KF_RIGHT, 0 },
		{ "futex p99", KF_RIGHT, 0 }, { "futex max", KF_RIGHT, 0 },
	};
	struct kf_table *table = kf_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	size_t rows = 0;

	for (size_t i = 0; table && i < s->n_processes && rows < view->rows; i++) {
		if (!is_wanted(view, &s->processes[i]))
			continue;
		add_row(table, &s->processes[i], seconds_of(s));
		rows++;
	}
	return table;
}

/* Each line of text, without what is right of the margin. All of it is ASCII but for names, which come first. */
static void write_cut(const char *text, unsigned int width, FILE *out)
{
	while (*text) {
		size_t len = strcspn(text, "\n"), n = len;
		char line[512];

		if (n >= sizeof(line))
			n = sizeof(line) - 1;
		memcpy(line, text, n);
		line[n] = 0;
		while (width && n && kf_text_width(line) > width)
			do
				line[--n] = 0;
			while (n && (text[n] & 0xc0) == 0x80);
		fprintf(out, "%s\n", line);
		text += len + (text[len] == '\n');
	}
}

int kf_top_view_write(const struct kf_top_view *view, struct kf_top_sample *sample, uint64_t real_ns, FILE *out,
		      struct kf_error *e)
{
	struct kf_table *table;
	size_t len;
	char *text = NULL;
	FILE *whole = open_memstream(&text, &len);
	int err = -1;

	if (!whole)
		return kf_fail_memory(e, "the table");
	if (sample->n_processes)
		qsort(sample->processes, sample->n_processes, sizeof(*sample->processes),
		      view->order == KF_TOP_BY_FUTEX ? by_futex : by_runq);
	write_head(view, sample, real_ns, whole);
	table = make_table(view, sample);
	if (table)
		err = kf_table_print(table, whole, "");
	kf_table_free(&table);
	if (fclose(whole) || err) {
		free(text);
		return kf_fail_memory(e, "the table");
	}
	write_cut(text, view->width, out);
	free(text);
	return 0;
}
