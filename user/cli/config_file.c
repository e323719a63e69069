/* SPDX-License-Identifier: BSD-2-Clause */
/* The config file: sections and keys. */
#include "cli/config_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/ini_file.h"
#include "cli/options.h"

#define SECTION_RECORD	 "record"
#define SECTION_TRIGGER	 "trigger "
#define TRIGGER_NAME_MAX 31

/* What the file is read into. */
struct file_reader {
	struct kf_config *config;
	const struct kf_option *rows;
	int row;		 /* of the last key, -1 none */
	struct section *trigger; /* the section we are in, NULL [record] */
	bool record_seen;
};

/* "unknown key 'windw': did you mean 'window'?" */
static int fail_unknown(const char *what, const char *name, const char *const *names, const char *hint,
			struct kf_error *e)
{
	const char *near = kf_nearest(name, names);
	char shown[128];

	kf_text_printable(name, 64, shown, sizeof(shown));
	if (near)
		return kf_fail(e, KF_USAGE, NULL, "unknown %s '%s': did you mean '%s'?", what, shown, near);
	return kf_fail(e, KF_USAGE, hint, "unknown %s '%s'", what, shown);
}

static int join(struct value *v, const char *text, struct kf_error *e)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", v->text, *v->text && *text ? " " : "", text) < 0)
		return kf_fail_memory(e, "the config file");
	free(v->text);
	v->text = joined;
	return 0;
}

static int begin_trigger(struct file_reader *r, const struct kf_ini_item *item, struct kf_error *e)
{
	const char *name = item->section + strlen(SECTION_TRIGGER);
	struct kf_config *c = r->config;
	struct section s = { .line = item->line };

	if (!*name || strlen(name) > TRIGGER_NAME_MAX)
		return kf_fail(e, KF_USAGE, "as in [trigger slow-nginx]", "a trigger's name has 1 to %d bytes",
			       TRIGGER_NAME_MAX);
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
			return kf_fail(e, KF_USAGE, "letters, digits, '-', '_' and '.'", "bad trigger name '%s'", name);
	for (size_t i = 0; i < c->n_sections; i++)
		if (!strcmp(c->sections[i].name, name))
			return kf_fail(e, KF_USAGE, NULL, "trigger '%s' is there already, in line %u", name,
				       c->sections[i].line);
	s.name = strdup(name);
	if (!s.name || KF_GROW(c->sections, c->n_sections, c->sections_room)) {
		free(s.name);
		return kf_fail_memory(e, "the config file");
	}
	c->sections[c->n_sections] = s;
	r->trigger = &c->sections[c->n_sections++];
	return 0;
}

static int check_when(const struct file_reader *r, struct kf_error *e)
{
	if (!r->trigger || r->trigger->when.text)
		return 0;
	return kf_fail(e, KF_USAGE, "as in `when = runq>5ms{comm=nginx*}`", "trigger '%s' of line %u has no 'when'",
		       r->trigger->name, r->trigger->line);
}

static int begin_section(struct file_reader *r, const struct kf_ini_item *item, struct kf_error *e)
{
	static const char *const names[] = { SECTION_RECORD, "trigger", NULL };

	if (check_when(r, e))
		return -1;
	r->row = -1;
	r->trigger = NULL;
	if (!strncmp(item->section, SECTION_TRIGGER, strlen(SECTION_TRIGGER)))
		return begin_trigger(r, item, e);
	if (!strcmp(item->section, "trigger"))
		return kf_fail(e, KF_USAGE, "as in `[trigger slow-nginx]`", "a trigger without a name");
	if (strcmp(item->section, SECTION_RECORD) != 0)
		return fail_unknown("section", item->section, names, "there are [record] and [trigger NAME]", e);
	if (r->record_seen)
		return kf_fail(e, KF_USAGE, "put all of it into one", "a second [record]");
	r->record_seen = true;
	return 0;
}

