/* SPDX-License-Identifier: BSD-2-Clause */
/* Trigger expressions, one per line. What was accepted must be accepted again from the text it is stored as. */
#include "../../user/capture/trigger_spec.c"

#include <stddef.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_again(const char *expressions, const struct kf_trigger_spec *first)
{
	struct kf_trigger_spec again = { 0 };
	char *copy = strdup(expressions), *rest = copy;

	while (rest && *rest) {
		char *next = strstr(rest, ", ");
		struct kf_error e;

		if (next)
			*next = '\0';
		if (kf_trigger_spec_add(&again, rest, &e))
			abort();
		rest = next ? next + 2 : NULL;
	}
	if (memcmp(&again, first, sizeof(again)))
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kf_trigger_spec spec = { 0 };
	char *text = strndup((const char *)data, size), *rest = text, *line;
	struct kf_error e;

	while (text && (line = strsep(&rest, "\n")))
		kf_trigger_spec_add(&spec, line, &e);
	add_again(spec.text, &spec);
	free(text);
	return 0;
}
