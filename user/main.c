/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - picks the verb. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/options.h"
#include "cmd/cmd.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} verbs[] = {
	{ "record", cmd_record,
	  "keep the last seconds of scheduling in memory, save them when something is late (root)" },
	{ "config", cmd_config, "check a config file of `record`, show what is in force" },
	{ "run", cmd_run, "record while a command runs (root)" },
	{ "snapshot", cmd_snapshot, "ask a running recorder for a snapshot now" },
	{ "status", cmd_status, "what a running recorder holds, has saved, and costs" },
	{ "list", cmd_list, "the snapshots a running recorder has written" },
	{ "triggers", cmd_triggers, "the triggers of a running recorder: counts, other limits" },
	{ "report", cmd_report, "the answer: who waited, how long, because of whom" },
	{ "check", cmd_check, "is this window as it should be? For CI" },
	{ "diff", cmd_diff, "what got worse between two windows? For CI" },
	{ "export", cmd_export, "write a snapshot as Go execution trace or NDJSON" },
	{ "info", cmd_info, "what a snapshot holds: window, losses, trigger" },
	{ "top", cmd_top, "the worst waits of now, live (root)" },
	{ "doctor", cmd_doctor, "what this host supports, what is missing, what to do" },
	{ "bench", cmd_bench, "what recording costs on this host (root)" },
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int usage(FILE *to, int status)
{
	fputs("kflight: flight recorder for Linux latency\n\nUsage: kflight VERB [OPTIONS]\n\n", to);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\n`kflight VERB --help` or `kflight help VERB` tells more, with examples.\n\n"
	      "  sudo kflight record -p 2144 --trigger 'runq>5ms' -o /var/lib/kflight\n"
	      "  kflight report kflight-20261121T081502Z-runq-nginx-2144.kfl\n",
	      to);
	return status;
}

static int unknown_verb(const char *name)
{
	const char *names[N_VERBS + 1] = { NULL };
	const char *near;
	struct kf_error e;

	for (size_t i = 0; i < N_VERBS; i++)
		names[i] = verbs[i].name;
	near = kf_nearest(name, names);
	if (near)
		kf_fail(&e, KF_USAGE, NULL, "unknown verb '%s': did you mean '%s'?", name, near);
	else
		kf_fail(&e, KF_USAGE, "`kflight --help` lists the verbs", "unknown verb '%s'", name);
	return kf_error_print(&e);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

/* `kflight help`, and `kflight help VERB` as `kflight VERB --help`. */
static int help(const char *name)
{
	const struct verb *verb = name ? find_verb(name) : NULL;
	char option[] = "--help";

	if (!name)
		return usage(stdout, KF_OK);
	return verb ? verb->run(2, (char *[]){ (char *)verb->name, option, NULL }) : unknown_verb(name);
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2)
		return usage(stderr, KF_USAGE);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage(stdout, KF_OK);
	if (!strcmp(argv[1], "help"))
		return help(argv[2]);
	if (!strcmp(argv[1], "--version")) {
		puts("kflight " KF_VERSION);
		return KF_OK;
	}
	verb = find_verb(argv[1]);
	return verb ? verb->run(argc - 1, argv + 1) : unknown_verb(argv[1]);
}
