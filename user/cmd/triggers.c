/* SPDX-License-Identifier: BSD-2-Clause */
/* triggers.c - the triggers of a running recorder: how often they fired; other limits while it runs. */
#include "cmd/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cmd/asking.h"
#include "daemon/control_client.h"
#include "output/table.h"

struct settings {
	const char *socket, *name, *text;
	bool json, enable, disable;
};

static void add_row(struct kf_table *table, const json_t *trigger)
{
	static const char *const counts[] = { "fired", "hits", "cooling", "busy", "sampled", "limited" };
	char text[2048];

	kf_table_cell(table, "%s", kf_asking_text(trigger, "name", text, sizeof(text)));
	kf_table_cell(table, "%s", json_is_false(json_object_get(trigger, "enabled")) ? "no" : "yes");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		kf_table_cell(table, "%" PRIu64, kf_asking_number(trigger, counts[i]));
	kf_table_cell(table, "%s", kf_asking_text(trigger, "last_hit", text, sizeof(text)));
	kf_table_cell(table, "%s", kf_asking_text(trigger, "text", text, sizeof(text)));
}

/* all: array, or one trigger. */
static int print_table(const json_t *all, struct kf_error *e)
{
	static const struct kf_column columns[] = {
		{ "name", KF_LEFT, 0 },	    { "enabled", KF_LEFT, 0 },	{ "fired", KF_RIGHT, 0 },
		{ "hits", KF_RIGHT, 0 },    { "cooling", KF_RIGHT, 0 }, { "busy", KF_RIGHT, 0 },
		{ "sampled", KF_RIGHT, 0 }, { "limited", KF_RIGHT, 0 }, { "last hit", KF_LEFT, 0 },
		{ "trigger", KF_LEFT, 0 },
	};
	struct kf_table *table = kf_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *one;
	size_t i;
	int err;

	if (!table)
		return kf_fail_memory(e, "the table");
	if (json_is_object(all))
		add_row(table, all);
	json_array_foreach(all, i, one) add_row(table, one);
	err = kf_table_print(table, stdout, "");
	kf_table_free(&table);
	return err ? kf_fail_memory(e, "the table") : 0;
}

/* Any other name cannot be one, and might be another path. */
static int check_name(const char *name, struct kf_error *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	if (name[0] && strspn(name, allowed) == strlen(name))
		return 0;
	return kf_fail(e, KF_USAGE, "`kflight triggers` lists them; a trigger comes second: NAME TRIGGER",
		       "'%.64s' is no name of a trigger", name);
}

static int check(const struct settings *o, struct kf_error *e)
{
	if (o->enable && o->disable)
		return kf_fail(e, KF_USAGE, NULL, "--enable and --disable exclude each other");
	if ((o->enable || o->disable) && !o->name)
		return kf_fail(e, KF_USAGE, "`kflight triggers` lists the names", "%s needs the name of a trigger",
			       o->enable ? "--enable" : "--disable");
	return o->name ? check_name(o->name, e) : 0;
}

static int ask(const struct settings *o, json_t **answer, struct kf_error *e)
{
	bool changes = o->text || o->enable || o->disable;
	json_t *wish = NULL;
	char path[1024];
	int err;

	snprintf(path, sizeof(path), o->name ? "/triggers/%.900s" : "/triggers", o->name);
	if (changes)
		wish = json_pack("{ss* so*}", "trigger", o->text, "enabled",
				 o->enable || o->disable ? json_boolean(o->enable) : NULL);
	if (changes && !wish)
		return kf_fail(e, KF_USAGE, NULL, "the trigger is no valid UTF-8");
	err = kf_control_ask(o->socket, changes ? "PUT" : "GET", path, wish, KF_ASKING_TIMEOUT_NS, answer, e);
	json_decref(wish);
	return err;
}

static int show(const struct settings *o, struct kf_error *e)
{
	json_t *answer = NULL;
	const json_t *all;
	int err = 0;

	if (check(o, e) || ask(o, &answer, e))
		return -1;
	all = o->name ? answer : json_object_get(answer, "triggers");
	if (o->json)
		err = kf_asking_print(answer, e);
	else if (o->name || json_array_size(all))
		err = print_table(all, e);
	else
		kf_note("this recorder has no triggers");
	json_decref(answer);
	return err;
}

int cmd_triggers(int argc, char **argv)
{
	struct settings o = { .socket = KF_CONTROL_PATH };
	const struct kf_option options[] = {
		{ "enable", 0, KF_OPT_FLAG, &o.enable, NULL, "this trigger fires (again)" },
		{ "disable", 0, KF_OPT_FLAG, &o.disable, NULL, "... does not fire" },
		KF_ASKING_JSON(&o.json),
		KF_ASKING_SOCKET(&o.socket),
		{ 0 },
	};
	const struct kf_command command = {
		.name = "triggers",
		.operands = "[NAME [TRIGGER]]",
		.summary = "the triggers of a running recorder: counts, other limits",
		.description =
			"Without TRIGGER: how often each fired, got a snapshot (hits), and why it got none. With it: "
			"changes "
			"limits, periods, cool-down and sampling of that trigger at once, until the recorder ends; "
			"what "
			"is measured, and of whom, needs a restart. Exit status 3 if no recorder runs or it may not be "
			"asked.",
		.examples = "  kflight triggers\n"
			    "  kflight triggers runq-5ms 'runq>10ms'\n"
			    "  kflight triggers runq-5ms --disable\n",
		.options = options,
		.max_operands = 2,
	};
	struct kf_operands operands = { 0 };
	struct kf_error e;
	int ret = kf_options_parse(&command, argc, argv, &operands, &e);

	if (ret > 0)
		return KF_OK;
	if (!ret) {
		o.name = operands.n > 0 ? operands.items[0] : NULL;
		o.text = operands.n > 1 ? operands.items[1] : NULL;
		ret = show(&o, &e);
	}
	free(operands.items);
	return ret ? kf_error_print(&e) : KF_OK;
}
