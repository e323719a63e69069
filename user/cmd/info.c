/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/cmd.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "cli/options.h"
#include "output/info.h"
#include "snapshot/snapshot.h"

struct settings {
	struct kf_info_options info;
	bool json;
};

static int parse(struct settings *o, int argc, char **argv, struct kf_operands *operands, struct kf_error *e)
{
	const struct kf_option options[] = {
		{ "tasks", 0, KF_OPT_FLAG, &o->info.tasks, NULL, "list every thread that lived when it was saved" },
		{ "json", 0, KF_OPT_FLAG, &o->json, NULL, "machine-readable" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "info",
		.operands = "FILE",
		.summary = "what a snapshot holds: window, losses, trigger",
		.description = "Prints what triggered, when, and the window held; then, per CPU and kind of history, "
			       "what was written, overwritten, refused and torn; and what was lost. No root needed.",
		.examples = "  kflight info kflight-20261121T081502Z-runq-nginx-2144.kfl\n"
			    "  kflight info --json FILE.kfl | jq .window.held_ns\n",
		.options = options,
		.min_operands = 1,
		.max_operands = 1,
	};

	return kf_options_parse(&command, argc, argv, operands, e);
}

static int print_info(struct settings *o, const char *path, struct kf_error *e)
{
	struct kf_snapshot *s = NULL;
	struct stat st = { 0 };
	int err;

	if (kf_snapshot_read(&s, path, e))
		return -1;
	o->info.path = path;
	if (!stat(path, &st))
		o->info.file_bytes = (uint64_t)st.st_size;
	err = o->json ? kf_info_json(s, &o->info, stdout, e) : kf_info_text(s, &o->info, stdout, e);
	kf_snapshot_free(&s);
	return err;
}

int cmd_info(int argc, char **argv)
{
	struct kf_operands operands = { 0 };
	struct settings o = { 0 };
	struct kf_error e = { 0 };
	int ret = parse(&o, argc, argv, &operands, &e);

	if (!ret)
		ret = print_info(&o, operands.items[0], &e);
	free(operands.items);
	return ret < 0 ? kf_error_print(&e) : KF_OK;
}
