/* SPDX-License-Identifier: BSD-2-Clause */
/* list.c - the snapshots that a running recorder has written. */
#include "cmd/cmd.h"

#include <stdio.h>

#include "base/error.h"
#include "base/units.h"
#include "cmd/asking.h"
#include "daemon/control_client.h"
#include "output/table.h"

static int print_table(const json_t *snapshots, struct kf_error *e)
{
	static const struct kf_column columns[] = {
		{ "written", KF_LEFT, 0 }, { "size", KF_RIGHT, 0 }, { "trigger", KF_LEFT, 32 },
		{ "reason", KF_LEFT, 40 }, { "path", KF_LEFT, 0 },
	};
	struct kf_table *table = kf_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *one;
	char text[8192];
	size_t i;
	int err;

	if (!table)
		return kf_fail_memory(e, "the table");
	json_array_foreach(snapshots, i, one)
	{
		kf_table_cell(table, "%s", kf_asking_text(one, "time", text, sizeof(text)));
		kf_table_cell(table, "%s", kf_format_size(kf_asking_number(one, "bytes"), text, sizeof(text)));
		kf_table_cell(table, "%s", kf_asking_text(one, "trigger", text, sizeof(text)));
		kf_table_cell(table, "%s", kf_asking_text(one, "reason", text, sizeof(text)));
		kf_table_cell(table, "%s", kf_asking_text(one, "path", text, sizeof(text)));
	}
	err = kf_table_print(table, stdout, "");
	kf_table_free(&table);
	return err ? kf_fail_memory(e, "the table") : 0;
}

static int show(const char *socket, bool json, struct kf_error *e)
{
	json_t *answer = NULL;
	const json_t *snapshots;
	int err = 0;

	if (kf_control_ask(socket, "GET", "/snapshots", NULL, KF_ASKING_TIMEOUT_NS, &answer, e))
		return -1;
	snapshots = json_object_get(answer, "snapshots");
	if (json)
		err = kf_asking_print(answer, e);
	else if (json_array_size(snapshots))
		err = print_table(snapshots, e);
	else
		kf_note("this recorder has written no snapshot that is still there");
	json_decref(answer);
	return err;
}

int cmd_list(int argc, char **argv)
{
	static const struct kf_command command = {
		.name = "list",
		.summary = "the snapshots a running recorder has written",
		.description = "Newest first, those that are still there, of the last 256 that were written since the "
			       "recorder started. Exit status 3 if no recorder runs or it may not be asked.",
		.examples = "  kflight list\n"
			    "  kflight report \"$(kflight list --json | jq -r '.snapshots[0].path')\"\n",
	};

	return kf_asking_verb(&command, argc, argv, show);
}
