/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.h - is an expression true of a window?
 *
 * The answer has three values. A wait that was cut off may have been longer than it was seen, and a time of which nothing is
 * known may hide waits, up to its length and no more than one per microsecond. The answer is YES or NO only if it is so
 * whatever these were; else it is UNKNOWN.
 *
 * Percentiles are nearest rank: the p-th of n waits is the one at place ceil(p/100 n) of them, sorted. Waits that lie partly
 * before the window count whole, but for total() only their part in the window. A wait that had not ended is one. The same holds of
 * periods in it (check/periods.h), to which those waits belong that ended in them.
 */
#ifndef KF_CHECK_MEASURE_H
#define KF_CHECK_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/doubt.h"
#include "expr/expr.h"
#include "check/samples.h"

struct kf_error;
struct kf_settings;

enum kf_answer { KF_ANSWER_NO = 0, KF_ANSWER_YES, KF_ANSWER_UNKNOWN };

/* One thread, and what it had of a total. */
struct kf_share_of {
	uint32_t thread; /* KF_NOBODY none */
	uint64_t ns;
};

struct kf_measured {
	enum kf_answer answer;
	bool has_value;	  /* there is no average, percentile or maximum of no waits */
	uint64_t value;	  /* as seen: ns; COUNT and RATE: how many */
	uint64_t n_waits; /* that count, as seen; 0 for time of CPUs */
	/* What was looked at: the window, or, of an expression with a period, the worst one. Shares and rates are of window_ns. */
	uint64_t from_ns;
	uint64_t window_ns;
	bool has_worst;
	struct kf_sample worst;	  /* the longest wait; not for total() */
	struct kf_share_of most;  /* total(): who waited most */
	char why[KF_DOUBT_BYTES]; /* UNKNOWN: the reason, no full stop */
	bool as_seen_helps;	  /* UNKNOWN: it would be known if what is cut off counted as long as it was seen */
};

/* settings: whose waits, NULL everybody's; what else they say does not matter. */
int kf_measure(struct kf_measured *out, const struct kf_expr *x, const struct kf_settings *settings,
	       const struct kf_view *v, struct kf_error *e);

/* value as in "2.31 ms", "0.4 %", "17", "3.4/s", "no such wait"; returns buf. */
const char *kf_measured_value(const struct kf_measured *m, const struct kf_expr *x, char *buf, size_t len);

/* "nginx/2144 waited 61.2 ms in futex(0x7f00c4), woken by nginx/2145": the worst wait, or who waited most; "" nobody. One line. */
const char *kf_measured_worst(const struct kf_measured *m, const struct kf_expr *x, const struct kf_timeline *t,
			      char *buf, size_t len);

#endif
