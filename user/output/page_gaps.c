/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page.h"

#include "base/units.h"
#include "model/timeline.h"
#include "output/clock.h"
#include "output/line.h"
#include "output/report.h"
#include "output/report_data.h"
#include "output/sentence.h"
#include "snapshot/snapshot.h"

/* Below this a hanging indent as deep as the sentence would leave too little room. */
#define DEEP_INDENT_WIDTH 100

static void print_gap(const struct kf_page *p, size_t rank, const struct kf_gap *gap)
{
	char sentence[KF_SENTENCE_BYTES], time[32], offset[32];
	int column;

	kf_gap_sentence(p->t, gap, sentence, sizeof(sentence));
	column = fprintf(p->out, "  %3zu  %s  %10s  ", rank,
			 kf_format_time(kf_real_ns(p->s, gap->start_ns), time, sizeof(time)),
			 kf_format_offset(gap->start_ns, p->s->trigger.ts_ns, offset, sizeof(offset)));
	if (column > 0)
		kf_page_wrapped(p, sentence, (size_t)column, p->o->width >= DEEP_INDENT_WIDTH ? (size_t)column : 7);
}

/* How many gaps are of the process that triggered, or not of it, and how long they are together. */
struct sum {
	size_t n;
	uint64_t ns;
};

static struct sum sum_gaps(const struct kf_page *p, bool own)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < p->d->n_gaps; i++) {
		const struct kf_gap *gap = p->d->gaps[i];

		if (kf_page_is_own(p, gap->thread) == own) {
			sum.n++;
			sum.ns += gap->end_ns - gap->start_ns;
		}
	}
	return sum;
}

/* "WHAT (10 of 1,234, 3.21 s in all; start: UTC, and from the trigger)" and the first of them. */
static void print_gaps(const struct kf_page *p, const char *what, bool own, size_t max)
{
	struct sum sum = sum_gaps(p, own);
	char title[320], count[32], total[32];
	size_t n = 0;

	if (!sum.n) {
		snprintf(title, sizeof(title), "%s: %s", what,
			 kf_report_leaves_out(p->o) ? "none fits" : "none, every thread ran as soon as it could");
		kf_page_heading(p, title);
		return;
	}
	snprintf(title, sizeof(title), "%s (%zu of %s, %s in all; start: UTC, and from the trigger)", what,
		 max < sum.n ? max : sum.n, kf_format_count(sum.n, count, sizeof(count)),
		 kf_format_duration(sum.ns, total, sizeof(total)));
	kf_page_heading(p, title);
	for (size_t i = 0; i < p->d->n_gaps && n < max; i++)
		if (kf_page_is_own(p, p->d->gaps[i]->thread) == own)
			print_gap(p, ++n, p->d->gaps[i]);
}

void kf_page_gaps(const struct kf_page *p)
{
	char what[256];

	if (!kf_page_has_own(p)) {
		print_gaps(p, "Worst gaps", false, p->o->top);
		return;
	}
	kf_page_own_title(p, "Worst gaps", what, sizeof(what));
	print_gaps(p, what, true, p->o->top);
	print_gaps(p, "Worst gaps of others", false, (p->o->top + 1) / 2);
}
