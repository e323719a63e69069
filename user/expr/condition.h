/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * condition.h - a whole text of the language: expressions joined by and / or, and settings in braces. The same for triggers and
 * for `check`.
 *
 *	TEXT      := CONDITION [ SETTINGS ]			SETTINGS as in expr/settings.h
 *	CONDITION := ALL { "or" ALL }
 *	ALL       := ONE { "and" ONE }				so `and` binds more tightly
 *	ONE       := EXPRESSION | "(" CONDITION ")"		EXPRESSION as in expr/expr.h
 *
 *	runq>5ms{comm=nginx*}		futex>50ms or block>1s {pid=2144, cooldown=1m}
 *	(p99(runq)>2ms/1s or rate(runq>1ms)>100/s) and futex>50ms {name=storm, sample=10%}
 *
 * A condition is kept as an OR of ANDs. Equal expressions are one, and what another part implies is left out: "a or a and b" is a.
 */
#ifndef KF_EXPR_CONDITION_H
#define KF_EXPR_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr/expr.h"
#include "expr/settings.h"
#include "kflight/control.h"

struct kf_error;

#define KF_CONDITION_BYTES 512 /* longest text, NUL included */

struct kf_condition {
	struct kf_expr exprs[KF_MAX_TERMS];
	uint16_t columns[KF_MAX_TERMS]; /* where each was given first, from 1 */
	size_t n_exprs;
	uint32_t clauses[KF_MAX_CLAUSES]; /* a bit per expression, all must be true; one clause is enough */
	size_t n_clauses;
	struct kf_settings settings;
	char text[KF_CONDITION_BYTES]; /* as given, blanks at its ends left out; no control characters */
};

/*
 * what is "trigger" or "expression" and begins the message. Returns 0, or -1 with one line in e that names the column; column
 * (may be NULL) is then where: 1 is the first byte of text.
 */
int kf_condition_parse(struct kf_condition *out, const char *what, const char *text, size_t *column,
		       struct kf_error *e);

#endif
