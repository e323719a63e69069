/* SPDX-License-Identifier: BSD-2-Clause */
/* Check expressions. What was accepted must be accepted again from its text, and mean the same; errors are one line. */
#include "expr/condition.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The columns may: blanks at the begin are left out. */
static bool differ(const struct kf_condition *a, const struct kf_condition *b)
{
	return a->n_exprs != b->n_exprs || a->n_clauses != b->n_clauses ||
	       memcmp(a->exprs, b->exprs, sizeof(a->exprs)) || memcmp(a->clauses, b->clauses, sizeof(a->clauses)) ||
	       strcmp(a->text, b->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct kf_error e = { 0 };
	struct kf_condition first, again;
	size_t column;

	if (!text)
		return 0;
	if (kf_condition_parse(&first, "expression", text, &column, &e)) {
		if (!e.message[0] || strchr(e.message, '\n') || column > strlen(text) + 1)
			abort();
	} else if (kf_condition_parse(&again, "expression", first.text, NULL, &e) || differ(&first, &again)) {
		abort();
	}
	free(text);
	return 0;
}
