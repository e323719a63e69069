/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/argv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/* Words as <a><b>; or the message. */
static void check(const char *text, const char *want)
{
	struct kf_argv a;
	struct kf_error e;
	char got[1024] = "";
	size_t len = 0;

	if (kf_argv_parse(text, &a, &e)) {
		assert_int_equal(e.status, KF_USAGE);
		assert_null(a.words);
		assert_string_equal(strstr(e.message, "': ") ? strstr(e.message, "': ") + 3 : e.message, want);
		return;
	}
	for (size_t i = 0; i < a.n; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "<%s>", a.words[i]);
	assert_null(a.words[a.n]);
	assert_string_equal(got, want);
	kf_argv_release(&a);
	assert_null(a.words);
}

static void splits_at_blanks(void **state)
{
	check("ship", "<ship>");
	check("  ship\t{}  --now ", "<ship><{}><--now>");
	check("a\nb", "<a><b>");
}

static void quotes(void **state)
{
	check("ship 'a b' \"c d\"", "<ship><a b><c d>");
	check("ship --to='s3://x y'/{}", "<ship><--to=s3://x y/{}>");
	check("ship ''", "<ship><>");
	check("ship '\"$HOME`|' \"'|;<>()\"", "<ship><\"$HOME`|><'|;<>()>");
	check("ship \"a\\\"b\\\\c\\d\"", "<ship><a\"b\\c\\d>");
	check("ship a\\ b \\$x \\|", "<ship><a b><$x><|>");
	check("ship 'a'\\''b'", "<ship><a'b>");
}

static void nothing_is_expanded(void **state)
{
	check("ship * ~ ~/x ? [a] {a,b} #x !y a=b", "<ship><*><~><~/x><?><[a]><{a,b}><#x><!y><a=b>");
}

static void what_needs_a_shell_is_refused(void **state)
{
	check("ship {} | tee x", "column 9: | is for a shell");
	check("ship {} > x", "column 9: > is for a shell");
	check("a;b", "column 2: ; is for a shell");
	check("a && b", "column 3: & is for a shell");
	check("ship $HOME", "column 6: $ is for a shell");
	check("ship \"x$HOME\"", "column 8: $ is for a shell");
	check("ship `x`", "column 6: ` is for a shell");
	check("(a)", "column 1: ( is for a shell");
}

static void what_is_not_closed(void **state)
{
	check("ship 'a b", "column 6: this ' is never closed");
	check("ship a\"b '", "column 7: this \" is never closed");
	check("ship \\", "column 6: nothing follows this backslash");
}

static void empty_ones(void **state)
{
	check("", "it is empty");
	check("  \t", "it is empty");
	check("'' x", "it is empty");
}

static void too_long_ones(void **state)
{
	static char text[KF_ARGV_MAX_BYTES + 1];
	struct kf_argv a;
	struct kf_error e;

	memset(text, 'x', sizeof(text) - 2);
	assert_int_equal(kf_argv_parse(text, &a, &e), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(strlen(a.words[0]), KF_ARGV_MAX_BYTES - 1);
	kf_argv_release(&a);
	text[sizeof(text) - 2] = 'x';
	assert_int_equal(kf_argv_parse(text, &a, &e), -1);
	for (size_t i = 0; i < 2 * KF_ARGV_MAX_WORDS; i++)
		text[i] = i % 2 ? ' ' : 'x';
	text[2 * KF_ARGV_MAX_WORDS] = 0;
	assert_int_equal(kf_argv_parse(text, &a, &e), 0);
	assert_int_equal(a.n, KF_ARGV_MAX_WORDS);
	kf_argv_release(&a);
	strcpy(text + 2 * KF_ARGV_MAX_WORDS, "x");
	assert_int_equal(kf_argv_parse(text, &a, &e), -1);
	assert_non_null(strstr(e.message, "too many words"));
}

static void fills_in_the_path(void **state)
{
	struct kf_argv a, filled;
	struct kf_error e;

	assert_int_equal(kf_argv_parse("ship {} --a={}/{} {x} plain", &a, &e), 0);
	assert_int_equal(kf_argv_fill(&a, "/p a{}th", &filled), 0);
	assert_int_equal(filled.n, 5);
	assert_string_equal(filled.words[1], "/p a{}th");
	assert_string_equal(filled.words[2], "--a=/p a{}th//p a{}th");
	assert_string_equal(filled.words[3], "{x}");
	assert_string_equal(filled.words[4], "plain");
	assert_null(filled.words[5]);
	kf_argv_release(&filled);
	kf_argv_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_at_blanks),    cmocka_unit_test(quotes),
		cmocka_unit_test(nothing_is_expanded), cmocka_unit_test(what_needs_a_shell_is_refused),
		cmocka_unit_test(what_is_not_closed),  cmocka_unit_test(empty_ones),
		cmocka_unit_test(too_long_ones),       cmocka_unit_test(fills_in_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
