/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "cli/config_internal.h"
#include "cli/ini_file.h"
#include "cli/options.h"

#define MAX_VALUES	512 /* per file: nobody writes more by hand */
#define VARIABLE_PREFIX "KFLIGHT_"

int kf_config_row(const struct kf_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_rows; i++)
		if (!strcmp(c->names[i], name))
			return (int)i;
	return -1;
}

/* ---- values ---- */

int kf_config_add(struct kf_config *c, int row, const char *text, unsigned int line, struct kf_error *e)
{
	struct setting *s = &c->settings[row];
	char *copy;

	if (c->n_values == MAX_VALUES)
		return kf_fail(e, KF_USAGE, NULL, "more than %d values", MAX_VALUES);
	copy = strdup(text);
	if (!copy || KF_GROW(s->values, s->n, s->room)) {
		free(copy);
		return kf_fail_memory(e, "the config file");
	}
	s->values[s->n++] = (struct value){ copy, line };
	c->n_values++;
	return 0;
}

static void drop_values(struct setting *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->values[i].text);
	free(s->values);
	*s = (struct setting){ 0 };
}

/* ---- the environment ---- */

/* "KFLIGHT_MIN_FREE=5%" -> "min-free"; false if it is no variable of ours. */
static bool option_of(const char *variable, char *name, size_t len)
{
	size_t n = 0;

	if (strncmp(variable, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0)
		return false;
	variable += strlen(VARIABLE_PREFIX);
	for (; variable[n] && variable[n] != '='; n++) {
		if (n + 1 >= len)
			return false;
		name[n] = variable[n] == '_' ? '-' : (char)tolower((unsigned char)variable[n]);
	}
	name[n] = '\0';
	return n > 0 && variable[n] == '=';
}

static int blame_variable(const char *name, struct kf_error *e)
{
	struct kf_error why = *e;
	char variable[64];
	size_t n = 0;

	for (; name[n] && n < sizeof(variable) - 1; n++)
		variable[n] = name[n] == '-' ? '_' : (char)toupper((unsigned char)name[n]);
	variable[n] = '\0';
	return kf_fail(e, why.status, why.hint[0] ? why.hint : NULL, VARIABLE_PREFIX "%s: %s", variable, why.message);
}

static int add_lines(struct kf_config *c, int row, const char *text, struct kf_error *e)
{
	char *copy = strdup(text), *rest = copy, *line;
	int ret = 0;

	if (!copy)
		return kf_fail_memory(e, "the environment");
	while (!ret && (line = strsep(&rest, "\n")))
		if (line[strspn(line, " \t")])
			ret = kf_config_add(c, row, line, 0, e);
	free(copy);
	return ret;
}

/* An empty variable is as good as none: that is how containers unset one. */
static int take_variable(struct kf_config *c, const struct kf_option *rows, const char *variable, struct kf_error *e)
{
	const char *names[KF_CONFIG_ROWS + 1] = { NULL }, *value = strchr(variable, '=') + 1;
	char name[64];
	int row;

	if (!option_of(variable, name, sizeof(name)) || !*value)
		return 0;
	for (size_t i = 0; i < c->n_rows; i++)
		names[i] = c->names[i];
	row = kf_config_row(c, name);
	if (row < 0) {
		const char *near = kf_nearest(name, names);

		if (!near)
			return 0;
		kf_fail(e, KF_USAGE, NULL, "no such option: did you mean that of '--%s'?", near);
		return blame_variable(name, e);
	}
	drop_values(&c->settings[row]);
	c->settings[row].from = KF_FROM_ENVIRONMENT;
	if (rows[row].type == KF_OPT_STRINGS)
		return add_lines(c, row, value, e);
	return kf_config_add(c, row, value, 0, e);
}

/* ---- all together ---- */

static int begin(struct kf_config **out, const struct kf_option *rows, struct kf_error *e)
{
	struct kf_config *c = calloc(1, sizeof(*c));

	if (!c)
		return kf_fail_memory(e, "the config file");
	*out = c;
	for (; rows[c->n_rows].name; c->n_rows++) {
		if (c->n_rows == KF_CONFIG_ROWS)
			return kf_fail(e, KF_USAGE, NULL, "more than %d options", KF_CONFIG_ROWS);
		c->names[c->n_rows] = strdup(rows[c->n_rows].name);
		if (!c->names[c->n_rows])
			return kf_fail_memory(e, "the config file");
	}
	return 0;
}

/* What the row "config" names, or the environment. */
static const char *chosen_file(const struct kf_config *c, const struct kf_option *rows, const bool *given,
			       char *const *environment)
{
	int row = kf_config_row(c, "config");
	const char *prefix = VARIABLE_PREFIX "CONFIG=";

	if (row < 0)
		return NULL;
	if (given && given[row])
		return *(const char **)rows[row].into;
	for (; environment && *environment; environment++)
		if (!strncmp(*environment, prefix, strlen(prefix)) && (*environment)[strlen(prefix)])
			return *environment + strlen(prefix);
	return NULL;
}

static int store(struct kf_config *c, const struct kf_option *rows, const bool *given, struct kf_error *e)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		struct setting *s = &c->settings[i];

		if (given && given[i]) {
			drop_values(s);
			s->from = KF_FROM_COMMAND_LINE;
		}
		for (size_t k = 0; k < s->n; k++) {
			struct kf_error why;

			if (!kf_option_store(&rows[i], s->values[k].text, &why))
				continue;
			kf_fail(e, why.status, why.hint[0] ? why.hint : NULL, "%s: %s", rows[i].name, why.message);
			return kf_config_blame(c, s->values[k].text, e);
		}
	}
	return 0;
}

