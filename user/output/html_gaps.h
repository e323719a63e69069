/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_gaps.h - the gaps of a page: first those of the process that triggered, longest first, then all others likewise.
 *
 *	[who, start, wait, cpu, kind, waker, waker_cpu, flags, sentence, [who, n, ns, ...], [start, length, cpu, ...],
 *	 [start, length] of the throttle or 0, picture or 0]
 *
 * start is an offset from the floor of the window and may be negative; a CPU or waker of -1 is not known. kind is
 * kf_gap_kind_name(). The shares (largest first; n threads of one name have one, who is the worst of them, n is 0 for
 * what is no thread; small ones are summed up as "others") add up to wait, and the stretches, if they are not too many, too. The sentence is "" and the picture 0 for those behind the limits below.
 */
#ifndef KF_OUTPUT_HTML_GAPS_H
#define KF_OUTPUT_HTML_GAPS_H

#include <stddef.h>

struct kf_error;
struct kf_page;
struct kf_who;

/* What keeps a page at some ten MiB, whatever is in the snapshot. */
#define KF_HTML_MAX_GAPS     10000
#define KF_HTML_MAX_OWN_GAPS 7500    /* of the process that triggered */
#define KF_HTML_MAX_RUNS     400000  /* in all pictures together; one more picture may go over it */
#define KF_HTML_MAX_SENTENCE 3000000 /* bytes of all sentences */

enum { KF_HTML_OPEN = 1, KF_HTML_YIELDED = 2, KF_HTML_WAKER_IRQ = 4 };

/* What of the gaps made it into the page. */
struct kf_html_shown {
	size_t gaps;
	size_t own_gaps; /* ... of which of the process that triggered: the first ones */
	size_t sentences;
	size_t pictures;
};

/* To p->out. */
int kf_html_gaps_write(const struct kf_page *p, struct kf_who *who, struct kf_html_shown *shown, struct kf_error *e);

#endif
