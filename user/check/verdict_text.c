/* SPDX-License-Identifier: BSD-2-Clause */
/* A verdict for people. */
#include "check/verdict.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "model/timeline.h"
#include "output/clock.h"
#include "output/line.h"
#include "output/sentence.h"
#include "rules/told.h"
#include "snapshot/snapshot.h"

static void add_count(struct kf_line *line, const char **between, size_t n, const char *what)
{
	if (!n)
		return;
	kf_line_add(line, "%s%zu %s%s", *between, n, what, n == 1 ? "" : "s");
	*between = ", ";
}

static bool does_as_seen_help(const struct kf_verdict_page *p)
{
	for (size_t i = 0; i < p->c->n_conditions; i++)
		for (size_t k = 0; k < p->c->conditions[i].n_exprs; k++)
			if ((p->v->judged[i].decisive >> k & 1) && p->v->judged[i].parts[k].as_seen_helps)
				return true;
	return false;
}

/* "FAIL: 2 of 3 expressions are true, 1 finding", "INCOMPLETE: 1 of 3 expressions cannot be answered". */
static void print_headline(const struct kf_verdict_page *p, FILE *out)
{
	const struct kf_verdict *v = p->v;
	const char *between = ": ";
	struct kf_line line;
	char text[256];

	kf_line_init(&line, text, sizeof(text));
	kf_line_text(&line, kf_verdict_name(v->status));
	if (v->status == KF_FINDINGS) {
		add_count(&line, &between, v->n_violated, "violation");
		add_count(&line, &between, v->has_findings ? v->n_bad : 0, "finding");
	} else if (v->status == KF_INCOMPLETE) {
		kf_line_text(&line, ": the window cannot tell");
		if (does_as_seen_help(p))
			kf_line_text(&line, " (--as-seen counts waits that it cuts off as long as they were seen)");
	} else if (p->c->n_conditions) {
		add_count(&line, &between, p->c->n_conditions, "expression");
	} else {
		kf_line_add(&line, ": no finding of %s", kf_severity_name(p->c->fail_on));
	}
	fprintf(out, "%s\n", text);
}

static void print_window(const struct kf_verdict_page *p, FILE *out)
{
	uint64_t real_ns = kf_real_ns(p->s, p->s->end_ns);
	char host[256], kernel[256], date[32], time[32], window[32];

	kf_text_printable(p->s->host, strlen(p->s->host), host, sizeof(host));
	kf_text_printable(p->s->kernel, strlen(p->s->kernel), kernel, sizeof(kernel));
	fprintf(out, "%s %s UTC on %s, Linux %s; window %s\n", kf_format_date(real_ns, date, sizeof(date)),
		kf_format_time(real_ns, time, sizeof(time)), host, kernel,
		kf_format_duration(p->t->end_ns - p->t->floor_ns, window, sizeof(window)));
}

static size_t widest(const struct kf_checks *c)
{
	char title[KF_TITLE_BYTES];
	size_t width = 0;

	for (size_t i = 0; i < c->n_conditions; i++) {
		size_t len = strlen(kf_condition_title(&c->conditions[i], title, sizeof(title)));

		if (len > width)
			width = len;
	}
	return width < 60 ? width : 60;
}

/* "3.2 ms (1,204 waits), in the 1.00 s from 16:48:29.364967" */
static void print_value(const struct kf_verdict_page *p, const struct kf_measured *m, const struct kf_expr *x,
			FILE *out)
{
	char value[64], n[32], length[32], time[32];

	fputs(kf_measured_value(m, x, value, sizeof(value)), out);
	if (x->kind < KF_EXPR_STEAL && m->has_value)
		fprintf(out, " (%s wait%s)", kf_format_count(m->n_waits, n, sizeof(n)), m->n_waits == 1 ? "" : "s");
	if (x->over_ns)
		fprintf(out, ", in the %s from %s", kf_format_duration(m->window_ns, length, sizeof(length)),
			kf_format_time(kf_real_ns(p->s, m->from_ns), time, sizeof(time)));
	fputc('\n', out);
}

