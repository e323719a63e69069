/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html_json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The length of the well-formed character that text begins with (RFC 3629: shortest form, no surrogates); 0 none. */
static size_t character_bytes(const unsigned char *text)
{
	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		return is_continuation(text[1]) ? 2 : 0;
	if (text[0] >= 0xe0 && text[0] <= 0xef) {
		if (!is_continuation(text[1]) || !is_continuation(text[2]))
			return 0;
		if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f))
			return 0;
		return 3;
	}
	if (text[0] >= 0xf0 && text[0] <= 0xf4) {
		if (!is_continuation(text[1]) || !is_continuation(text[2]) || !is_continuation(text[3]))
			return 0;
		if ((text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

static bool must_be_escaped(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f || strchr("\"\\<>&", byte);
}

void kf_html_json_text(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	putc_unlocked('"', out);
	while (*at) {
		size_t n = character_bytes(at);

		if (!n)
			fputs_unlocked("\\ufffd", out);
		else if (n == 1 && must_be_escaped(*at))
			fprintf(out, "\\u%04x", *at);
		else if (n == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9))
			fprintf(out, "\\u20%02x", at[2] - 0x80);
		else
			fwrite_unlocked(at, 1, n, out);
		at += n ? n : 1;
	}
	putc_unlocked('"', out);
}

void kf_html_json_number(FILE *out, uint64_t n)
{
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	fwrite_unlocked(digits + at, 1, sizeof(digits) - at, out);
}

void kf_html_json_offset(FILE *out, uint64_t at_ns, uint64_t origin_ns)
{
	if (at_ns < origin_ns)
		putc_unlocked('-', out);
	kf_html_json_number(out, at_ns < origin_ns ? origin_ns - at_ns : at_ns - origin_ns);
}
