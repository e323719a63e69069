/* SPDX-License-Identifier: BSD-2-Clause */
/* config.c - is a config file right, and what would be in force with it? Without root: nothing is started. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cmd/record_options.h"

#define DEFAULT_PATH "/etc/kflight/kflight.conf"

static const struct kf_command command = {
	.name = "config",
	.operands = "check|show [FILE]",
	.summary = "check a config file of `record`, show what is in force",
	.description =
		"FILE (default " DEFAULT_PATH ") is read as `kflight record --config FILE` would, together with "
		"the environment, but nothing is started: no root is needed. `check` says what is wrong, with line "
		"and hint, and prints what was set; `show` prints all settings and where each is from.\n"
		"Keys of [record] are the long options of `record`; each [trigger NAME] has a `when`. Options of "
		"the command line go before KFLIGHT_OPTION=... of the environment, these before the file. "
		"Exit status: 0 right, 2 wrong or unreadable.",
	.examples = "  kflight config check\n"
		    "  kflight config check ./kflight.conf && systemctl reload kflight\n"
		    "  KFLIGHT_COOLDOWN=1m kflight config show\n",
	.min_operands = 1,
	.max_operands = 2,
};

/* ---- what is in force ---- */

/* Where it is from, as people look for it. */
static void print_origin(const struct kf_config *config, const struct kf_option *row)
{
	unsigned int line;

	switch (kf_config_origin(config, row->name, &line)) {
	case KF_FROM_FILE:
		printf("%s:%u", kf_config_path(config), line);
		break;
	case KF_FROM_ENVIRONMENT:
		fputs("environment", stdout);
		break;
	case KF_FROM_COMMAND_LINE:
		fputs("command line", stdout);
		break;
	case KF_FROM_DEFAULT:
		fputs("default", stdout);
		break;
	}
}

static void print_value(const char *name, const char *value)
{
	char printable[2048];

	kf_text_printable(value, strlen(value), printable, sizeof(printable));
	printf("%-14s %-40s  ", name, *printable ? printable : "-");
}

static void print_rows(const struct kf_config *config, const struct kf_option *rows, bool all)
{
	for (const struct kf_option *o = rows; o->name; o++) {
		char value[2048];

		if (!strcmp(o->name, "config") || (!all && kf_config_origin(config, o->name, NULL) == KF_FROM_DEFAULT))
			continue;
		print_value(o->name, kf_option_text(o, value, sizeof(value)));
		print_origin(config, o);
		putchar('\n');
	}
}

static void print_triggers(const struct kf_config *config)
{
	const struct kf_config_trigger *triggers;
	size_t n;

	triggers = kf_config_triggers(config, &n);
	for (size_t i = 0; i < n; i++) {
		char name[64];

		snprintf(name, sizeof(name), "[%s]", triggers[i].name);
		print_value(name, triggers[i].text);
		printf("%s:%u\n", kf_config_path(config), kf_config_trigger_line(config, triggers[i].name));
	}
}

/* ---- the verb ---- */

static int parse_action(const char *action, bool *all, struct kf_error *e)
{
	static const char *const names[] = { "check", "show", NULL };
	const char *near = kf_nearest(action, names);

	*all = !strcmp(action, "show");
	if (*all || !strcmp(action, "check"))
		return 0;
	return kf_fail(e, KF_USAGE, "kflight config check [FILE], or kflight config show [FILE]",
		       "unknown action '%.80s'%s%s%s", action, near ? ": did you mean '" : "", near ? near : "",
		       near ? "'?" : "");
}

static int judge(struct kf_record_options *o, const char *path, bool all, struct kf_error *e)
{
	o->config_path = path;
	if (kf_record_options_load(o, environ, e) || kf_record_options_understand(o, e) ||
	    kf_record_options_check_names(o, e))
		return -1;
	print_rows(o->config, o->rows, all);
	print_triggers(o->config);
	return 0;
}

int cmd_config(int argc, char **argv)
{
	static const struct kf_option none[] = { { 0 } };
	struct kf_command with_options = command;
	struct kf_operands operands = { 0 };
	struct kf_record_options o;
	struct kf_error e;
	int parsed, status = KF_OK;
	bool all;

	with_options.options = none;
	kf_record_options_init(&o);
	parsed = kf_options_parse(&with_options, argc, argv, &operands, &e);
	if (parsed < 0 || (!parsed && (parse_action(operands.items[0], &all, &e) ||
				       judge(&o, operands.n > 1 ? operands.items[1] : DEFAULT_PATH, all, &e))))
		status = kf_error_print(&e);
	kf_record_options_release(&o);
	free(operands.items);
	return status;
}
