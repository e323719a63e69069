/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html_findings.h"

#include "model/timeline.h"
#include "output/html_json.h"
#include "output/html_who.h"
#include "output/page.h"
#include "output/report_data.h"
#include "rules/told.h"

static void write_gap(const struct kf_page *p, struct kf_who *who, const struct kf_gap *gap)
{
	if (!gap) {
		fputs("null", p->out);
		return;
	}
	putc('[', p->out);
	kf_html_json_number(p->out, kf_who_thread(who, gap->thread));
	putc(',', p->out);
	kf_html_json_offset(p->out, gap->start_ns, p->t->floor_ns);
	putc(',', p->out);
	kf_html_json_number(p->out, gap->end_ns - gap->start_ns);
	putc(']', p->out);
}

static void write_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "\"%s\":", key);
	kf_html_json_text(out, text);
	putc(',', out);
}

static void write_number(FILE *out, const char *key, uint64_t n)
{
	fprintf(out, "\"%s\":", key);
	kf_html_json_number(out, n);
	putc(',', out);
}

static void write_finding(const struct kf_page *p, struct kf_who *who, const struct kf_finding *f)
{
	putc('{', p->out);
	write_text(p->out, "rule", kf_rule_name(f->rule));
	write_text(p->out, "summary", kf_rule_summary(f->rule));
	write_text(p->out, "severity", kf_severity_name(f->severity));
	write_text(p->out, "message", f->message);
	write_text(p->out, "detail", f->detail);
	write_text(p->out, "suggestion", f->suggestion);
	write_text(p->out, "where", f->where);
	write_number(p->out, "count", f->count);
	write_number(p->out, "worst", f->worst_ns);
	write_number(p->out, "total", f->total_ns);
	write_number(p->out, "own", f->thread < p->t->n_threads && kf_page_is_own(p, f->thread));
	write_number(p->out, "again", kf_is_told_better(&p->d->findings, p->t, f));
	fputs("\"gap\":", p->out);
	write_gap(p, who, f->gap);
	putc('}', p->out);
}

void kf_html_findings_write(const struct kf_page *p, struct kf_who *who)
{
	const struct kf_findings *all = &p->d->findings;

	putc('[', p->out);
	for (size_t i = 0; i < all->n && i < KF_HTML_MAX_FINDINGS; i++) {
		fputs(i ? ",\n" : "\n", p->out);
		write_finding(p, who, &all->items[i]);
	}
	putc(']', p->out);
}
