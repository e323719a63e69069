/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/record_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/budget.h"
#include "daemon/hooks.h"
#include "daemon/limits.h"
#include "daemon/output_dir.h"

static void add_rows(struct kf_record_options *o)
{
	const struct kf_option rows[KF_DAEMON_ROWS] = {
		{ "limit", 0, KF_OPT_STRING, &o->daemon.limit, "N/TIME,..",
		  "at most so many snapshots: 5/m,20/h,100/d; what fires beyond is counted (default any)" },
		{ "keep", 0, KF_OPT_STRING, &o->keep, "N,SIZE,AGE",
		  "delete the oldest of our snapshots beyond: 100,2gb,7d (default all are kept)" },
		{ "min-free", 0, KF_OPT_STRING, &o->min_free, "SIZE|N%",
		  "leave that much of the file system free (--keep makes room)" },
		{ "exec", 0, KF_OPT_STRING, &o->daemon.exec, "CMD",
		  "run this with each snapshot; {} is its path; no shell, no capabilities" },
		{ "exec-timeout", 0, KF_OPT_TIME, &o->daemon.exec_timeout_ns, "TIME",
		  "end CMD after this (default 1m)" },
		{ "convert", 0, KF_OPT_STRING, &o->daemon.convert, "LIST",
		  "also write go, html, perfetto, beside the snapshot" },
		{ "group", 0, KF_OPT_STRING, &o->daemon.group, "NAME",
		  "its members may use the socket (default kflight, if there is one) and read snapshots" },
		{ "metrics", 0, KF_OPT_STRING, &o->metrics, "[ADDR:]PORT",
		  "serve Prometheus metrics there (loopback if no address); counts waits" },
		{ "budget", 0, KF_OPT_STRING, &o->budget, "N%",
		  "give up syscalls, then interrupts, when we cost more than this of the host's CPUs; 0% only "
		  "measures (default off)" },
		{ "log", 0, KF_OPT_STRING, &o->log, "FORMAT",
		  "text, json or journal (default: what standard error is)" },
		{ "notify-fd", 0, KF_OPT_STRING, &o->notify, "FD",
		  "write a newline there once recording, and close it" },
		{ "config", 0, KF_OPT_STRING, &o->config_path, "FILE",
		  "settings; the command line and KFLIGHT_* come first" },
	};
	size_t at = 0;

	kf_recording_options(&o->recording, o->rows);
	while (o->rows[at].name)
		at++;
	memcpy(&o->rows[at], rows, sizeof(rows));
	memset(&o->rows[at + KF_DAEMON_ROWS], 0, sizeof(o->rows[0]));
}

void kf_record_options_init(struct kf_record_options *o)
{
	memset(o, 0, sizeof(*o));
	kf_recording_init(&o->recording);
	o->daemon.budget_ppm = KF_BUDGET_OFF;
	add_rows(o);
}

int kf_record_options_read(struct kf_record_options *o, const struct kf_command *command, int argc, char **argv,
			   char *const *environment, struct kf_error *e)
{
	struct kf_command with_rows = *command;
	struct kf_operands operands = { 0 };
	bool given[KF_RECORD_ROWS] = { 0 };
	int parsed;

	with_rows.options = o->rows;
	parsed = kf_options_parse_given(&with_rows, argc, argv, &operands, given, e);
	free(operands.items);
	if (parsed)
		return parsed;
	return kf_config_load(&o->config, o->rows, given, environment, e);
}

int kf_record_options_load(struct kf_record_options *o, char *const *environment, struct kf_error *e)
{
	bool given[KF_RECORD_ROWS] = { 0 };

	for (size_t i = 0; o->rows[i].name; i++)
		given[i] = !strcmp(o->rows[i].name, "config");
	return kf_config_load(&o->config, o->rows, given, environment, e);
}

/* A text that was given, and what understands it. */
static int understand_limit(const struct kf_record_options *o, struct kf_error *e)
{
	struct kf_limits *limits = NULL;

	if (kf_limits_new(&limits, o->daemon.limit, e))
		return kf_config_blame(o->config, o->daemon.limit, e);
	kf_limits_free(&limits);
	return 0;
}

static int understand_hooks(const struct kf_record_options *o, struct kf_error *e)
{
	const struct kf_hooks_options exec = { .exec = o->daemon.exec }, convert = { .convert = o->daemon.convert };

	if (kf_hooks_check(&exec, e))
		return kf_config_blame(o->config, o->daemon.exec, e);
	if (kf_hooks_check(&convert, e))
		return kf_config_blame(o->config, o->daemon.convert, e);
	return 0;
}

static int understand_daemon(struct kf_record_options *o, struct kf_error *e)
{
	struct kf_daemon_options *d = &o->daemon;

	if (kf_keep_parse(o->keep, &d->keep, e))
		return kf_config_blame(o->config, o->keep, e);
	d->keeps = o->keep;
	if (kf_space_parse(o->min_free, &d->space, e))
		return kf_config_blame(o->config, o->min_free, e);
	d->serves_metrics = o->recording.count_waits = o->metrics;
	o->recording.group = d->group;
	if (o->metrics && kf_metrics_address_parse(&d->metrics_address, o->metrics, e))
		return kf_config_blame(o->config, o->metrics, e);
	if (o->budget && kf_budget_parse(o->budget, &d->budget_ppm, e))
		return kf_config_blame(o->config, o->budget, e);
	if (kf_log_parse(o->log, &o->log_format, e))
		return kf_config_blame(o->config, o->log, e);
	return understand_limit(o, e) || understand_hooks(o, e) ? -1 : 0;
}

int kf_record_options_understand(struct kf_record_options *o, struct kf_error *e)
{
	return kf_recording_understand(&o->recording, o->config, e) || understand_daemon(o, e) ? -1 : 0;
}

int kf_record_options_check_names(const struct kf_record_options *o, struct kf_error *e)
{
	const char *group = o->daemon.group;

	return group && kf_output_dir_check_group(group, e) ? kf_config_blame(o->config, group, e) : 0;
}

void kf_record_options_release(struct kf_record_options *o)
{
	kf_recording_release(&o->recording);
	kf_config_free(&o->config);
}
