/* SPDX-License-Identifier: BSD-2-Clause */
/* diff.c - what got worse between two windows? The answer is the exit status. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "check/diff.h"
#include "cli/options.h"
#include "model/timeline.h"
#include "snapshot/snapshot.h"

#define DEFAULT_FLOOR_NS      1000000
#define DEFAULT_WINDOW_MIN_NS 100000000

struct settings {
	struct kf_diff_options diff;
	const char *ratio;
	const char *waits;
	uint64_t top;
	bool json;
};

static int parse_ratio(struct settings *o, struct kf_error *e)
{
	char *end;

	o->diff.ratio = 1.5;
	if (!o->ratio)
		return 0;
	o->diff.ratio = strtod(o->ratio, &end);
	if (o->ratio[0] < '0' || o->ratio[0] > '9' || strspn(o->ratio, "0123456789.") != strlen(o->ratio) || *end ||
	    !(o->diff.ratio >= 1 && o->diff.ratio <= 1e6))
		return kf_fail(e, KF_USAGE, "how many times as much is worse: 1.5", "bad --ratio '%.80s'", o->ratio);
	return 0;
}

static int add_wait(struct settings *o, const char *name, struct kf_error *e)
{
	const char *names[KF_DIFF_WAITS + 2] = { "all" }, *near;
	int wait = kf_diff_wait_find(name);

	for (unsigned int i = 0; i < KF_DIFF_WAITS; i++)
		names[i + 1] = kf_diff_wait_name(i);
	if (!strcmp(name, "all"))
		o->diff.waits |= (1u << KF_DIFF_SYSCALL) - 1; /* the last one needs records of its own: by name only */
	else if (wait >= 0)
		o->diff.waits |= 1u << wait;
	if (wait >= 0 || !strcmp(name, "all"))
		return 0;
	near = kf_nearest(name, names);
	return kf_fail(e, KF_USAGE, "runq, throttled, futex, disk, network, syscall, ... or all",
		       "bad --waits: unknown kind '%.60s'%s%s%s", name, near ? ", did you mean '" : "",
		       near ? near : "", near ? "'?" : "");
}

static int parse_waits(struct settings *o, struct kf_error *e)
{
	char *copy, *rest, *name;
	int err = 0;

	if (!o->waits)
		return 0;
	rest = copy = strdup(o->waits);
	if (!copy)
		return kf_fail_memory(e, "the options");
	while (!err && (name = strsep(&rest, ",")) != NULL)
		err = add_wait(o, name, e);
	free(copy);
	return err;
}

static int parse(struct settings *o, int argc, char **argv, struct kf_operands *operands, struct kf_error *e)
{
	const struct kf_option options[] = {
		{ "ratio", 0, KF_OPT_STRING, &o->ratio, "TIMES", "worse is more than so many times (default 1.5) ..." },
		{ "floor", 0, KF_OPT_DURATION, &o->diff.floor_ns, "DURATION", "... and more by this (default 1ms)" },
		{ "waits", 0, KF_OPT_STRING, &o->waits, "KINDS",
		  "judge these (default runq,throttled,futex,lock,disk,kernel,page_fault), or all" },
		{ "comm", 0, KF_OPT_STRING, &o->diff.comm, "GLOB", "only processes of this name, kernel threads too" },
		{ "window-min", 0, KF_OPT_DURATION, &o->diff.window_min_ns, "TIME",
		  "shorter windows cannot be compared (default 100ms)" },
		{ "force", 0, KF_OPT_FLAG, &o->diff.force, NULL,
		  "compare other hosts, kernels, numbers of CPUs, lengths of window" },
		{ "top", 0, KF_OPT_UINT, &o->top, "N", "so many rows, worst first (default 20, 0 all)" },
		{ "json", 0, KF_OPT_FLAG, &o->json, NULL, "machine-readable: all rows" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "diff",
		.operands = "A B",
		.summary = "what got worse from window A to window B",
		.description =
			"Compares how long processes of a name had to wait, by kind of wait. What got worse is p50, "
			"p99 (from 10 waits on) or total per second (from 3 waits on, without the longest) beyond both "
			"--ratio and --floor. Threads of the kernel are judged only if --comm names them.\nExit "
			"status: 0 nothing, 1 "
			"something got worse, 2 bad usage, or windows that cannot be compared, 4 B cannot tell, or "
			"no process waited in both.",
		.examples = "  kflight diff before.kfl after.kfl\n"
			    "  kflight diff --comm 'nginx*' --waits runq,futex --ratio 2 before.kfl after.kfl\n"
			    "  kflight diff --json before.kfl after.kfl | jq '.rows[] | select(.verdict == \"fail\")'",
		.options = options,
		.min_operands = 2,
		.max_operands = 2,
	};
	int ret = kf_options_parse(&command, argc, argv, operands, e);

	if (!ret && (parse_ratio(o, e) || parse_waits(o, e)))
		return -1;
	return ret;
}

struct file {
	struct kf_snapshot *s;
	struct kf_timeline *t;
	struct kf_diff_side side;
};

static int load(struct file *f, const char *path, struct kf_error *e)
{
	if (kf_snapshot_read(&f->s, path, e) || kf_timeline_build(&f->t, f->s, e))
		return -1;
	f->side = (struct kf_diff_side){ .t = f->t, .s = f->s, .path = path };
	return 0;
}

static void unload(struct file *f)
{
	kf_timeline_free(&f->t);
	kf_snapshot_free(&f->s);
}

static int compare(const struct settings *o, const char *const *paths, enum kf_status *status, struct kf_error *e)
{
	struct file a = { 0 }, b = { 0 };
	struct kf_diff d = { 0 };
	int err = load(&a, paths[0], e) || load(&b, paths[1], e) ? -1 : 0;

	if (!err)
		err = kf_diff_find(&d, &a.side, &b.side, &o->diff, e);
	if (!err)
		err = o->json ? kf_diff_json(&d, &a.side, &b.side, &o->diff, stdout, e)
			      : kf_diff_text(&d, &o->diff, o->top, stdout, e);
	*status = d.status;
	kf_diff_release(&d);
	unload(&a);
	unload(&b);
	return err;
}

int cmd_diff(int argc, char **argv)
{
	struct settings o = {
		.diff = { .floor_ns = DEFAULT_FLOOR_NS, .window_min_ns = DEFAULT_WINDOW_MIN_NS },
		.top = 20,
	};
	struct kf_operands operands = { 0 };
	enum kf_status status = KF_OK;
	struct kf_error e = { 0 };
	int ret = parse(&o, argc, argv, &operands, &e);

	if (!ret)
		ret = compare(&o, operands.items, &status, &e);
	free(operands.items);
	if (ret < 0)
		return kf_error_print(&e);
	return (int)status;
}
