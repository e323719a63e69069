/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct kf_table {
	const struct kf_column *columns;
	size_t n_columns;
	char **cells;
	size_t n_cells, room;
	bool lost;
};

/* Takes one character of valid UTF-8 from *text. */
static uint32_t next_code(const char **text)
{
	const unsigned char *s = (const unsigned char *)*text;
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t code = len == 1 ? s[0] : s[0] & (0x7fu >> len);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (s[i] & 0x3f);
	*text += len;
	return code;
}

/* Not the whole of Unicode's EastAsianWidth.txt, but the blocks that names are written in. */
static size_t code_width(uint32_t code)
{
	static const uint32_t wide[][2] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },	  { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },	  { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
	};

	if (code >= 0x300 && code <= 0x36f)
		return 0;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (code >= wide[i][0] && code <= wide[i][1])
			return 2;
	return 1;
}

size_t kf_text_width(const char *text)
{
	size_t width = 0;

	while (*text)
		width += code_width(next_code(&text));
	return width;
}

/* Behind the first characters of text that take width places or less. */
static const char *behind(const char *text, size_t width)
{
	for (;;) {
		const char *next = text;
		size_t w = *text ? code_width(next_code(&next)) : width + 1;

		if (w > width)
			return text;
		width -= w;
		text = next;
	}
}

static char *shorten(const char *text, size_t max_width)
{
	size_t whole = kf_text_width(text), tail = (max_width - 3) / 2, head = max_width - 3 - tail;
	const char *end = behind(text, head), *rest;
	char *cut = NULL;

	/* The tail may begin one place later when a wide character is in the way. */
	rest = behind(text, whole - tail);
	while (kf_text_width(rest) > tail)
		next_code(&rest);
	if (asprintf(&cut, "%.*s...%s", (int)(end - text), text, rest) < 0)
		return NULL;
	return cut;
}

struct kf_table *kf_table_new(const struct kf_column *columns, size_t n_columns)
{
	struct kf_table *table = calloc(1, sizeof(*table));

	if (table) {
		table->columns = columns;
		table->n_columns = n_columns;
	}
	return table;
}

void kf_table_cell(struct kf_table *table, const char *format, ...)
{
	size_t max_width = table->columns[table->n_cells % table->n_columns].max_width;
	char *text, *cut;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		table->lost = true;
		return;
	}
	if (max_width && kf_text_width(text) > max_width) {
		cut = shorten(text, max_width);
		free(text);
		text = cut;
	}
	if (!text || KF_GROW(table->cells, table->n_cells, table->room)) {
		free(text);
		table->lost = true;
		return;
	}
	table->cells[table->n_cells++] = text;
}

static void print_cell(FILE *out, const struct kf_column *column, const char *text, size_t width)
{
	int pad = (int)(width - kf_text_width(text));

	if (column->align == KF_RIGHT)
		fprintf(out, "%*s%s", pad, "", text);
	else
		fprintf(out, "%s%*s", text, pad, "");
}

/* One row of cells, or of the titles if texts is NULL. No blanks at its end. */
static void print_row(const struct kf_table *table, char *const *texts, const size_t *widths, FILE *out,
		      const char *indent)
{
	size_t last = table->n_columns - 1;

	fputs(indent, out);
	for (size_t c = 0; c <= last; c++) {
		const char *text = texts ? texts[c] : table->columns[c].title;

		if (c == last && !text[0])
			break;
		if (c)
			fputs("  ", out);
		if (c == last && table->columns[c].align == KF_LEFT)
			fputs(text, out);
		else
			print_cell(out, &table->columns[c], text, widths[c]);
	}
	fputc('\n', out);
}

static size_t width_of(const struct kf_table *table, size_t column)
{
	size_t widest = kf_text_width(table->columns[column].title);

	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		size_t width = kf_text_width(table->cells[i]);

		widest = width > widest ? width : widest;
	}
	return widest;
}

int kf_table_print(const struct kf_table *table, FILE *out, const char *indent)
{
	size_t n = table->n_columns, n_rows = table->n_cells / n;
	size_t *widths = calloc(n, sizeof(*widths));

	if (!widths || table->lost) {
		free(widths);
		return -1;
	}
	for (size_t c = 0; c < n; c++)
		widths[c] = width_of(table, c);
	print_row(table, NULL, widths, out, indent);
	for (size_t r = 0; r < n_rows; r++)
		print_row(table, &table->cells[r * n], widths, out, indent);
	free(widths);
	return 0;
}

void kf_table_free(struct kf_table **table)
{
	if (!*table)
		return;
	for (size_t i = 0; i < (*table)->n_cells; i++)
		free((*table)->cells[i]);
	free((*table)->cells);
	free(*table);
	*table = NULL;
}
