/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html_data.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/timeline.h"
#include "output/circumstances.h"
#include "output/clock.h"
#include "output/html_findings.h"
#include "output/html_gaps.h"
#include "output/html_json.h"
#include "output/html_story.h"
#include "output/html_who.h"
#include "output/line.h"
#include "output/page.h"
#include "output/report.h"
#include "output/report_data.h"
#include "output/sentence.h"
#include "output/trigger.h"
#include "snapshot/snapshot.h"

/* Rows of tables; the page says how many more there are. */
#define MAX_THREADS  5000
#define MAX_CULPRITS 500

static void write_key(FILE *out, const char *key)
{
	fprintf(out, ",\n\"%s\":", key);
}

static void write_number(FILE *out, const char *key, uint64_t n)
{
	write_key(out, key);
	kf_html_json_number(out, n);
}

/* Text that others chose. */
static void write_foreign(FILE *out, const char *key, const char *text)
{
	char printable[1024];

	kf_text_printable(text, strlen(text), printable, sizeof(printable));
	write_key(out, key);
	kf_html_json_text(out, printable);
}

static void write_own(const struct kf_page *p)
{
	char name[KF_TEXT_COMM_BYTES + 1], text[128];
	struct kf_line line;

	write_key(p->out, "own");
	if (!kf_page_has_own(p)) {
		fputs("null", p->out);
		return;
	}
	kf_text_printable(p->s->trigger.process_comm, KF_COMM_BYTES, name, sizeof(name));
	kf_line_init(&line, text, sizeof(text));
	kf_line_add(&line, "%s/%u", name, p->s->trigger.tgid);
	kf_html_json_text(p->out, text);
}

/* Lines under the sentence. */
static void write_circumstances(const struct kf_page *p)
{
	char text[KF_CIRCUMSTANCE_BYTES];
	bool any = false;

	write_key(p->out, "circumstances");
	putc('[', p->out);
	if (kf_rule_text(p->s, text, sizeof(text))) {
		kf_html_json_text(p->out, text);
		any = true;
	}
	if (kf_suppressed_text(p->s, text, sizeof(text))) {
		fputs(any ? "," : "", p->out);
		kf_html_json_text(p->out, text);
	}
	putc(']', p->out);
}

static void write_verdict(const struct kf_page *p)
{
	char sentence[KF_SENTENCE_BYTES];

	kf_trigger_sentence(p->t, p->s, sentence, sizeof(sentence));
	write_key(p->out, "sentence");
	kf_html_json_text(p->out, sentence);
	write_circumstances(p);
	write_own(p);
}

static void write_window(const struct kf_page *p)
{
	const struct kf_timeline *t = p->t;
	uint64_t cpus = 0, own_gaps = 0;

	for (size_t i = 0; i < t->n_cpus; i++)
		cpus += t->cpus[i].n_runs != 0;
	write_number(p->out, "floor_us", kf_real_ns(p->s, t->floor_ns) / 1000);
	write_number(p->out, "length", t->end_ns - t->floor_ns);
	write_number(p->out, "asked", p->s->window_ns);
	write_key(p->out, "trigger");
	if (p->s->trigger.ts_ns)
		kf_html_json_offset(p->out, p->s->trigger.ts_ns, t->floor_ns);
	else
		fputs("null", p->out);
	write_number(p->out, "cpus", cpus);
	for (size_t i = 0; i < p->d->n_gaps; i++)
		own_gaps += kf_page_is_own(p, p->d->gaps[i]->thread);
	write_number(p->out, "n_gaps", p->d->n_gaps);
	write_number(p->out, "leaves_out", kf_report_leaves_out(p->o));
	write_number(p->out, "n_own_gaps", own_gaps);
	write_number(p->out, "gaps_ns", p->d->gaps_ns);
}

/* "poll 9.60 s, disk 120 ms" */
static void write_blocked_by(const struct kf_thread *th, FILE *out)
{
	char text[1024];
	struct kf_line line;

	kf_line_init(&line, text, sizeof(text));
	for (unsigned int kind = 0; kind < KF_WAIT_KINDS; kind++) {
		if (!th->blocked_by_ns[kind])
			continue;
		kf_line_add(&line, "%s%s ", line.used ? ", " : "", kf_wait_kind_name(kind));
		kf_line_duration(&line, th->blocked_by_ns[kind]);
	}
	kf_html_json_text(out, text);
}

