/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_text.h - the parts of an expression, written the same way however they were given. All return buf, which they may cut. */
#ifndef KF_EXPR_EXPR_TEXT_H
#define KF_EXPR_EXPR_TEXT_H

#include <stddef.h>

struct kf_expr;

/* Any measure fits; names of threads in it are printable. */
#define KF_EXPR_MEASURE_BYTES 512

/* "runq", "p99.9(syscall:read,write)", "rate(futex > 10 ms) of nginx*" */
const char *kf_expr_measure(const struct kf_expr *x, char *buf, size_t len);
/* "> 2 ms", ">= 1.5 %", "< 100/s" */
const char *kf_expr_limit(const struct kf_expr *x, char *buf, size_t len);
/* "/s", "/m", "/h" */
const char *kf_expr_per(const struct kf_expr *x);

#endif
