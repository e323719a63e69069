/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "cli/options.h"
#include "model/timeline.h"
#include "output/csv.h"
#include "output/go_trace.h"
#include "output/ndjson.h"
#include "output/perfetto.h"
#include "output/schema.h"
#include "output/whole_file.h"
#include "snapshot/snapshot.h"

#define NOT_GIVEN UINT64_MAX

enum format { FORMAT_GO, FORMAT_NDJSON, FORMAT_CSV, FORMAT_PERFETTO };
static const char *const formats[] = { "go", "ndjson", "csv", "perfetto", NULL };

/* As the user gave it. */
struct settings {
	const char *format_name, *version, *reasons, *init, *tasks, *syscalls;
	const char *from, *to;
	uint64_t around_ns, last_ns, gap_ns;
	const char *output;
	bool json_schema;
	enum format format;
	struct kf_go_options go; /* from_ns and to_ns also for perfetto */
};

static int parse_options(struct settings *o, int argc, char **argv, struct kf_operands *operands, struct kf_error *e)
{
	const struct kf_option options[] = {
		{ "format", 'f', KF_OPT_STRING, &o->format_name, "FORMAT",
		  "go: a Go execution trace (default); perfetto: for ui.perfetto.dev; ndjson: one gap per line; "
		  "csv: one row per gap and culprit" },
		{ "output", 'o', KF_OPT_STRING, &o->output, "OUT",
		  "write here; - is standard output (default: go FILE.trace, perfetto FILE.pftrace, ndjson and csv "
		  "-)" },
		{ "gap", 0, KF_OPT_DURATION, &o->gap_ns, "DURATION",
		  "go: gaps this long become tasks (default 1ms); perfetto: they tell their sentence (default 100us); "
		  "ndjson, csv: only gaps this long (default all)" },
		{ "around", 0, KF_OPT_DURATION, &o->around_ns, "DURATION",
		  "only so much, centred on the moment the trigger fired" },
		{ "last", 0, KF_OPT_DURATION, &o->last_ns, "DURATION", "only the end of the window" },
		{ "from", 0, KF_OPT_STRING, &o->from, "TIME",
		  "only from here on: into the window (1.5s), or CLOCK_MONOTONIC ns without unit" },
		{ "to", 0, KF_OPT_STRING, &o->to, "TIME", "only up to here" },
		{ "json-schema", 0, KF_OPT_FLAG, &o->json_schema, NULL,
		  "print the schema of a line of ndjson instead (JSON Schema; no FILE needed)" },
		{ "go-version", 0, KF_OPT_STRING, &o->version, "VERSION",
		  "oldest Go that has to read it: 1.22 (default), 1.23, 1.25, 1.26" },
		{ "go-tasks", 0, KF_OPT_STRING, &o->tasks, "WHICH", "gaps as tasks: slow (default; --gap), all, off" },
		{ "go-syscalls", 0, KF_OPT_STRING, &o->syscalls, "WHICH",
		  "recorded syscalls while they run: slow (default; 10us), all, off" },
		{ "go-reasons", 0, KF_OPT_STRING, &o->reasons, "WORDS",
		  "of waits: go (default; every viewer knows them), rich (disk, page fault, ...)" },
		{ "go-init", 0, KF_OPT_STRING, &o->init, "HOW",
		  "states at the start: replay (default; with names and reasons), status" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "export",
		.operands = "FILE",
		.summary = "write a snapshot as Go execution trace, Perfetto trace, NDJSON or CSV",
		.description = "Turns a snapshot into a file for other tools: `go tool trace` and what else reads Go's "
			       "execution traces, ui.perfetto.dev, scripts, or databases that hold the gaps of many "
			       "hosts. A cut is as "
			       "good a trace as the whole. No root needed.",
		.examples = "  kflight export FILE.kfl && go tool trace FILE.trace\n"
			    "  kflight export --around 500ms -o incident.trace FILE.kfl\n"
			    "  kflight export --from 1.5s --to 2s FILE.kfl\n"
			    "  kflight export -f ndjson --gap 1ms FILE.kfl | jq -r '[.comm, .wait_ns] | @tsv'\n"
			    "  kflight export -f csv FILE.kfl -o gaps.csv\n",
		.options = options,
		.max_operands = 1,
	};
	int ret = kf_options_parse(&command, argc, argv, operands, e);

	if (!ret && !o->json_schema && !operands->n)
		return kf_fail(e, KF_USAGE, "kflight export --help", "missing argument: kflight export [OPTIONS] FILE");
	return ret;
}

/* Sets *out to the place of text in the NULL-terminated names; without text it stays. */
static int choose(const char *option, const char *text, const char *const *names, unsigned int *out, struct kf_error *e)
{
	char hint[128] = "one of";
	const char *near;

	if (!text)
		return 0;
	for (unsigned int i = 0; names[i]; i++) {
		if (!strcmp(text, names[i])) {
			*out = i;
			return 0;
		}
		snprintf(hint + strlen(hint), sizeof(hint) - strlen(hint), "%s %s", i ? "," : "", names[i]);
	}
	near = kf_nearest(text, names);
	if (near)
		return kf_fail(e, KF_USAGE, hint, "unknown --%s '%s': did you mean '%s'?", option, text, near);
	return kf_fail(e, KF_USAGE, hint, "unknown --%s '%s'", option, text);
}

static int parse_choices(struct settings *o, struct kf_error *e)
{
	static const char *const tasks[] = { "slow", "all", "off", NULL };
	static const char *const words[] = { "go", "rich", NULL };
	static const char *const inits[] = { "replay", "status", NULL };
	unsigned int format = FORMAT_GO, n_tasks = 0, n_syscalls = 0, n_words = 0, n_init = 0;

	if (choose("format", o->format_name, formats, &format, e) || choose("go-tasks", o->tasks, tasks, &n_tasks, e) ||
	    choose("go-syscalls", o->syscalls, tasks, &n_syscalls, e) ||
	    choose("go-reasons", o->reasons, words, &n_words, e) || choose("go-init", o->init, inits, &n_init, e))
		return -1;
	if (o->version && kf_go_version_parse(o->version, &o->go.version, e))
		return -1;
	o->format = (enum format)format;
	o->go.tasks = (enum kf_go_tasks)n_tasks;
	o->go.syscalls = (enum kf_go_syscalls)n_syscalls;
	o->go.reasons = (enum kf_go_reasons)n_words;
	o->go.init = (enum kf_go_init)n_init;
	return 0;
}

/* An option that would do nothing is a mistake. */
static int check_go_only(const struct settings *o, struct kf_error *e)
{
	const char *given = o->version	  ? "go-version"
			    : o->tasks	  ? "go-tasks"
			    : o->syscalls ? "go-syscalls"
			    : o->reasons  ? "go-reasons"
			    : o->init	  ? "go-init"
					  : NULL;

	if (o->format == FORMAT_GO || !given)
		return 0;
	return kf_fail(e, KF_USAGE, "leave it out, or use -f go", "--%s does not apply to -f %s", given,
		       formats[o->format]);
}

/* At most one of the ways to cut, and only for what can be cut. */
static int check_cut(const struct settings *o, struct kf_error *e)
{
	bool around = o->around_ns != NOT_GIVEN, last = o->last_ns != NOT_GIVEN, range = o->from || o->to;

	if (around + last + range > 1)
		return kf_fail(e, KF_USAGE, "give one of them", "--around, --last and --from/--to exclude each other");
	if ((o->format == FORMAT_NDJSON || o->format == FORMAT_CSV) && (around || last || range))
		return kf_fail(e, KF_USAGE, "each line has start_ns and end_ns to select by",
			       "%s cannot be cut: it always has the gaps of the whole window", formats[o->format]);
	if ((around && !o->around_ns) || (last && !o->last_ns))
		return kf_fail(e, KF_USAGE, NULL, "--%s 0 would leave nothing", around ? "around" : "last");
	return 0;
}

/* "1.5s" into the window, or absolute ns. */
static int parse_moment(const char *option, const char *text, const struct kf_timeline *t, uint64_t *out_ns,
			struct kf_error *e)
{
	uint64_t length_ns = t->end_ns - t->floor_ns, offset_ns;
	char length[32], hint[160];
	char *end;

	snprintf(hint, sizeof(hint), "the window goes from 0s to %s; without unit: CLOCK_MONOTONIC ns, %llu to %llu",
		 kf_format_duration(length_ns, length, sizeof(length)), (unsigned long long)t->floor_ns,
		 (unsigned long long)t->end_ns);
	errno = 0;
	*out_ns = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno) {
		if (kf_parse_duration(text, &offset_ns, e))
			return -1;
		if (offset_ns > length_ns)
			return kf_fail(e, KF_USAGE, hint, "--%s '%s' lies behind the window", option, text);
		*out_ns = t->floor_ns + offset_ns;
	}
	if (*out_ns < t->floor_ns || *out_ns > t->end_ns)
		return kf_fail(e, KF_USAGE, hint, "--%s '%s' lies outside the window", option, text);
	return 0;
}

