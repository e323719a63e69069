/* SPDX-License-Identifier: BSD-2-Clause */
/* hand_expr.h - conditions and expressions from their text, for tests. */
#ifndef HAND_EXPR_H
#define HAND_EXPR_H

#include "base/error.h"
#include "expr/condition.h"

static inline struct kf_condition condition_of(const char *text)
{
	struct kf_error e = { 0 };
	struct kf_condition c;

	if (kf_condition_parse(&c, "expression", text, NULL, &e))
		fail_msg("'%s' was refused: %s", text, e.message);
	return c;
}

/* Just one. */
static inline struct kf_expr expr_of(const char *text)
{
	struct kf_condition c = condition_of(text);

	assert_int_equal(c.n_exprs, 1);
	return c.exprs[0];
}

#endif
