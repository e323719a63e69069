/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/options.h"
#include "model/timeline.h"
#include "output/html.h"
#include "output/report.h"
#include "output/schema.h"
#include "output/whole_file.h"
#include "rules/settings.h"
#include "snapshot/snapshot.h"

/* Longer lines are hard to read, however wide the terminal is. */
#define MAX_WIDTH 120

struct settings {
	struct kf_report_options report;
	struct kf_strings rules;
	struct kf_rule_settings thresholds; /* what these say */
	uint64_t tid;
	const char *html; /* a file, "-" standard output; NULL not wanted */
	bool json;
	bool json_schema;
};

static int parse(struct settings *o, int argc, char **argv, struct kf_operands *operands, struct kf_error *e)
{
	const struct kf_option options[] = {
		{ "top", 0, KF_OPT_UINT, &o->report.top, "N",
		  "so many of the worst gaps, and with --json findings per rule (default 10)" },
		{ "gap", 0, KF_OPT_DURATION, &o->report.gap_ns, "DURATION", "only gaps this long" },
		{ "thread", 0, KF_OPT_UINT, &o->tid, "TID", "only what this thread waited for" },
		{ "comm", 0, KF_OPT_STRING, &o->report.comm, "NAME",
		  "only what threads or processes of this name (a glob) waited for" },
		{ "rule", 0, KF_OPT_STRINGS, &o->rules, "NAME=WARN,ERROR",
		  "from when on a rule warns, and finds an error; NAME=off: not at all (several; docs/rules tells "
		  "which there are)" },
		{ "no-findings", 0, KF_OPT_FLAG, &o->report.no_findings, NULL, "do not apply the rules" },
		{ "json", 0, KF_OPT_FLAG, &o->json, NULL, "machine-readable" },
		{ "json-schema", 0, KF_OPT_FLAG, &o->json_schema, NULL,
		  "print the schema of --json instead (JSON Schema; no FILE needed)" },
		{ "html", 0, KF_OPT_STRING, &o->html, "OUT",
		  "a page with pictures into this file, for any browser, needing nothing else; - for standard output" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "report",
		.operands = "FILE",
		.summary = "the answer: who waited, how long, because of whom",
		.description =
			"Prints why the snapshot was taken, what named rules find wrong and what to do about it, the "
			"worst gaps (ready to run, but not running) with who used the CPU instead, how every thread "
			"spent the window, who delayed others most, "
			"and what the file does not know. No root needed.",
		.examples = "  kflight report kflight-20261121T081502Z-runq-nginx-2144.kfl\n"
			    "  kflight report --comm 'nginx*' --gap 1ms --top 50 FILE.kfl\n"
			    "  kflight report --rule RunQueueLatency=5ms,50ms --rule Preempted=off FILE.kfl\n"
			    "  kflight report --html report.html FILE.kfl\n"
			    "  kflight report --json FILE.kfl | jq -r '.gaps.worst[].sentence'\n",
		.options = options,
		.max_operands = 1,
	};
	int ret = kf_options_parse(&command, argc, argv, operands, e);

	if (!ret && !o->json_schema && !operands->n)
		return kf_fail(e, KF_USAGE, "kflight report --help", "missing argument: kflight report [OPTIONS] FILE");
	if (!ret && o->html && o->json)
		return kf_fail(e, KF_USAGE, "one of them at a time", "--html and --json exclude each other");
	if (!ret && o->tid > INT32_MAX)
		return kf_fail(e, KF_USAGE, "a TID as `ps -L` shows it", "bad thread '%llu'",
			       (unsigned long long)o->tid);
	o->report.tid = (uint32_t)o->tid;
	for (size_t i = 0; !ret && i < o->rules.n; i++)
		ret = kf_rule_settings_add(&o->thresholds, o->rules.items[i], e);
	kf_rule_settings_use(&o->thresholds, &o->report.rules);
	return ret;
}

/* A pipe gets one line per gap and no escape sequences. */
static void look_at_terminal(struct kf_report_options *o)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return;
	o->colour = !(no_color && no_color[0]) && term && strcmp(term, "dumb") != 0;
	o->width = MAX_WIDTH;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_col < MAX_WIDTH)
		o->width = size.ws_col;
}

static int write_html(const struct settings *o, const struct kf_timeline *t, const struct kf_snapshot *s,
		      struct kf_error *e)
{
	struct kf_whole_file file;

	if (kf_whole_file_open(&file, o->html, e))
		return -1;
	if (!kf_report_html(t, s, &o->report, file.out, e))
		return kf_whole_file_commit(&file, e);
	kf_whole_file_abandon(&file);
	return -1;
}

static int print_report(const struct settings *o, const char *path, struct kf_error *e)
{
	struct kf_snapshot *snapshot = NULL;
	struct kf_timeline *timeline = NULL;
	int err;

	if (kf_snapshot_read(&snapshot, path, e) || kf_timeline_build(&timeline, snapshot, e))
		err = -1;
	else if (o->html)
		err = write_html(o, timeline, snapshot, e);
	else if (o->json)
		err = kf_report_json(timeline, snapshot, &o->report, stdout, e);
	else
		err = kf_report_text(timeline, snapshot, &o->report, stdout, e);
	kf_timeline_free(&timeline);
	kf_snapshot_free(&snapshot);
	return err;
}

int cmd_report(int argc, char **argv)
{
	struct settings o = { .report = { .top = 10 } };
	struct kf_operands operands = { 0 };
	struct kf_error e = { 0 };
	int ret = parse(&o, argc, argv, &operands, &e);

	if (!ret && o.json_schema) {
		ret = kf_schema_write(KF_SCHEMA_REPORT, stdout, &e);
	} else if (!ret) {
		look_at_terminal(&o.report);
		ret = print_report(&o, operands.items[0], &e);
	}
	free(operands.items);
	free(o.rules.items);
	kf_rule_settings_release(&o.thresholds);
	if (ret < 0)
		return kf_error_print(&e);
	return KF_OK;
}
