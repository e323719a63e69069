/* SPDX-License-Identifier: BSD-2-Clause */
/* keep.c - the text of --keep. */
#include "daemon/retention.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"

#define HINT "a count, a size with its unit, an age, or some of them: --keep 100,2gb,7d"

/* "7d", "2w", "36h"; in minutes an age makes no sense, and m is a unit of sizes. */
static int parse_age(const char *part, size_t len, uint64_t *out_ns)
{
	static const struct {
		char letter;
		uint64_t hours;
	} units[] = { { 'h', 1 }, { 'd', 24 }, { 'w', 7 * 24 } };
	char hours[64];
	uint64_t ns;

	for (size_t i = 0; len && i < sizeof(units) / sizeof(units[0]); i++) {
		if (part[len - 1] != units[i].letter)
			continue;
		snprintf(hours, sizeof(hours), "%.*sh", (int)len - 1, part);
		if (kf_parse_duration(hours, &ns, NULL) || __builtin_mul_overflow(ns, units[i].hours, out_ns))
			return -1;
		return *out_ns ? 0 : -1;
	}
	return -1;
}

static int parse_count(const char *part, uint64_t *out)
{
	if (!*part || part[strspn(part, "0123456789")] || strlen(part) > 9)
		return -1;
	return sscanf(part, "%lu", out) == 1 && *out ? 0 : -1;
}

static int parse_part(const char *part, struct kf_keep *k)
{
	struct kf_keep one = { 0 };

	if (!parse_count(part, &one.count) && !k->count)
		k->count = one.count;
	else if (!parse_age(part, strlen(part), &one.age_ns) && !k->age_ns)
		k->age_ns = one.age_ns;
	else if (part[strspn(part, "0123456789.")] && !kf_parse_size(part, &one.bytes, NULL) && one.bytes && !k->bytes)
		k->bytes = one.bytes;
	else
		return -1;
	return 0;
}

int kf_keep_parse(const char *text, struct kf_keep *out, struct kf_error *e)
{
	char part[64];

	*out = (struct kf_keep){ 0 };
	for (const char *at = text; at;) {
		size_t len = strcspn(at, ",");

		snprintf(part, sizeof(part), "%.*s", len < sizeof(part) ? (int)len : (int)sizeof(part) - 1, at);
		if (parse_part(part, out)) {
			*out = (struct kf_keep){ 0 };
			return kf_fail(e, KF_USAGE, HINT, "bad --keep '%.80s': '%s' is no%s count, size or age", text,
				       part, at == text ? "" : " further");
		}
		at = at[len] ? at + len + 1 : NULL;
	}
	return 0;
}
