/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/text.h"
#include "kflight/record.h"

#define BYTES(text) text, sizeof(text) - 1

static void becomes(const char *bytes, size_t max, const char *want)
{
	char out[256];
	size_t len = kf_text_printable(bytes, max, out, sizeof(out));

	assert_string_equal(out, want);
	assert_int_equal(len, strlen(out));
}

static void printable_text_stays(void **state)
{
	becomes(BYTES(""), "");
	becomes(BYTES("kworker/0:1-events"), "kworker/0:1-events");
	becomes(BYTES("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x9a\x80"), "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x9a\x80");
	becomes(BYTES("a \"quoted\" <b>"), "a \"quoted\" <b>");
}

static void text_ends_at_nul_or_max(void **state)
{
	becomes("abc\0def", 7, "abc");
	becomes("abcdef", 3, "abc");
	becomes("\xc3\xbc", 1, "\\xc3"); /* max may cut a character: its rest is no UTF-8 */
}

static void controls_are_escaped(void **state)
{
	becomes(BYTES("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
	becomes(BYTES("two\nlines\ttab\r"), "two\\x0alines\\x09tab\\x0d");
	becomes(BYTES("\x7f"), "\\x7f");
	becomes(BYTES("\xc2\x9b"), "\\xc2\\x9b"); /* CSI as a single C1 character */
	becomes(BYTES("a\xe2\x80\xae"
		      "b"),
		"a\\xe2\\x80\\xaeb");	     /* right-to-left override */
	becomes(BYTES("\\x41"), "\\x5cx41"); /* not to be taken for an escape */
}

static void bad_utf8_is_escaped(void **state)
{
	becomes(BYTES("\x80"), "\\x80");
	becomes(BYTES("\xff\xfe"), "\\xff\\xfe");
	becomes(BYTES("\xc0\xaf"), "\\xc0\\xaf");		    /* overlong '/' */
	becomes(BYTES("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");	    /* overlong, three bytes */
	becomes(BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80");	    /* surrogate */
	becomes(BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	becomes(BYTES("\xe2\x82"
		      "A"),
		"\\xe2\\x82"
		"A"); /* cut short, then plain */
}

static void out_is_never_overrun(void **state)
{
	const char bytes[] = "ab\xe2\x82\xac\x01z";

	for (size_t room = 1; room < 20; room++) {
		char out[24];
		size_t len;

		memset(out, '#', sizeof(out));
		len = kf_text_printable(bytes, sizeof(bytes), out, room);
		assert_true(len < room);
		assert_int_equal(out[len], '\0');
		assert_int_equal(out[room], '#');
		/* Whole characters and escapes only. */
		assert_true(len <= 2 || len == 5 || len >= 9);
	}
	assert_int_equal(kf_text_printable("x", 1, NULL, 0), 0);
}

/* Whatever a comm holds, JSON takes it, and it fits in the buffer that the header promises. */
static void any_comm_is_json(void **state)
{
	uint32_t random = 1;

	for (int i = 0; i < 20000; i++) {
		char comm[KF_COMM_BYTES], out[KF_TEXT_COMM_BYTES];
		json_t *s;

		for (size_t k = 0; k < sizeof(comm); k++) {
			random = random * 1664525 + 1013904223;
			comm[k] = (char)(random >> 24);
		}
		comm[KF_COMM_BYTES - 1] = '\0';
		kf_text_printable(comm, sizeof(comm), out, sizeof(out));
		s = json_string(out);
		if (!s)
			fail_msg("round %d: '%s' is no JSON string", i, out);
		json_decref(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable_text_stays), cmocka_unit_test(text_ends_at_nul_or_max),
		cmocka_unit_test(controls_are_escaped), cmocka_unit_test(bad_utf8_is_escaped),
		cmocka_unit_test(out_is_never_overrun), cmocka_unit_test(any_comm_is_json),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
