/* SPDX-License-Identifier: BSD-2-Clause */
/* Check expressions. What was accepted must be accepted again from its text, and mean the same; errors are one line. */
#include "expr/expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct kf_error e = { 0 };
	struct kf_expr first, again;
	size_t column;

	if (!text)
		return 0;
	if (kf_expr_parse(&first, text, &column, &e)) {
		if (!e.message[0] || strchr(e.message, '\n') || column > strlen(text) + 1)
			abort();
	} else if (kf_expr_parse(&again, first.text, NULL, &e) || memcmp(&first, &again, sizeof(first))) {
		abort();
	}
	free(text);
	return 0;
}