static int cut_around(struct settings *o, const struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e)
{
	uint64_t half_ns = o->around_ns / 2, at_ns = s->trigger.ts_ns;

	if (s->trigger.kind == KF_TRIGGER_NONE || at_ns < t->floor_ns || at_ns > t->end_ns)
		return kf_fail(e, KF_USAGE, "use --last or --from and --to",
			       "--around needs a trigger inside the window, and this snapshot has none");
	o->go.from_ns = at_ns > half_ns ? at_ns - half_ns : 0;
	o->go.to_ns = at_ns + (half_ns < UINT64_MAX - at_ns ? half_ns : 0);
	return 0;
}

static int set_cut(struct settings *o, const struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e)
{
	o->go.from_ns = t->floor_ns;
	o->go.to_ns = t->end_ns;
	if (o->around_ns != NOT_GIVEN)
		return cut_around(o, t, s, e);
	if (o->last_ns != NOT_GIVEN && o->last_ns < t->end_ns - t->floor_ns)
		o->go.from_ns = t->end_ns - o->last_ns;
	if (o->from && parse_moment("from", o->from, t, &o->go.from_ns, e))
		return -1;
	if (o->to && parse_moment("to", o->to, t, &o->go.to_ns, e))
		return -1;
	if (o->go.from_ns >= o->go.to_ns && (o->from || o->to))
		return kf_fail(e, KF_USAGE, NULL, "nothing lies between --from '%s' and --to '%s'",
			       o->from ? o->from : "the start", o->to ? o->to : "the end");
	return 0;
}

