/* SPDX-License-Identifier: BSD-2-Clause */
/* judgement.h - is an aggregate true of what was counted in a period, and that in words. */
#ifndef KF_DAEMON_JUDGEMENT_H
#define KF_DAEMON_JUDGEMENT_H

#include <stddef.h>
#include <stdint.h>

struct kf_expr;
struct kf_sliding_sum;

enum kf_judgement {
	KF_JUDGED_FALSE = 0,
	KF_JUDGED_TRUE,
	KF_JUDGED_NOTHING, /* there were no waits to have an average, percentile or maximum; or the span is too long to tell */
};

#define KF_JUDGEMENT_BYTES 640

/*
 * x is of waits, and sum's "above" counts those of kf_expr_each_ns(). By the definitions of check/measure.h: the p-th percentile
 * of n waits is above the limit if more than n - ceil(p/100 n) of them are.
 */
enum kf_judgement kf_judge(const struct kf_expr *x, uint64_t period_ns, const struct kf_sliding_sum *sum);

/* "p99(runq) > 2 ms: 37 of 1,204 waits in the last 1.00 s"; one line, printable; returns buf. */
const char *kf_judgement_text(const struct kf_expr *x, const struct kf_sliding_sum *sum, char *buf, size_t len);

#endif
