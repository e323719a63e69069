/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Triggers, one per line. What was accepted must be accepted again from the text it is stored as, and make the same set; each rule can
 * be given its own text again. What was refused leaves the set as it was, and says so in one line, with a column in the text.
 */
#include "expr/trigger_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct kf_trigger_set *set, const char *line)
{
	static struct kf_trigger_set before;
	struct kf_error e = { 0 };
	size_t column = 0;

	before = *set;
	if (!kf_trigger_set_add(set, line, &column, &e))
		return;
	if (!e.message[0] || strchr(e.message, '\n') || column > strlen(line) + 1 || memcmp(&before, set, sizeof(*set)))
		abort();
}

static void check_rules(const struct kf_trigger_set *set)
{
	struct kf_error e;

	for (size_t i = 0; i < set->n_rules; i++)
		if (kf_rule_name_check(set->rules[i].name, &e) ||
		    kf_trigger_set_find(set, set->rules[i].name) != (int)i || !set->rules[i].terms)
			abort();
	for (size_t i = 0; i < set->n_terms; i++)
		if (kf_trigger_set_rule_of(set, i) < 0 || set->terms[i].kind >= KF_WAITS_KINDS)
			abort();
	for (size_t i = 0; i < set->n_clauses; i++)
		if (set->clauses[i].rule >= set->n_rules ||
		    (set->clauses[i].terms & ~set->rules[set->clauses[i].rule].terms) || !set->clauses[i].terms)
			abort();
}

static void add_again(struct kf_trigger_set *set)
{
	static struct kf_trigger_set again;
	struct kf_error e;

	memset(&again, 0, sizeof(again));
	for (size_t i = 0; i < set->n_rules; i++)
		if (kf_trigger_set_add(&again, set->rules[i].text, NULL, &e))
			abort();
	if (memcmp(&again, set, sizeof(again)))
		abort();
	for (size_t i = 0; i < set->n_rules; i++)
		if (kf_trigger_set_change(&again, (int)i, set->rules[i].text, NULL, &e))
			abort();
	if (memcmp(&again, set, sizeof(again)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kf_trigger_set set;
	char *text = strndup((const char *)data, size), *rest = text, *line;

	memset(&set, 0, sizeof(set));
	while (text && (line = strsep(&rest, "\n")))
		add(&set, line);
	check_rules(&set);
	add_again(&set);
	free(kf_trigger_set_text(&set));
	free(text);
	return 0;
}
