/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/table.h"

static const struct kf_column columns[] = { { "name", KF_LEFT, 10 }, { "n", KF_RIGHT, 0 }, { "note", KF_LEFT, 0 } };

static char *printed(const char *const *cells, size_t n)
{
	struct kf_table *table = kf_table_new(columns, 3);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(table);
	assert_non_null(out);
	for (size_t i = 0; i < n; i++)
		kf_table_cell(table, "%s", cells[i]);
	assert_int_equal(kf_table_print(table, out, " "), 0);
	fclose(out);
	kf_table_free(&table);
	assert_null(table);
	return text;
}

static void columns_are_aligned_without_trailing_blanks(void **state)
{
	const char *cells[] = { "a", "1", "", "longer", "1,000", "why", "x" };
	char *text = printed(cells, 7); /* the half row is not printed */

	assert_string_equal(text, " name        n  note\n"
				  " a           1\n"
				  " longer  1,000  why\n");
	free(text);
}

static void long_cells_lose_their_middle(void **state)
{
	const char *cells[] = { "abcdefghijklmnop/77", "1", "", "exactly-10", "2", "" };
	char *text = printed(cells, 6);

	assert_string_equal(text, " name        n  note\n"
				  " abcd.../77  1\n"
				  " exactly-10  2\n");
	free(text);
}

static void width_is_counted_on_the_screen(void **state)
{
	const char *cells[] = { "\xe6\xbc\xa2\xe5\xad\x97", "1", "", "\xc3\xa4\xc3\xb6", "2", "", "abcd", "3", "" };
	char *text = printed(cells, 9);

	assert_int_equal(kf_text_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);
	assert_int_equal(kf_text_width("a\xcc\x88"), 1);
	assert_int_equal(kf_text_width("\xf0\x9f\x94\xa5"), 2);
	assert_string_equal(text, " name  n  note\n"
				  " \xe6\xbc\xa2\xe5\xad\x97  1\n"
				  " \xc3\xa4\xc3\xb6    2\n"
				  " abcd  3\n");
	free(text);
}

/* Twelve wide characters, 24 places: cut to 9, as a wide one does not fit the tenth place. */
static void wide_cells_are_cut_between_characters(void **state)
{
#define THREE_WIDE "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
	const char *cells[] = { THREE_WIDE THREE_WIDE THREE_WIDE THREE_WIDE, "1", "" };
	char *text = printed(cells, 3), *line = strchr(text, '\n') + 1;

	assert_string_equal(line, " \xe6\xbc\xa2\xe6\xbc\xa2...\xe6\xbc\xa2  1\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_without_trailing_blanks),
		cmocka_unit_test(long_cells_lose_their_middle),
		cmocka_unit_test(width_is_counted_on_the_screen),
		cmocka_unit_test(wide_cells_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
