/* SPDX-License-Identifier: BSD-2-Clause */
/* config_internal.h - what the two halves of config.h know of each other: all levels (config.c), the file (config_file.c). */
#ifndef KF_CLI_CONFIG_INTERNAL_H
#define KF_CLI_CONFIG_INTERNAL_H

#include "cli/config.h"

#define KF_CONFIG_ROWS 64

/* One text, and where it stands. */
struct value {
	char *text; /* NULL: a trigger's section without `when`, so far */
	unsigned int line;
};

struct setting {
	enum kf_config_from from;
	struct value *values;
	size_t n, room;
};

struct section {
	char *name;
	unsigned int line;
	struct value when;
};

struct kf_config {
	char *path;
	char *names[KF_CONFIG_ROWS]; /* of the rows: they may be gone */
	struct setting settings[KF_CONFIG_ROWS];
	size_t n_rows, n_values;
	struct section *sections;
	size_t n_sections, sections_room;
	struct kf_config_trigger *triggers; /* of the sections, if they count */
	size_t n_triggers;
};

/* Index of the option of that name, -1 none. */
int kf_config_row(const struct kf_config *c, const char *name);

/* Adds a copy of text to the values of a row. */
int kf_config_add(struct kf_config *c, int row, const char *text, unsigned int line, struct kf_error *e);

/* Into c, which has the names of rows. */
int kf_config_read_file(struct kf_config *c, const struct kf_option *rows, const char *path, struct kf_error *e);

#endif
