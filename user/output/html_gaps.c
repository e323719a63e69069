/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html_gaps.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "model/parts.h"
#include "model/timeline.h"
#include "output/html_json.h"
#include "output/html_picture.h"
#include "output/html_who.h"
#include "output/page.h"
#include "output/report_data.h"
#include "output/sentence.h"

/* The page sums up the rest. */
#define MAX_SHARES    9
#define MAX_STRETCHES 64

/* The first pictures, which are looked at first, are finer than the rest. */
#define FINE_PICTURES 20
#define FINE_RUNS     6000
#define COARSE_RUNS   1000

struct writer {
	const struct kf_page *p;
	struct kf_who *who;
	struct kf_sentences sentences;
	struct kf_parts parts;
	size_t sentence_bytes;
	size_t runs;
	struct kf_html_shown shown;
};

static void write_cpu(FILE *out, uint16_t cpu)
{
	if (cpu == KF_NO_CPU)
		fputs("-1", out);
	else
		kf_html_json_number(out, cpu);
}

/* What a gap says of all threads of one name, or of one kind of interrupt. */
struct share {
	uint64_t ns;
	uint32_t who; /* of its longest part */
	uint32_t name;
	uint32_t n; /* threads */
	bool is_thread;
};

struct shares {
	struct share items[MAX_SHARES];
	size_t n;
	uint64_t rest_ns;
};

static int longest_part_first(const void *va, const void *vb)
{
	const struct kf_part *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static int largest_share_first(const void *va, const void *vb)
{
	const struct share *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	return (a->who > b->who) - (a->who < b->who);
}

static struct share *find_share(struct shares *shares, const struct share *wanted)
{
	for (size_t i = 0; i < shares->n; i++) {
		struct share *share = &shares->items[i];

		if (share->who == wanted->who || (share->is_thread && wanted->is_thread && share->name == wanted->name))
			return share;
	}
	return NULL;
}

static void add_part(struct writer *w, struct shares *shares, const struct kf_gap *gap, const struct kf_part *part)
{
	bool is_thread = part->kind == KF_PART_THREAD;
	struct share share = { .ns = part->ns,
			       .who = kf_who_of_kind(w->who, part->kind, part->thread, part->vector, gap->cgroup),
			       .name = is_thread ? w->who->namesakes[part->thread] : 0,
			       /* One that was met on several CPUs has one part that came first. */
			       .n = is_thread && part->before == KF_NO_PART,
			       .is_thread = is_thread };
	struct share *known = find_share(shares, &share);

	if (known) {
		known->ns += share.ns;
		known->n += share.n;
	} else if (shares->n < MAX_SHARES) {
		shares->items[shares->n++] = share;
	} else {
		shares->rest_ns += share.ns;
	}
}

static void write_share(FILE *out, const struct share *share, bool comma)
{
	if (comma)
		putc_unlocked(',', out);
	kf_html_json_number(out, share->who);
	putc_unlocked(',', out);
	kf_html_json_number(out, share->n);
	putc_unlocked(',', out);
	kf_html_json_number(out, share->ns);
}

static int write_shares(struct writer *w, const struct kf_gap *gap, struct kf_error *e)
{
	struct shares shares = { .n = 0 };
	FILE *out = w->p->out;

	if (kf_gap_parts(w->p->t, gap, &w->parts, e))
		return -1;
	/* What links parts is needed only while they are found. */
	if (w->parts.n)
		qsort(w->parts.items, w->parts.n, sizeof(*w->parts.items), longest_part_first);
	for (size_t i = 0; i < w->parts.n; i++)
		add_part(w, &shares, gap, &w->parts.items[i]);
	qsort(shares.items, shares.n, sizeof(shares.items[0]), largest_share_first);
	fputs(",[", out);
	for (size_t i = 0; i < shares.n; i++)
		write_share(out, &shares.items[i], i != 0);
	if (shares.rest_ns)
		write_share(out, &(struct share){ .ns = shares.rest_ns, .who = KF_WHO_OTHERS }, true);
	putc_unlocked(']', out);
	return 0;
}

static void write_stretches(struct writer *w, const struct kf_gap *gap)
{
	const struct kf_timeline *t = w->p->t;
	FILE *out = w->p->out;

	fputs(",[", out);
	for (uint32_t i = 0; i < gap->n_stretches && i < MAX_STRETCHES; i++) {
		const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + i];

		if (i)
			putc_unlocked(',', out);
		kf_html_json_offset(out, stretch->start_ns, t->floor_ns);
		putc_unlocked(',', out);
		kf_html_json_number(out, stretch->end_ns - stretch->start_ns);
		putc_unlocked(',', out);
		write_cpu(out, stretch->cpu);
	}
	putc_unlocked(']', out);
}

