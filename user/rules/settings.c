/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/units.h"
#include "cli/options.h"
#include "rules/rule.h"

#define WORD_BYTES 64
#define MAX_RULES  64
#define EXAMPLE	   "write it like 'RunQueueLatency=5ms,20ms' (a WARN, an ERROR from there on) or 'ForkStorm=off'"

/* At most WORD_BYTES - 1 bytes of text; more than any word we know is cut, matches nothing, and stays readable. */
static void copy_word(char buf[WORD_BYTES], const char *text, size_t len)
{
	snprintf(buf, WORD_BYTES, "%.*s", (int)(len < WORD_BYTES ? len : WORD_BYTES - 1), text);
}

static int fail_unknown(const char *name, struct kf_error *e)
{
	const char *names[MAX_RULES + 1] = { NULL }, *near;
	char hint[sizeof(e->hint)] = "the rules are ";
	size_t used = strlen(hint);

	for (size_t i = 0; i < MAX_RULES && kf_rules()[i]; i++)
		names[i] = kf_rules()[i]->name;
	near = kf_nearest(name, names);
	if (near)
		return kf_fail(e, KF_USAGE, EXAMPLE, "unknown rule '%s': did you mean '%s'?", name, near);
	for (size_t i = 0; names[i] && used < sizeof(hint); i++)
		used += (size_t)snprintf(hint + used, sizeof(hint) - used, "%s%s", i ? ", " : "", names[i]);
	return kf_fail(e, KF_USAGE, hint, "unknown rule '%s'", name);
}

/* "30%", "2.5%" */
static int parse_share(const char *text, uint64_t *permille)
{
	char *end;
	double percent;

	if (*text < '0' || *text > '9') /* strtod takes signs, blanks and words */
		return -1;
	percent = strtod(text, &end);
	if (strcmp(end, "%") || percent > 100 || strpbrk(text, "xXeE"))
		return -1;
	*permille = (uint64_t)(percent * 10 + 0.5);
	return *permille ? 0 : -1;
}

static int parse_number(const char *text, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno || *end || !*out ? -1 : 0;
}

static int parse_value(const struct kf_rule *rule, const char *text, uint64_t *out, struct kf_error *e)
{
	struct kf_error why;

	switch (rule->unit) {
	case KF_RULE_NS:
		if (kf_parse_duration(text, out, &why))
			return kf_fail(e, KF_USAGE, why.hint, "rule '%s': %s", rule->name, why.message);
		if (!*out)
			return kf_fail(e, KF_USAGE, EXAMPLE, "rule '%s': a threshold of nothing: '%s'", rule->name,
				       text);
		return 0;
	case KF_RULE_PERMILLE:
		if (parse_share(text, out))
			return kf_fail(e, KF_USAGE, "give a share with its unit, from 0.1% to 100%, as in '30%'",
				       "rule '%s': bad share '%s'", rule->name, text);
		return 0;
	case KF_RULE_COUNT:
		if (parse_number(text, out))
			return kf_fail(e, KF_USAGE, "give a whole number above 0, as in 500",
				       "rule '%s': bad number '%s'", rule->name, text);
		return 0;
	}
	return 0;
}

/* "5ms,20ms" */
static int parse_values(struct kf_rule_threshold *threshold, const char *text, struct kf_error *e)
{
	const char *comma = strchr(text, ',');
	char warn[WORD_BYTES], error[WORD_BYTES];

	copy_word(warn, text, comma ? (size_t)(comma - text) : strlen(text));
	if (parse_value(threshold->rule, warn, &threshold->warn, e))
		return -1;
	if (!comma)
		return 0;
	copy_word(error, comma + 1, strlen(comma + 1));
	if (parse_value(threshold->rule, error, &threshold->error, e))
		return -1;
	if (threshold->error < threshold->warn)
		return kf_fail(e, KF_USAGE, "the WARN comes first",
			       "rule '%s': an ERROR from '%s' on, a WARN only from '%s'", threshold->rule->name, error,
			       warn);
	return 0;
}

int kf_rule_settings_add(struct kf_rule_settings *s, const char *text, struct kf_error *e)
{
	const char *equals = strchr(text, '=');
	struct kf_rule_threshold threshold = { 0 };
	char name[WORD_BYTES];

	copy_word(name, text, equals ? (size_t)(equals - text) : strlen(text));
	threshold.rule = kf_rule_find(name);
	if (!threshold.rule)
		return fail_unknown(name, e);
	if (!equals || !equals[1])
		return kf_fail(e, KF_USAGE, EXAMPLE, "rule '%s': no threshold", name);
	if (!strcmp(equals + 1, "off")) {
		if (s->n_off >= s->room_off &&
		    kf_grow((void **)&s->off, s->n_off, &s->room_off, sizeof(const struct kf_rule *)))
			return kf_fail_memory(e, "rules");
		s->off[s->n_off++] = threshold.rule;
		return 0;
	}
	if (parse_values(&threshold, equals + 1, e))
		return -1;
	if (KF_GROW(s->thresholds, s->n_thresholds, s->room_thresholds))
		return kf_fail_memory(e, "rules");
	s->thresholds[s->n_thresholds++] = threshold;
	return 0;
}

void kf_rule_settings_use(const struct kf_rule_settings *s, struct kf_rule_options *o)
{
	o->thresholds = s->thresholds;
	o->n_thresholds = s->n_thresholds;
	o->off = s->off;
	o->n_off = s->n_off;
}

void kf_rule_settings_release(struct kf_rule_settings *s)
{
	free(s->thresholds);
	free(s->off);
	*s = (struct kf_rule_settings){ 0 };
}
