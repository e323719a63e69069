/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/report.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "model/timeline.h"
#include "output/circumstances.h"
#include "output/clock.h"
#include "output/findings_text.h"
#include "output/line.h"
#include "output/page.h"
#include "output/report_data.h"
#include "output/sentence.h"
#include "output/trigger.h"
#include "snapshot/snapshot.h"

static void print_trigger(const struct kf_page *p)
{
	char sentence[KF_SENTENCE_BYTES];

	kf_trigger_sentence(p->t, p->s, sentence, sizeof(sentence));
	fputs(p->o->colour ? "\033[1m" : "", p->out);
	kf_page_wrapped(p, sentence, 0, 2);
	fputs(p->o->colour ? "\033[0m" : "", p->out);
}

static void print_host(const struct kf_page *p)
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

/* Which rule, where the first line does not tell, and what fired besides. */
static void print_circumstances(const struct kf_page *p)
{
	char text[KF_CIRCUMSTANCE_BYTES];

	if (kf_rule_text(p->s, text, sizeof(text)))
		kf_page_wrapped(p, text, 0, 2);
	if (kf_suppressed_text(p->s, text, sizeof(text)))
		kf_page_wrapped(p, text, 0, 2);
}

static void print_missing(const struct kf_page *p)
{
	kf_page_heading(p, "What is incomplete");
	if (!p->d->missing.n)
		fputs("  nothing known to be missing\n", p->out);
	for (size_t i = 0; i < p->d->missing.n; i++) {
		fputs("  - ", p->out);
		kf_page_wrapped(p, p->d->missing.lines[i], 4, 4);
	}
}

static int print_page(const struct kf_page *p, struct kf_error *e)
{
	print_trigger(p);
	print_host(p);
	print_circumstances(p);
	if (kf_page_story(p, e))
		return -1;
	kf_page_findings(p);
	kf_page_gaps(p);
	if (kf_page_threads(p, e) || kf_page_culprits(p, e) || kf_page_cpus(p, e))
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
	struct kf_page p = { .out = out, .t = t, .s = s, .o = o, .d = &d };
	int err = kf_report_data_init(&d, t, s, o, e);

	if (!err)
		err = print_page(&p, e);
	kf_report_data_release(&d);
	return err;
}
