/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of options: from text, as text, compared. */
#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/units.h"

/* ---- from text ---- */

static int parse_uint(const char *text, uint64_t *out, struct kf_error *e)
{
	bool bad = *text < '0' || *text > '9'; /* strtoull takes signs and blanks, a count has none */
	char *end;

	if (!bad) {
		errno = 0;
		*out = strtoull(text, &end, 10);
		bad = errno || *end;
	}
	return bad ? kf_fail(e, KF_USAGE, "give a whole number, as in 3", "bad number '%.80s'", text) : 0;
}

static int refuse_zero(const struct kf_option *o, const char *value, struct kf_error *e)
{
	if ((o->type != KF_OPT_TIME && o->type != KF_OPT_COUNT) || *(const uint64_t *)o->into)
		return 0;
	return kf_fail(e, KF_USAGE, "give more than that, or leave the option out", "'%.80s' is nothing: %s", value,
		       o->type == KF_OPT_TIME ? "it takes some time" : "it takes at least 1");
}

static int parse_flag(const char *text, bool *out, struct kf_error *e)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", NULL };

	for (int i = 0; words[i]; i++)
		if (!strcmp(text, words[i])) {
			*out = i % 2;
			return 0;
		}
	return kf_fail(e, KF_USAGE, "give yes or no", "'%.80s' is neither yes nor no", text);
}

static int append(struct kf_strings *strings, const char *value, struct kf_error *e)
{
	if (KF_GROW(strings->items, strings->n, strings->room))
		return kf_fail_memory(e, "options");
	strings->items[strings->n++] = value;
	return 0;
}

int kf_option_store(const struct kf_option *o, const char *value, struct kf_error *e)
{
	switch (o->type) {
	case KF_OPT_STRING:
		*(const char **)o->into = value;
		return 0;
	case KF_OPT_STRINGS:
		return append(o->into, value, e);
	case KF_OPT_DURATION:
	case KF_OPT_TIME:
		return kf_parse_duration(value, o->into, e) || refuse_zero(o, value, e) ? -1 : 0;
	case KF_OPT_SIZE:
		return kf_parse_size(value, o->into, e);
	case KF_OPT_UINT:
	case KF_OPT_COUNT:
		return parse_uint(value, o->into, e) || refuse_zero(o, value, e) ? -1 : 0;
	case KF_OPT_FLAG:
		return parse_flag(value, o->into, e);
	}
	return 0;
}

/* ---- values as text ---- */

static void number_text(uint64_t value, const uint64_t *units, const char *const *names, char *buf, size_t len)
{
	while (*units > 1 && (!value || value % *units)) {
		units++;
		names++;
	}
	snprintf(buf, len, "%" PRIu64 "%s", value / *units, *names);
}

static void list_text(const struct kf_strings *list, char *buf, size_t len)
{
	size_t at = 0;

	*buf = '\0';
	for (size_t i = 0; i < list->n && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, "%s%s", i ? ", " : "", list->items[i]);
}

const char *kf_option_text(const struct kf_option *o, char *buf, size_t len)
{
	static const uint64_t time_units[] = { 3600000000000, 60000000000, 1000000000, 1000000, 1000, 1 };
	static const char *const time_names[] = { "h", "m", "s", "ms", "us", "ns" };
	static const uint64_t size_units[] = { 1ULL << 30, 1 << 20, 1 << 10, 1 };
	static const char *const size_names[] = { "g", "m", "k", "" };
	const char *string;

	*buf = '\0';
	if ((o->type == KF_OPT_TIME || o->type == KF_OPT_COUNT) && !*(const uint64_t *)o->into)
		return buf;
	switch (o->type) {
	case KF_OPT_FLAG:
		snprintf(buf, len, "%s", *(const bool *)o->into ? "yes" : "no");
		break;
	case KF_OPT_STRING:
		string = *(const char *const *)o->into;
		snprintf(buf, len, "%s", string ? string : "");
		break;
	case KF_OPT_STRINGS:
		list_text(o->into, buf, len);
		break;
	case KF_OPT_DURATION:
	case KF_OPT_TIME:
		number_text(*(const uint64_t *)o->into, time_units, time_names, buf, len);
		break;
	case KF_OPT_SIZE:
		number_text(*(const uint64_t *)o->into, size_units, size_names, buf, len);
		break;
	case KF_OPT_UINT:
	case KF_OPT_COUNT:
		snprintf(buf, len, "%" PRIu64, *(const uint64_t *)o->into);
		break;
	}
	return buf;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_list(const struct kf_strings *a, const struct kf_strings *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return a->n == b->n;
}

bool kf_option_equal(const struct kf_option *a, const struct kf_option *b)
{
	switch (a->type) {
	case KF_OPT_FLAG:
		return *(const bool *)a->into == *(const bool *)b->into;
	case KF_OPT_STRING:
		return same_text(*(const char *const *)a->into, *(const char *const *)b->into);
	case KF_OPT_STRINGS:
		return same_list(a->into, b->into);
	default:
		return *(const uint64_t *)a->into == *(const uint64_t *)b->into;
	}
}
