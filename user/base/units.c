/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/units.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

/* Smallest first, NULL-terminated. */
struct unit {
	const char *name;
	uint64_t worth;
};

static const struct unit durations[] = {
	{ "ns", 1 },	      { "us", 1000 },	      { "ms", 1000000 }, { "s", 1000000000 },
	{ "m", 60000000000 }, { "h", 3600000000000 }, { NULL, 0 },
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", 1ULL << 10 },
	{ "kb", 1ULL << 10 },
	{ "kib", 1ULL << 10 },
	{ "m", 1ULL << 20 },
	{ "mb", 1ULL << 20 },
	{ "mib", 1ULL << 20 },
	{ "g", 1ULL << 30 },
	{ "gb", 1ULL << 30 },
	{ "gib", 1ULL << 30 },
	{ NULL, 0 },
};

/* A decimal number as whole + fraction / scale. */
struct decimal {
	uint64_t whole;
	uint64_t fraction;
	uint64_t scale;
};

static const char *parse_whole(const char *s, uint64_t *whole)
{
	*whole = 0;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, *s - '0', whole))
			return NULL;
	return s;
}

/* Digits beyond the 15th after the point change nothing that people mean. */
static const char *parse_fraction(const char *s, struct decimal *d)
{
	for (; isdigit((unsigned char)*s); s++) {
		if (d->scale >= 1000000000000000)
			continue;
		d->fraction = d->fraction * 10 + (uint64_t)(*s - '0');
		d->scale *= 10;
	}
	return s;
}

enum parsed { PARSED, NO_NUMBER, NO_UNIT, BAD_UNIT, TOO_LARGE, TOO_SMALL };

static enum parsed scale_up(const struct decimal *d, uint64_t worth, uint64_t *out)
{
	unsigned __int128 v = (unsigned __int128)d->whole * worth + (unsigned __int128)d->fraction * worth / d->scale;

	if (v > UINT64_MAX)
		return TOO_LARGE;
	if (!v && d->fraction)
		return TOO_SMALL;
	*out = (uint64_t)v;
	return PARSED;
}

static enum parsed parse(const char *text, const struct unit *units, uint64_t *out)
{
	struct decimal d = { 0, 0, 1 };
	const char *s = text;

	while (isblank((unsigned char)*s))
		s++;
	if (!isdigit((unsigned char)*s))
		return NO_NUMBER;
	s = parse_whole(s, &d.whole);
	if (!s)
		return TOO_LARGE;
	if (*s == '.') {
		if (!isdigit((unsigned char)s[1]))
			return NO_NUMBER;
		s = parse_fraction(s + 1, &d);
	}
	while (isblank((unsigned char)*s))
		s++;
	for (; units->name; units++)
		if (!strcasecmp(s, units->name))
			return scale_up(&d, units->worth, out);
	return *s ? BAD_UNIT : NO_UNIT;
}

static const char *why(enum parsed p)
{
	switch (p) {
	case NO_NUMBER:
		return "this is no positive number";
	case NO_UNIT:
		return "the unit is missing";
	case BAD_UNIT:
		return "unknown unit";
	case TOO_LARGE:
		return "too large";
	case TOO_SMALL:
		return "less than one";
	case PARSED:
		break;
	}
	return "";
}

int kf_parse_duration(const char *text, uint64_t *out_ns, struct kf_error *e)
{
	enum parsed p = parse(text, durations, out_ns);

	if (p == PARSED)
		return 0;
	return kf_fail(e, KF_USAGE,
		       p == NO_NUMBER ? "write it like 5ms or 1.5s" : "give a unit: ns, us, ms, s, m or h, as in 5ms",
		       "bad duration '%.80s': %s", text, p == TOO_SMALL ? "less than 1 ns" : why(p));
}

int kf_parse_size(const char *text, uint64_t *out_bytes, struct kf_error *e)
{
	enum parsed p = parse(text, sizes, out_bytes);

	if (p == PARSED)
		return 0;
	return kf_fail(e, KF_USAGE, "write it like 256mb, 64k, 1g or 4096 (bytes)", "bad size '%.80s': %s", text,
		       p == TOO_SMALL ? "less than 1 byte" : why(p));
}

/*
 * Prints value with the first unit and number of decimals that gives at most three digits (limit of the first part:
 * 1000, or 1024 where the next unit starts there).
 */
static const char *format(uint64_t value, const struct unit *units, uint64_t limit, char *buf, size_t len)
{
	static const unsigned int power[] = { 1, 10, 100 };

	for (;; units++) {
		for (int decimals = units->worth == 1 ? 0 : 2; decimals >= 0; decimals--) {
			unsigned __int128 wide = (unsigned __int128)value * power[decimals];
			uint64_t v = (uint64_t)((wide + units->worth / 2) / units->worth);

			if (v >= (decimals ? 1000 : limit) && (decimals || units[1].name))
				continue;
			if (decimals)
				snprintf(buf, len, "%llu.%0*llu %s", (unsigned long long)(v / power[decimals]),
					 decimals, (unsigned long long)(v % power[decimals]), units->name);
			else
				snprintf(buf, len, "%llu %s", (unsigned long long)v, units->name);
			return buf;
		}
	}
}

const char *kf_format_duration(uint64_t ns, char *buf, size_t len)
{
	return format(ns, durations, 1000, buf, len);
}

const char *kf_format_size(uint64_t bytes, char *buf, size_t len)
{
	static const struct unit units[] = {
		{ "B", 1 },  { "KiB", 1ULL << 10 }, { "MiB", 1ULL << 20 }, { "GiB", 1ULL << 30 }, { "TiB", 1ULL << 40 },
		{ NULL, 0 },
	};

	return format(bytes, units, 1024, buf, len);
}
