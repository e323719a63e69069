/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Length of the valid UTF-8 character at s (n > 0 bytes are there) and its code point; 0 if there is none.
 * Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
static size_t decode(const unsigned char *s, size_t n, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (!len || len > n)
		return 0;
	*code = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return len;
}

static bool is_harmless(uint32_t code)
{
	if (code < 0x20 || code == '\\' || (code >= 0x7f && code < 0xa0))
		return false;
	if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e))
		return false;
	return !(code >= 0x2060 && code <= 0x206f) && code != 0xfeff;
}

static void escape(unsigned char byte, char *out)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[byte >> 4];
	out[3] = digits[byte & 15];
}

size_t kf_text_printable(const char *bytes, size_t max, char *out, size_t out_len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t n = strnlen(bytes, max), used = 0;

	if (!out_len)
		return 0;
	while (n) {
		uint32_t code = 0;
		size_t len = decode(s, n, &code);
		bool plain = len && is_harmless(code);
		size_t need;

		len = len ? len : 1;
		need = plain ? len : 4 * len;
		if (need >= out_len - used)
			break;
		for (size_t i = 0; i < len && !plain; i++)
			escape(s[i], out + used + 4 * i);
		if (plain)
			memcpy(out + used, s, len);
		used += need;
		s += len;
		n -= len;
	}
	out[used] = '\0';
	return used;
}