/* "a/b.kfl" -> "a/b.trace"; free() it. */
static char *default_output(const struct settings *o, const char *path)
{
	size_t len = strlen(path);
	char *name = NULL;

	if (o->format == FORMAT_NDJSON || o->format == FORMAT_CSV)
		return strdup("-");
	if (len > 4 && !strcmp(path + len - 4, ".kfl"))
		len -= 4;
	if (asprintf(&name, "%.*s.%s", (int)len, path, o->format == FORMAT_GO ? "trace" : "pftrace") < 0)
		return NULL;
	return name;
}

static int write_perfetto(const struct settings *o, const struct kf_timeline *t, const struct kf_snapshot *s, FILE *out,
			  struct kf_error *e)
{
	struct kf_perfetto_options perfetto = KF_PERFETTO_OPTIONS_DEFAULT;

	perfetto.from_ns = o->go.from_ns;
	perfetto.to_ns = o->go.to_ns;
	if (o->gap_ns != NOT_GIVEN)
		perfetto.gap_ns = o->gap_ns;
	return kf_perfetto_write(t, s, &perfetto, out, e);
}

static int write_format(struct settings *o, const struct kf_timeline *t, const struct kf_snapshot *s, FILE *out,
			struct kf_error *e)
{
	if (o->format == FORMAT_NDJSON)
		return kf_ndjson_write(t, s, out, o->gap_ns == NOT_GIVEN ? 0 : o->gap_ns, e);
	if (o->format == FORMAT_CSV)
		return kf_csv_write(t, s, out, o->gap_ns == NOT_GIVEN ? 0 : o->gap_ns, e);
	if (o->format == FORMAT_PERFETTO)
		return write_perfetto(o, t, s, out, e);
	if (o->gap_ns != NOT_GIVEN)
		o->go.gap_ns = o->gap_ns;
	return kf_go_trace_write(t, s, &o->go, out, e);
}

static int write_file(struct settings *o, const struct kf_timeline *t, const struct kf_snapshot *s, const char *path,
		      struct kf_error *e)
{
	char *output = o->output ? strdup(o->output) : default_output(o, path);
	struct kf_whole_file file;
	int err;

	if (!output)
		return kf_fail_memory(e, "a file name");
	err = kf_whole_file_open(&file, output, e);
	if (!err) {
		err = write_format(o, t, s, file.out, e);
		if (err)
			kf_whole_file_abandon(&file);
		else
			err = kf_whole_file_commit(&file, e);
	}
	if (!err && o->format == FORMAT_GO && strcmp(output, "-") != 0)
		kf_note("wrote '%s': open it with `go tool trace %s`", output, output);
	if (!err && o->format == FORMAT_PERFETTO && strcmp(output, "-") != 0)
		kf_note("wrote '%s': open it in ui.perfetto.dev", output);
	free(output);
	return err;
}

static int export_file(struct settings *o, const char *path, struct kf_error *e)
{
	struct kf_snapshot *snapshot = NULL;
	struct kf_timeline *timeline = NULL;
	int err;

	err = kf_snapshot_read(&snapshot, path, e) || kf_timeline_build(&timeline, snapshot, e) ||
	      set_cut(o, timeline, snapshot, e) || write_file(o, timeline, snapshot, path, e);
	kf_timeline_free(&timeline);
	kf_snapshot_free(&snapshot);
	return err ? -1 : 0;
}

int cmd_export(int argc, char **argv)
{
	struct settings o = {
		.around_ns = NOT_GIVEN,
		.last_ns = NOT_GIVEN,
		.gap_ns = NOT_GIVEN,
		.go = KF_GO_OPTIONS_DEFAULT,
	};
	struct kf_operands operands = { 0 };
	struct kf_error e = { 0 };
	int ret = parse_options(&o, argc, argv, &operands, &e);

	if (!ret && o.json_schema)
		ret = kf_schema_write(KF_SCHEMA_GAP, stdout, &e);
	else if (!ret && (parse_choices(&o, &e) || check_go_only(&o, &e) || check_cut(&o, &e) ||
			  export_file(&o, operands.items[0], &e)))
		ret = -1;
	free(operands.items);
	return ret < 0 ? kf_error_print(&e) : KF_OK;
}
