/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences for people. */
#include "check/diff.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "output/table.h"

static const struct kf_column columns[] = {
	{ "", KF_LEFT, 0 },	{ "process", KF_LEFT, 20 }, { "wait", KF_LEFT, 0 }, { "per second", KF_RIGHT, 0 },
	{ "p50", KF_RIGHT, 0 }, { "p99", KF_RIGHT, 0 },	    { "max", KF_RIGHT, 0 }, { "total per second", KF_RIGHT, 0 },
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *verdict_of(const struct kf_diff_row *row)
{
	if (!row->in_a || !row->in_b)
		return row->in_a ? "only A" : "only B";
	if (!row->judged)
		return row->kernel ? "kernel" : "";
	if (row->few)
		return "few";
	return row->worse == KF_ANSWER_YES ? "WORSE" : row->worse == KF_ANSWER_NO ? "ok" : "unknown";
}

static void add_durations(struct kf_table *table, const struct kf_diff_row *row, uint64_t a_ns, uint64_t b_ns)
{
	char a[32] = "-", b[32] = "-";

	if (row->a.n)
		kf_format_duration(a_ns, a, sizeof(a));
	if (row->b.n)
		kf_format_duration(b_ns, b, sizeof(b));
	kf_table_cell(table, "%s -> %s", a, b);
}

static uint64_t per_second(uint64_t n, uint64_t window_ns)
{
	return window_ns ? (uint64_t)((long double)n * 1e9L / window_ns) : 0;
}

static void add_row(struct kf_table *table, const struct kf_diff *d, const struct kf_diff_row *row)
{
	char comm[KF_TEXT_COMM_BYTES];

	kf_text_printable(row->comm, sizeof(row->comm), comm, sizeof(comm));
	kf_table_cell(table, "%s", verdict_of(row));
	kf_table_cell(table, "%s", comm);
	kf_table_cell(table, "%s", kf_diff_wait_name(row->wait));
	kf_table_cell(table, "%.3g -> %.3g", d->window_a_ns ? (double)row->a.n * 1e9 / (double)d->window_a_ns : 0,
		      d->window_b_ns ? (double)row->b.n * 1e9 / (double)d->window_b_ns : 0);
	add_durations(table, row, row->a.p50_ns, row->b.p50_ns);
	add_durations(table, row, row->a.p99_ns, row->b.p99_ns);
	add_durations(table, row, row->a.max_ns, row->b.max_ns);
	add_durations(table, row, per_second(row->a.total_ns, d->window_a_ns),
		      per_second(row->b.total_ns, d->window_b_ns));
}

static void print_headline(const struct kf_diff *d, const struct kf_diff_options *o, FILE *out)
{
	char floor[32], a[32], b[32];

	kf_format_duration(o->floor_ns, floor, sizeof(floor));
	switch (d->status) {
	case KF_FINDINGS:
		fprintf(out, "FAIL: %zu of %zu kinds of wait got worse, by more than %.3g times and %s\n", d->n_worse,
			d->n_judged, o->ratio, floor);
		break;
	case KF_OK:
		fprintf(out, "ok: of %zu kinds of wait none got worse by more than %.3g times and %s\n", d->n_judged,
			o->ratio, floor);
		break;
	default:
		if (d->n_judged)
			fprintf(out, "INCOMPLETE: for %zu of %zu kinds of wait the second window cannot tell\n",
				d->n_unknown, d->n_judged);
		else
			fprintf(out, "INCOMPLETE: no process that is judged waited in both windows, there is nothing "
				     "to compare\n");
	}
	fprintf(out, "windows of %s and %s\n\n", kf_format_duration(d->window_a_ns, a, sizeof(a)),
		kf_format_duration(d->window_b_ns, b, sizeof(b)));
}

/* They come first. */
static size_t count_asked(const struct kf_diff *d)
{
	size_t n = 0;

	while (n < d->n && d->rows[n].asked)
		n++;
	return n;
}

/* What the verdicts of the first n rows mean that do not speak for themselves. */
static void print_words(const struct kf_diff *d, size_t n, FILE *out)
{
	bool few = false, kernel = false;

	for (size_t i = 0; i < n; i++) {
		few |= d->rows[i].few;
		kernel |= !strcmp(verdict_of(&d->rows[i]), "kernel");
	}
	if (few)
		fputs("few: looks worse, but from so few waits nobody can tell\n", out);
	if (kernel)
		fputs("kernel: threads of the kernel are judged only if --comm names them\n", out);
}

int kf_diff_text(const struct kf_diff *d, const struct kf_diff_options *o, uint64_t top, FILE *out, struct kf_error *e)
{
	struct kf_table *table = kf_table_new(columns, N_COLUMNS);
	size_t asked = count_asked(d), n = !top || top > asked ? asked : top;
	int err;

	if (!table)
		return kf_fail_memory(e, "the table");
	print_headline(d, o, out);
	for (size_t i = 0; i < n; i++)
		add_row(table, d, &d->rows[i]);
	err = kf_table_print(table, out, "");
	kf_table_free(&table);
	if (err)
		return kf_fail_memory(e, "the table");
	if (n < asked)
		fprintf(out, "and %zu more (--top)\n", asked - n);
	print_words(d, n, out);
	if (asked < d->n)
		fprintf(out, "and %zu of kinds that are not judged (--waits all, --json)\n", d->n - asked);
	errno = 0;
	if (fflush(out) || ferror(out))
		return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the differences");
	return 0;
}