static void write_throttle(struct writer *w, const struct kf_gap *gap)
{
	FILE *out = w->p->out;

	if (!gap->throttled_end_ns) {
		fputs(",0", out);
		return;
	}
	fputs(",[", out);
	kf_html_json_offset(out, gap->throttled_start_ns, w->p->t->floor_ns);
	putc_unlocked(',', out);
	kf_html_json_number(out, gap->throttled_end_ns - gap->throttled_start_ns);
	putc_unlocked(']', out);
}

static void write_sentence(struct writer *w, const struct kf_gap *gap)
{
	char sentence[KF_SENTENCE_BYTES] = "";

	putc_unlocked(',', w->p->out);
	if (w->sentence_bytes < KF_HTML_MAX_SENTENCE) {
		w->sentence_bytes += kf_sentences_gap(&w->sentences, gap, sentence, sizeof(sentence));
		w->shown.sentences++;
	}
	kf_html_json_text(w->p->out, sentence);
}

static void write_picture(struct writer *w, const struct kf_gap *gap)
{
	putc_unlocked(',', w->p->out);
	if (w->runs >= KF_HTML_MAX_RUNS) {
		putc_unlocked('0', w->p->out);
		return;
	}
	w->runs += kf_html_picture_write(w->p->t, gap, w->shown.pictures < FINE_PICTURES ? FINE_RUNS : COARSE_RUNS,
					 w->who, w->p->out);
	w->shown.pictures++;
}

static void write_facts(struct writer *w, const struct kf_gap *gap)
{
	FILE *out = w->p->out;
	unsigned int flags = (gap->open ? KF_HTML_OPEN : 0) | (gap->yielded ? KF_HTML_YIELDED : 0) |
			     (gap->waker_irq ? KF_HTML_WAKER_IRQ : 0);

	kf_html_json_number(out, kf_who_thread(w->who, gap->thread));
	putc_unlocked(',', out);
	kf_html_json_offset(out, gap->start_ns, w->p->t->floor_ns);
	putc_unlocked(',', out);
	kf_html_json_number(out, gap->end_ns - gap->start_ns);
	putc_unlocked(',', out);
	write_cpu(out, gap->cpu);
	fprintf(out, ",\"%s\",", kf_gap_kind_name(gap->kind));
	if (gap->waker == KF_NOBODY)
		fputs("-1", out);
	else
		kf_html_json_number(out, kf_who_thread(w->who, gap->waker));
	putc_unlocked(',', out);
	write_cpu(out, kf_html_waker_cpu(w->p->t, gap));
	fprintf(out, ",%u", flags);
}

static int write_gap(struct writer *w, const struct kf_gap *gap, struct kf_error *e)
{
	putc_unlocked('[', w->p->out);
	write_facts(w, gap);
	write_sentence(w, gap);
	if (write_shares(w, gap, e))
		return -1;
	write_stretches(w, gap);
	write_throttle(w, gap);
	write_picture(w, gap);
	putc_unlocked(']', w->p->out);
	return 0;
}

/* Those of the process that triggered, or not; at most max. */
static int write_gaps(struct writer *w, bool own, size_t max, struct kf_error *e)
{
	const struct kf_page *p = w->p;
	size_t n = 0;

	for (size_t i = 0; i < p->d->n_gaps && n < max; i++) {
		const struct kf_gap *gap = p->d->gaps[i];

		if (kf_page_is_own(p, gap->thread) != own)
			continue;
		fputs(w->shown.gaps ? ",\n" : "\n", p->out);
		if (write_gap(w, gap, e))
			return -1;
		w->shown.gaps++;
		n++;
	}
	return 0;
}

static int write_all(struct writer *w, struct kf_error *e)
{
	if (write_gaps(w, true, KF_HTML_MAX_OWN_GAPS, e))
		return -1;
	w->shown.own_gaps = w->shown.gaps;
	return write_gaps(w, false, KF_HTML_MAX_GAPS - w->shown.gaps, e);
}

int kf_html_gaps_write(const struct kf_page *p, struct kf_who *who, struct kf_html_shown *shown, struct kf_error *e)
{
	struct writer w = { .p = p, .who = who, .sentences = { .t = p->t } };
	int err;

	putc('[', p->out);
	err = write_all(&w, e);
	putc(']', p->out);
	kf_sentences_release(&w.sentences);
	kf_parts_release(&w.parts);
	*shown = w.shown;
	return err;
}