/* An indented "KEY = ..." would silently become a part of the key above it. */
static int check_further(const struct file_reader *r, const char *value, struct kf_error *e)
{
	size_t len = strcspn(value, " \t=");
	char word[64];

	if (value[len + strspn(value + len, " \t")] != '=' || len >= sizeof(word))
		return 0;
	snprintf(word, sizeof(word), "%.*s", (int)len, value);
	if (strcmp(word, "when") != 0 && kf_config_row(r->config, word) < 0)
		return 0;
	return kf_fail(e, KF_USAGE, "move it to the begin of the line",
		       "the key '%s' is indented: it would go on with the key above", word);
}

static int take_when(struct file_reader *r, const struct kf_ini_item *item, struct kf_error *e)
{
	static const char *const names[] = { "when", NULL };
	struct value *when = &r->trigger->when;

	if (item->goes_on)
		return check_further(r, item->value, e) ? -1 : join(when, item->value, e);
	if (strcmp(item->key, "when") != 0)
		return fail_unknown("key", item->key, names, "a [trigger NAME] has the key 'when'", e);
	if (when->text)
		return kf_fail(e, KF_USAGE, NULL, "'when' is there already, in line %u", when->line);
	if (!*item->value)
		return kf_fail(e, KF_USAGE, "as in `when = runq>5ms`", "'when' is empty");
	*when = (struct value){ strdup(item->value), item->line };
	return when->text ? 0 : kf_fail_memory(e, "the config file");
}

static int find_key(struct file_reader *r, const char *key, struct kf_error *e)
{
	const char *names[KF_CONFIG_ROWS + 1] = { NULL };
	int row = kf_config_row(r->config, key);

	if (row >= 0 && !strcmp(key, "config"))
		return kf_fail(e, KF_USAGE, NULL, "a config file cannot name another one");
	if (row >= 0)
		return row;
	for (size_t i = 0; i < r->config->n_rows; i++)
		names[i] = r->config->names[i];
	return fail_unknown("key", key, names, "keys are the long options of `kflight record --help`", e);
}

static int take_further(struct file_reader *r, const struct kf_ini_item *item, struct kf_error *e)
{
	struct setting *s = &r->config->settings[r->row];

	if (check_further(r, item->value, e))
		return -1;
	if (r->rows[r->row].type == KF_OPT_STRINGS)
		return kf_config_add(r->config, r->row, item->value, item->line, e);
	return join(&s->values[s->n - 1], item->value, e);
}

static int take_key(struct file_reader *r, const struct kf_ini_item *item, struct kf_error *e)
{
	struct setting *s;

	if (item->goes_on)
		return take_further(r, item, e);
	r->row = find_key(r, item->key, e);
	if (r->row < 0)
		return -1;
	s = &r->config->settings[r->row];
	if (s->n && r->rows[r->row].type != KF_OPT_STRINGS)
		return kf_fail(e, KF_USAGE, "only lists may be given several times",
			       "'%s' is there already, in line %u", item->key, s->values[0].line);
	if (!*item->value)
		return kf_fail(e, KF_USAGE, "leave the line out for the default", "'%s' has no value", item->key);
	s->from = KF_FROM_FILE;
	return kf_config_add(r->config, r->row, item->value, item->line, e);
}

static int take_item(void *context, const struct kf_ini_item *item, struct kf_error *e)
{
	struct file_reader *r = context;

	if (!item->key)
		return begin_section(r, item, e);
	if (r->trigger)
		return take_when(r, item, e);
	if (!*item->section)
		return kf_fail(e, KF_USAGE, "begin with [record]", "a key before the first section");
	return take_key(r, item, e);
}

int kf_config_read_file(struct kf_config *c, const struct kf_option *rows, const char *path, struct kf_error *e)
{
	struct file_reader r = { .config = c, .rows = rows, .row = -1 };

	c->path = strdup(path);
	if (!c->path)
		return kf_fail_memory(e, "the config file");
	if (kf_ini_read(path, take_item, &r, e))
		return -1;
	return check_when(&r, e) ? kf_ini_blame(path, r.trigger->line, e) : 0;
}
