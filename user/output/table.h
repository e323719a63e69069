/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - text in aligned columns.
 *
 *	static const struct kf_column columns[] = { { "thread", KF_LEFT, 40 }, { "running", KF_RIGHT, 0 } };
 *	struct kf_table *table = kf_table_new(columns, 2);
 *	kf_table_cell(table, "%s", name);
 *	kf_table_cell(table, "%s", duration);
 *	err = kf_table_print(table, stdout, "  ");
 *	kf_table_free(&table);
 *
 * Columns are as wide as their widest cell, counted in places on the terminal, not bytes. A cell wider than the limit
 * of its column loses its middle: "head...tail".
 */
#ifndef KF_OUTPUT_TABLE_H
#define KF_OUTPUT_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum kf_align { KF_LEFT, KF_RIGHT };

struct kf_column {
	const char *title;
	enum kf_align align;
	size_t max_width; /* 0 no limit; else at least 8 */
};

struct kf_table;

/* columns must outlive the table. NULL when out of memory. */
struct kf_table *kf_table_new(const struct kf_column *columns, size_t n_columns);
/* The next cell, left to right and row by row. Running out of memory is remembered and told by kf_table_print(). */
void kf_table_cell(struct kf_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Titles and all whole rows, each behind indent. Returns -1 when a cell was lost for want of memory; write errors stay
 * with out. */
int kf_table_print(const struct kf_table *table, FILE *out, const char *indent);
void kf_table_free(struct kf_table **table);

/* Places that valid UTF-8 takes on a terminal: wide East Asian characters and emoji two, combining ones none. */
size_t kf_text_width(const char *text);

#endif