static void print_details(const struct kf_verdict_page *p, const struct kf_measured *m, const struct kf_expr *x,
			  int indent, FILE *out)
{
	char worst[KF_SENTENCE_BYTES];

	if (m->answer == KF_ANSWER_UNKNOWN)
		fprintf(out, "%*s%s\n", indent, "", m->why);
	kf_measured_worst(m, x, p->t, worst, sizeof(worst));
	if (worst[0])
		fprintf(out, "%*s%s\n", indent, "", worst);
}

static void print_parts(const struct kf_verdict_page *p, const struct kf_condition *c, const struct kf_judged *j,
			FILE *out)
{
	char shown[4 * KF_EXPR_BYTES];

	for (size_t i = 0; i < c->n_exprs; i++) {
		kf_text_printable(c->exprs[i].text, sizeof(c->exprs[i].text), shown, sizeof(shown));
		fprintf(out, "    %-7s  %s  ", kf_part_name(j->parts[i].answer), shown);
		print_value(p, &j->parts[i], &c->exprs[i], out);
		if (j->decisive >> i & 1)
			print_details(p, &j->parts[i], &c->exprs[i], 13, out);
	}
}

static void print_condition(const struct kf_verdict_page *p, size_t i, int width, FILE *out)
{
	const struct kf_condition *c = &p->c->conditions[i];
	const struct kf_judged *j = &p->v->judged[i];
	char title[KF_TITLE_BYTES];

	kf_condition_title(c, title, sizeof(title));
	if (c->n_exprs > 1) {
		fprintf(out, "  %-7s  %s\n", kf_answer_name(j->answer), title);
		print_parts(p, c, j, out);
	} else {
		fprintf(out, "  %-7s  %-*s  ", kf_answer_name(j->answer), width, title);
		print_value(p, &j->parts[0], &c->exprs[0], out);
		if (j->answer != KF_ANSWER_NO)
			print_details(p, &j->parts[0], &c->exprs[0], 11, out);
	}
	if (c->settings.paced)
		fputs("           (cooldown, sample and enabled are for triggers: left out)\n", out);
}

static void print_finding(const struct kf_finding *f, FILE *out)
{
	fprintf(out, "  %-5s  %s", kf_severity_name(f->severity), kf_rule_name(f->rule));
	if (f->count > 1)
		fprintf(out, ", %u times", f->count);
	fprintf(out, ": %s\n         try: %s\n", f->message, f->suggestion);
}

/* Those that decide, of the same wait one, then how many there are besides. */
static void print_findings(const struct kf_verdict_page *p, FILE *out)
{
	const struct kf_findings *f = &p->v->findings;
	size_t milder = f->n - p->v->n_bad, again = 0;

	fputs("\nFindings\n", out);
	for (size_t i = 0; i < f->n; i++) {
		if (f->items[i].severity < p->c->fail_on)
			continue;
		if (kf_is_told_better(f, p->t, &f->items[i]))
			again++;
		else
			print_finding(&f->items[i], out);
	}
	if (again)
		fprintf(out, "  and %zu more about the same wait%s (--json tells them)\n", again,
			p->v->n_bad - again == 1 ? "" : "s");
	if (!p->v->n_bad)
		fprintf(out, "  none of %s or above\n", kf_severity_name(p->c->fail_on));
	if (milder)
		fprintf(out, "  and %zu below %s: see `kflight report`, or --fail-on\n", milder,
			kf_severity_name(p->c->fail_on));
	if (p->v->findings_answer == KF_ANSWER_UNKNOWN)
		fprintf(out, "  unknown: %s\n", p->v->findings_why);
}

static void print_missing(const struct kf_verdict_page *p, FILE *out)
{
	if (!p->v->missing.n)
		return;
	fputs("\nWhat is incomplete\n", out);
	for (size_t i = 0; i < p->v->missing.n; i++)
		fprintf(out, "  - %s\n", p->v->missing.lines[i]);
}

int kf_verdict_text(const struct kf_verdict_page *p, FILE *out, struct kf_error *e)
{
	int width = (int)widest(p->c);

	print_headline(p, out);
	print_window(p, out);
	if (p->c->n_conditions)
		fputc('\n', out);
	for (size_t i = 0; i < p->c->n_conditions; i++)
		print_condition(p, i, width, out);
	if (p->v->has_findings)
		print_findings(p, out);
	print_missing(p, out);
	errno = 0;
	if (fflush(out) || ferror(out))
		return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the verdict");
	return 0;
}