/* Those of the file count if the file's list does. */
static int choose_triggers(struct kf_config *c, struct kf_error *e)
{
	int row = kf_config_row(c, "trigger");

	if (!c->n_sections || (row >= 0 && c->settings[row].from > KF_FROM_FILE))
		return 0;
	c->triggers = calloc(c->n_sections, sizeof(*c->triggers));
	if (!c->triggers)
		return kf_fail_memory(e, "the config file");
	for (size_t i = 0; i < c->n_sections; i++)
		c->triggers[c->n_triggers++] =
			(struct kf_config_trigger){ c->sections[i].name, c->sections[i].when.text };
	return 0;
}

int kf_config_load(struct kf_config **out, const struct kf_option *rows, const bool *given, char *const *environment,
		   struct kf_error *e)
{
	struct kf_config *c = NULL;
	const char *path;

	if (begin(&c, rows, e))
		goto fail;
	path = chosen_file(c, rows, given, environment);
	if (path && kf_config_read_file(c, rows, path, e))
		goto fail;
	for (char *const *v = environment; v && *v; v++)
		if (strchr(*v, '=') && take_variable(c, rows, *v, e))
			goto fail;
	if (store(c, rows, given, e) || choose_triggers(c, e))
		goto fail;
	*out = c;
	return 0;
fail:
	kf_config_free(&c);
	return -1;
}

void kf_config_free(struct kf_config **config)
{
	struct kf_config *c = *config;

	if (!c)
		return;
	for (size_t i = 0; i < c->n_rows; i++) {
		drop_values(&c->settings[i]);
		free(c->names[i]);
	}
	for (size_t i = 0; i < c->n_sections; i++) {
		free(c->sections[i].name);
		free(c->sections[i].when.text);
	}
	free(c->sections);
	free(c->triggers);
	free(c->path);
	free(c);
	*config = NULL;
}

const struct kf_config_trigger *kf_config_triggers(const struct kf_config *c, size_t *n)
{
	*n = c->n_triggers;
	return c->triggers;
}

const char *kf_config_path(const struct kf_config *c)
{
	return c->path;
}

int kf_config_blame(const struct kf_config *c, const char *value, struct kf_error *e)
{
	if (!c)
		return -1;
	for (size_t i = 0; i < c->n_rows; i++)
		for (size_t k = 0; k < c->settings[i].n; k++)
			if (c->settings[i].values[k].text == value)
				return c->settings[i].from == KF_FROM_FILE
					       ? kf_ini_blame(c->path, c->settings[i].values[k].line, e)
					       : blame_variable(c->names[i], e);
	for (size_t i = 0; i < c->n_sections; i++)
		if (c->sections[i].when.text == value)
			return kf_ini_blame(c->path, c->sections[i].when.line, e);
	return -1;
}

enum kf_config_from kf_config_origin(const struct kf_config *c, const char *name, unsigned int *line)
{
	int row = kf_config_row(c, name);
	const struct setting *s = row < 0 ? NULL : &c->settings[row];

	if (line)
		*line = s && s->from == KF_FROM_FILE ? s->values[0].line : 0;
	return s ? s->from : KF_FROM_DEFAULT;
}

unsigned int kf_config_trigger_line(const struct kf_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_sections; i++)
		if (!strcmp(c->sections[i].name, name))
			return c->sections[i].line;
	return 0;
}
