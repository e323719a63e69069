/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/findings_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/timeline.h"
#include "output/line.h"
#include "output/page.h"
#include "output/report.h"
#include "output/report_data.h"
#include "output/sentence.h"
#include "rules/finding.h"
#include "rules/told.h"

#define MAX_SHOWN    5
#define MAX_PER_RULE 2
#define INDENT	     9 /* behind the severity */

struct shown {
	const struct kf_finding *items[MAX_SHOWN];
	size_t n;
};

static size_t shown_of_rule(const struct shown *shown, const struct kf_rule *rule)
{
	size_t n = 0;

	for (size_t i = 0; i < shown->n; i++)
		n += shown->items[i]->rule == rule;
	return n;
}

static bool is_shown(const struct shown *shown, const struct kf_finding *finding)
{
	for (size_t i = 0; i < shown->n; i++)
		if (shown->items[i] == finding)
			return true;
	return false;
}

/* Own ones, or those of others; errors, or what is less; so many per rule. */
static void choose(struct shown *shown, const struct kf_page *p, bool own, bool errors, size_t per_rule)
{
	const struct kf_findings *f = &p->d->findings;

	for (size_t i = 0; i < f->n && shown->n < MAX_SHOWN; i++) {
		const struct kf_finding *finding = &f->items[i];

		if ((finding->severity == KF_SEVERITY_ERROR) == errors && kf_page_is_own(p, finding->thread) == own &&
		    !is_shown(shown, finding) && shown_of_rule(shown, finding->rule) < per_rule &&
		    !kf_is_told_better(f, p->t, finding))
			shown->items[shown->n++] = finding;
	}
}

static void print_finding(const struct kf_page *p, const struct kf_finding *finding)
{
	char text[KF_SENTENCE_BYTES + 128], n[32];
	struct kf_line line;

	kf_line_init(&line, text, sizeof(text));
	kf_line_text(&line, kf_rule_name(finding->rule));
	if (finding->count > 1) {
		kf_line_add(&line, ", %s times", kf_format_count(finding->count, n, sizeof(n)));
		if (finding->total_ns)
			kf_line_add(&line, ", %s in all", kf_format_duration(finding->total_ns, n, sizeof(n)));
	}
	kf_line_add(&line, ": %s", finding->message);
	fprintf(p->out, "  %-5s  ", kf_severity_name(finding->severity));
	kf_page_wrapped(p, text, INDENT, INDENT);
	kf_line_init(&line, text, sizeof(text));
	kf_line_add(&line, "try: %s", finding->suggestion);
	fprintf(p->out, "%*s", INDENT, "");
	kf_page_wrapped(p, text, INDENT, INDENT + 5);
}

/* "  and 5 more: RunQueueLatency 4, Preempted (--json tells them all)" */
static void print_rest(const struct kf_page *p, const struct shown *shown)
{
	const struct kf_findings *f = &p->d->findings;
	size_t rest = f->n - shown->n + f->n_more;
	const char *before = ": ";
	char text[1024], count[32];
	struct kf_line line;

	if (!rest)
		return;
	kf_line_init(&line, text, sizeof(text));
	kf_line_add(&line, "and %s more", kf_format_count(rest, count, sizeof(count)));
	for (const struct kf_rule *const *rule = kf_rules(); *rule; rule++) {
		size_t n = 0;

		for (size_t i = 0; i < f->n; i++)
			n += f->items[i].rule == *rule && !is_shown(shown, &f->items[i]);
		if (!n)
			continue;
		kf_line_add(&line, "%s%s", before, kf_rule_name(*rule));
		if (n > 1)
			kf_line_add(&line, " %zu", n);
		before = ", ";
	}
	kf_line_text(&line, " (--json tells them)");
	fputs("  ", p->out);
	kf_page_wrapped(p, text, 2, 4);
}

static void print_title(const struct kf_page *p)
{
	const struct kf_findings *f = &p->d->findings;
	size_t errors = 0, others;
	char title[128] = "Findings";
	struct kf_line line;

	for (size_t i = 0; i < f->n; i++)
		errors += f->items[i].severity == KF_SEVERITY_ERROR;
	others = f->n - errors + f->n_more;
	kf_line_init(&line, title, sizeof(title));
	kf_line_text(&line, f->n ? "Findings (" : "Findings: none");
	if (errors)
		kf_line_add(&line, "%zu error%s%s", errors, errors == 1 ? "" : "s", others ? ", " : ")");
	if (others)
		kf_line_add(&line, "%zu warning%s)", others, others == 1 ? "" : "s");
	kf_page_heading(p, title);
}

void kf_page_findings(const struct kf_page *p)
{
	struct shown shown = { .n = 0 };

	if (p->o->no_findings)
		return;
	for (int own = 1; own >= 0; own--)
		for (int errors = 1; errors >= 0; errors--)
			for (size_t per_rule = 1; per_rule <= MAX_PER_RULE; per_rule++)
				choose(&shown, p, own, errors, per_rule);
	print_title(p);
	for (size_t i = 0; i < shown.n; i++)
		print_finding(p, shown.items[i]);
	print_rest(p, &shown);
}
