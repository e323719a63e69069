/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/options.h"

#define NUMBER_MAX 1000000000000ULL /* millionths of it still fit 64 bits */

int kf_reader_fail(struct kf_reader *r, const char *at, const char *hint, const char *format, ...)
{
	char shown[200], why[200];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	r->blame = at;
	kf_text_printable(r->text, strlen(r->text), shown, sizeof(shown));
	return kf_fail(r->e, KF_USAGE, hint, "%s '%s', column %zu: %s", r->what, shown, (size_t)(at - r->text) + 1,
		       why);
}

int kf_reader_unknown(struct kf_reader *r, const struct kf_word *w, const char *kind, const char *const *names,
		      const char *hint)
{
	const char *near = w->len < KF_READER_WORD_BYTES ? kf_nearest(w->text, names) : NULL;

	if (near)
		return kf_reader_fail(r, w->at, hint, "unknown %s '%s', did you mean '%s'?", kind, w->text, near);
	return kf_reader_fail(r, w->at, hint, "unknown %s '%s'", kind, w->text);
}

void kf_reader_skip_blanks(struct kf_reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

char kf_reader_peek(struct kf_reader *r)
{
	kf_reader_skip_blanks(r);
	return *r->at;
}

bool kf_reader_takes(struct kf_reader *r, char c)
{
	if (kf_reader_peek(r) != c)
		return false;
	r->at++;
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

struct kf_word kf_reader_word(struct kf_reader *r)
{
	struct kf_word w = { 0 };

	kf_reader_skip_blanks(r);
	w.at = r->at;
	while (is_word(*r->at))
		r->at++;
	w.len = (size_t)(r->at - w.at);
	memcpy(w.text, w.at, w.len < sizeof(w.text) ? w.len : sizeof(w.text) - 1);
	return w;
}

bool kf_reader_takes_word(struct kf_reader *r, const char *word)
{
	size_t len = strlen(word);

	kf_reader_skip_blanks(r);
	if (strncmp(r->at, word, len) || is_word(r->at[len]))
		return false;
	r->at += len;
	return true;
}

int kf_word_find(const struct kf_word *w, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (w->len < KF_READER_WORD_BYTES && !strcmp(names[i], w->text))
			return i;
	return -1;
}

int kf_reader_micro(struct kf_reader *r, uint64_t *out)
{
	const char *at, *start;
	uint64_t whole = 0, fraction = 0, place = KF_READER_MICRO;

	kf_reader_skip_blanks(r);
	start = at = r->at;
	if (!isdigit((unsigned char)*at))
		return kf_reader_fail(r, start, NULL, "a number is missing");
	for (; isdigit((unsigned char)*at); at++) {
		whole = whole * 10 + (uint64_t)(*at - '0');
		if (whole > NUMBER_MAX)
			return kf_reader_fail(r, start, NULL, "the number is too large");
	}
	if (*at == '.' && isdigit((unsigned char)at[1]))
		for (at++; isdigit((unsigned char)*at); at++) {
			place /= 10;
			if (!place && *at != '0')
				return kf_reader_fail(r, at, NULL, "more than six digits behind the point");
			fraction += (uint64_t)(*at - '0') * place;
		}
	r->at = at;
	*out = whole * KF_READER_MICRO + fraction;
	return 0;
}

static bool ends_token(char c)
{
	return !c || isspace((unsigned char)c) || strchr("/(){},|<>", c);
}

static bool begins_next(const char *at)
{
	struct kf_reader rest = { .text = at, .at = at };

	return kf_reader_takes_word(&rest, "and") || kf_reader_takes_word(&rest, "or");
}

/* Where a duration ends: with its unit, which may stand behind blanks. */
static const char *duration_end(const char *start)
{
	const char *end = start, *unit;

	while (isdigit((unsigned char)*end) || *end == '.')
		end++;
	for (unit = end; isblank((unsigned char)*unit); unit++)
		;
	if (unit > end && end > start && isalpha((unsigned char)*unit) && !begins_next(unit))
		end = unit;
	while (!ends_token(*end))
		end++;
	return end;
}

int kf_reader_duration(struct kf_reader *r, uint64_t *out_ns)
{
	char text[KF_READER_WORD_BYTES];
	const char *end;
	struct kf_error why;
	size_t len;

	kf_reader_skip_blanks(r);
	end = duration_end(r->at);
	len = (size_t)(end - r->at);
	if (!len)
		return kf_reader_fail(r, r->at, "a number and its unit: 5ms", "a duration is missing");
	if (len >= sizeof(text))
		return kf_reader_fail(r, r->at, NULL, "this is no duration");
	memcpy(text, r->at, len);
	text[len] = '\0';
	if (kf_parse_duration(text, out_ns, &why))
		return kf_reader_fail(r, r->at, why.hint, "%s", why.message);
	r->at = end;
	return 0;
}

int kf_reader_pid(struct kf_reader *r, const char *digits, const char *at, uint32_t *out)
{
	uint64_t pid = 0;

	for (const char *c = digits; *c; c++) {
		if (!isdigit((unsigned char)*c))
			return kf_reader_fail(r, at, "for names there is comm=", "'%.60s' is no number", digits);
		pid = pid * 10 + (uint64_t)(*c - '0');
		if (pid > INT32_MAX)
			return kf_reader_fail(r, at, NULL, "there is no PID that large");
	}
	if (!pid)
		return kf_reader_fail(r, at, NULL, "there is no PID 0");
	*out = (uint32_t)pid;
	return 0;
}
