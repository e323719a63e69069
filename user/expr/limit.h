/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.h - the end of an expression: what it is compared with, and over which period. */
#ifndef KF_EXPR_LIMIT_H
#define KF_EXPR_LIMIT_H

struct kf_expr;
struct kf_reader;

/* LIMIT [ "/" PERIOD ], as in expr/expr.h; function, kind and compare of x are known. */
int kf_expr_read_limit(struct kf_expr *x, struct kf_reader *r);

#endif