static void write_row(FILE *out, const uint64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			putc(',', out);
		kf_html_json_number(out, numbers[i]);
	}
}

/* Those that only slept are counted, not listed. */
static void write_threads(const struct kf_page *p, struct kf_who *who)
{
	size_t rows = 0;

	write_key(p->out, "threads");
	putc('[', p->out);
	for (size_t i = 0; i < p->d->n_threads && rows < MAX_THREADS; i++) {
		const struct kf_thread *th = &p->t->threads[p->d->threads[i]];
		const uint64_t row[] = { kf_who_thread(who, p->d->threads[i]),
					 th->running_ns,
					 th->runnable_ns,
					 th->n_gaps,
					 th->worst_gap_ns,
					 th->unknown_ns,
					 th->blocked_ns };

		if (!th->running_ns && !th->runnable_ns)
			continue;
		fputs(rows++ ? ",\n[" : "\n[", p->out);
		write_row(p->out, row, sizeof(row) / sizeof(row[0]));
		putc(',', p->out);
		write_blocked_by(th, p->out);
		putc(']', p->out);
	}
	putc(']', p->out);
	write_number(p->out, "n_threads", p->d->n_threads);
}

static void write_culprits(const struct kf_page *p, struct kf_who *who)
{
	write_key(p->out, "culprits");
	putc('[', p->out);
	for (size_t i = 0; i < p->d->n_culprits && i < MAX_CULPRITS; i++) {
		const struct kf_culprit *c = &p->d->culprits[i];
		const uint64_t row[] = { kf_who_of_kind(who, c->kind, c->thread, c->vector, c->group),
					 c->n_threads,
					 c->ns,
					 c->n_victims,
					 kf_who_thread(who, c->top_victim),
					 c->top_victim_ns };

		fputs(i ? ",\n[" : "\n[", p->out);
		write_row(p->out, row, sizeof(row) / sizeof(row[0]));
		putc(']', p->out);
	}
	putc(']', p->out);
	write_number(p->out, "n_culprits", p->d->n_culprits);
}

static void write_missing(const struct kf_page *p)
{
	write_key(p->out, "missing");
	putc('[', p->out);
	for (size_t i = 0; i < p->d->missing.n; i++) {
		if (i)
			putc(',', p->out);
		kf_html_json_text(p->out, p->d->missing.lines[i]);
	}
	putc(']', p->out);
}

static void write_findings(const struct kf_page *p, struct kf_who *who)
{
	write_key(p->out, "findings");
	if (p->o->no_findings)
		fputs("null", p->out);
	else
		kf_html_findings_write(p, who);
	write_number(p->out, "n_findings", p->d->findings.n + p->d->findings.n_more);
}

static int write_all(const struct kf_page *p, struct kf_who *who, struct kf_error *e)
{
	struct kf_html_shown shown = { 0 };

	fputs("{\"format\":1", p->out);
	write_foreign(p->out, "kflight", p->s->version);
	write_foreign(p->out, "host", p->s->host);
	write_foreign(p->out, "kernel", p->s->kernel);
	write_foreign(p->out, "machine", p->s->machine);
	write_verdict(p);
	write_window(p);
	write_findings(p, who);
	write_key(p->out, "stories");
	if (kf_html_story_write(p, e))
		return -1;
	write_key(p->out, "gaps");
	if (kf_html_gaps_write(p, who, &shown, e))
		return -1;
	write_threads(p, who);
	write_culprits(p, who);
	write_missing(p);
	write_key(p->out, "shown");
	fprintf(p->out, "{\"gaps\":%zu,\"own_gaps\":%zu,\"sentences\":%zu,\"pictures\":%zu}", shown.gaps,
		shown.own_gaps, shown.sentences, shown.pictures);
	write_key(p->out, "who");
	kf_who_write(who, p);
	fputs("}", p->out);
	return who->failed ? kf_fail_memory(e, "the names of a page") : 0;
}

int kf_html_data_write(const struct kf_page *p, struct kf_error *e)
{
	struct kf_who who;
	int err = kf_who_init(&who, p->t, e);

	if (!err)
		err = write_all(p, &who, e);
	kf_who_release(&who);
	return err;
}
