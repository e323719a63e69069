/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor.c - what this host supports, what is missing, what to do. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "capture/host.h"
#include "cli/options.h"

static void print_verdict(size_t missing)
{
	if (!missing)
		puts("this host can record");
	else
		printf("this host cannot record: %zu %s missing\n", missing, missing == 1 ? "thing is" : "things are");
}

static void print_table(const struct kf_checks *checks)
{
	int width = 0;

	print_verdict(kf_checks_count(checks, KF_CHECK_MISSING));
	putchar('\n');
	for (size_t i = 0; i < checks->n; i++)
		if ((int)strlen(checks->items[i].name) > width)
			width = (int)strlen(checks->items[i].name);
	for (size_t i = 0; i < checks->n; i++) {
		const struct kf_check *check = &checks->items[i];

		printf("  %-*s  %-7s  %s\n", width, check->name, kf_check_status_name(check->status), check->found);
		if (check->todo[0])
			printf("  %-*s           -> %s\n", width, "", check->todo);
	}
}

static int print_json(const struct kf_checks *checks)
{
	size_t missing = kf_checks_count(checks, KF_CHECK_MISSING);
	json_t *list = json_array(), *all;
	int ret;

	for (size_t i = 0; i < checks->n; i++) {
		const struct kf_check *check = &checks->items[i];

		json_array_append_new(list, json_pack("{ssssssss}", "name", check->name, "status",
						      kf_check_status_name(check->status), "found", check->found,
						      "todo", check->todo));
	}
	all = json_pack("{sbsIso}", "can_record", !missing, "missing", (json_int_t)missing, "checks", list);
	ret = json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
	return ret;
}

int cmd_doctor(int argc, char **argv)
{
	bool json = false;
	const struct kf_option options[] = {
		{ "json", 0, KF_OPT_FLAG, &json, NULL, "machine-readable" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "doctor",
		.summary = "what this host supports, what is missing, what to do",
		.description = "Exit status 0: this host can record; 3: it cannot.",
		.options = options,
	};
	struct kf_operands operands = { 0 };
	struct kf_checks checks;
	struct kf_error e;
	int ret = kf_options_parse(&command, argc, argv, &operands, &e);

	if (ret)
		return ret > 0 ? KF_OK : kf_error_print(&e);
	kf_host_check(&checks);
	if (json)
		print_json(&checks);
	else
		print_table(&checks);
	return kf_checks_count(&checks, KF_CHECK_MISSING) ? KF_HOST : KF_OK;
}
