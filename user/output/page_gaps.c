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

#define MAX_OWN_GAPS 5
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

void kf_page_gaps(const struct kf_page *p)
{
	size_t n = p->o->top < p->d->n_gaps ? (size_t)p->o->top : p->d->n_gaps;
	char title[160], of[32], sum[32];

	if (!p->d->n_gaps) {
		kf_page_heading(p, "Worst gaps: none, every thread ran as soon as it could");
		return;
	}
	snprintf(title, sizeof(title), "Worst gaps%s (%zu of %s, which add up to %s%s)",
		 kf_page_has_own(p) ? " of all threads" : "", n, kf_format_count(p->d->n_gaps, of, sizeof(of)),
		 kf_format_duration(p->d->gaps_ns, sum, sizeof(sum)),
		 kf_page_has_own(p) ? "" : "; start: UTC, and from the trigger");
	kf_page_heading(p, title);
	for (size_t i = 0; i < n; i++)
		print_gap(p, i + 1, p->d->gaps[i]);
}

void kf_page_own_gaps(const struct kf_page *p)
{
	size_t n = 0;

	kf_page_own_heading(p, "Worst gaps", " (start: UTC, and from the trigger)");
	for (size_t i = 0; i < p->d->n_gaps && n < MAX_OWN_GAPS; i++)
		if (kf_page_is_own(p, p->d->gaps[i]->thread))
			print_gap(p, ++n, p->d->gaps[i]);
	if (!n)
		fputs("  none, its threads ran as soon as they could\n", p->out);
}
