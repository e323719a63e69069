/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/checking.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/timeline.h"
#include "output/table.h"
#include "output/whole_file.h"
#include "snapshot/snapshot.h"

void kf_checking_options(struct kf_checking *c, struct kf_option rows[KF_CHECKING_OPTIONS])
{
	const struct kf_option all[KF_CHECKING_OPTIONS] = {
		{ "file", 0, KF_OPT_STRINGS, &c->files, "FILE",
		  "expressions and 'rule NAME=WARN,ERROR', one per line; # begins a comment" },
		{ "rule", 0, KF_OPT_STRINGS, &c->rules, "NAME=WARN,ERROR",
		  "from when on a finding counts, or NAME=off: 'RunQueueLatency=5ms,20ms'" },
		{ "fail-on", 0, KF_OPT_STRING, &c->fail_on, "SEVERITY",
		  "findings from here on fail: error (default), warn, info" },
		{ "window-min", 0, KF_OPT_DURATION, &c->window_min_ns, "TIME",
		  "a shorter window is incomplete: nothing passes" },
		{ "as-seen", 0, KF_OPT_FLAG, &c->as_seen, NULL,
		  "count waits that the window cuts off as long as they were seen" },
		{ "junit", 0, KF_OPT_STRING, &c->junit, "OUT", "write the verdict as JUnit XML, too" },
	};

	memcpy(rows, all, sizeof(all));
}

static int parse_fail_on(struct kf_checking *c, struct kf_error *e)
{
	static const char *const names[] = { "info", "warn", "error", NULL };
	const char *near;

	c->checks.fail_on = KF_SEVERITY_ERROR;
	if (!c->fail_on)
		return 0;
	c->checks.findings = true;
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], c->fail_on)) {
			c->checks.fail_on = (enum kf_severity)(KF_SEVERITY_INFO + i);
			return 0;
		}
	near = kf_nearest(c->fail_on, names);
	return kf_fail(e, KF_USAGE, "one of error, warn, info", "bad --fail-on '%s'%s%s%s", c->fail_on,
		       near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The expression, and a mark under the place. */
static void point_at(const char *expression, size_t column)
{
	char before[KF_CONDITION_BYTES * 4], all[KF_CONDITION_BYTES * 4];

	if (!column || strlen(expression) >= KF_CONDITION_BYTES)
		return;
	kf_text_printable(expression, strlen(expression), all, sizeof(all));
	kf_text_printable(expression, column - 1, before, sizeof(before));
	fprintf(stderr, "  %s\n  %*s^\n", all, (int)kf_text_width(before), "");
}

static int add_expressions(struct kf_checks *checks, const char *const *expressions, size_t n)
{
	struct kf_error e;
	size_t column;

	for (size_t i = 0; i < n; i++)
		if (kf_checks_add(checks, expressions[i], &column, &e)) {
			kf_error_print(&e);
			point_at(expressions[i], column);
			return e.status;
		}
	return KF_OK;
}

static int prepare(struct kf_checking *c, struct kf_error *e)
{
	if (parse_fail_on(c, e))
		return -1;
	for (size_t i = 0; i < c->files.n; i++)
		if (kf_checks_add_file(&c->checks, c->files.items[i], e))
			return -1;
	for (size_t i = 0; i < c->rules.n; i++)
		if (kf_rule_settings_add(&c->checks.rules, c->rules.items[i], e))
			return -1;
	c->checks.window_min_ns = c->window_min_ns;
	c->checks.as_seen = c->as_seen;
	return 0;
}

int kf_checking_prepare(struct kf_checking *c, const char *const *expressions, size_t n)
{
	struct kf_error e;

	if (prepare(c, &e))
		return kf_error_print(&e);
	return add_expressions(&c->checks, expressions, n);
}

static int write_junit(const struct kf_checking *c, const struct kf_verdict_page *p, struct kf_error *e)
{
	struct kf_whole_file file;

	if (!c->junit)
		return 0;
	if (kf_whole_file_open(&file, c->junit, e))
		return -1;
	if (kf_verdict_junit(p, file.out, e)) {
		kf_whole_file_abandon(&file);
		return -1;
	}
	return kf_whole_file_commit(&file, e);
}

static int tell(const struct kf_checking *c, const struct kf_verdict_page *p, FILE *out, struct kf_error *e)
{
	if (c->json ? kf_verdict_json(p, out, e) : kf_verdict_text(p, out, e))
		return -1;
	return write_junit(c, p, e);
}

static int judge(const struct kf_checking *c, const char *path, FILE *out, enum kf_status *status, struct kf_error *e)
{
	struct kf_verdict verdict = { 0 };
	struct kf_verdict_page page = { .v = &verdict, .c = &c->checks, .path = path };
	struct kf_snapshot *snapshot = NULL;
	struct kf_timeline *timeline = NULL;
	int err = kf_snapshot_read(&snapshot, path, e);

	if (!err)
		err = kf_timeline_build(&timeline, snapshot, e);
	if (!err) {
		err = kf_verdict_find(&verdict, &c->checks, timeline, snapshot, e);
		page.t = timeline;
		page.s = snapshot;
		*status = verdict.status;
	}
	if (!err)
		err = tell(c, &page, out, e);
	kf_verdict_release(&verdict);
	kf_timeline_free(&timeline);
	kf_snapshot_free(&snapshot);
	return err;
}

int kf_checking_judge(struct kf_checking *c, const char *path, FILE *out)
{
	enum kf_status status = KF_OK;
	struct kf_error e;

	return judge(c, path, out, &status, &e) ? kf_error_print(&e) : (int)status;
}

void kf_checking_release(struct kf_checking *c)
{
	free(c->expressions.items);
	free(c->files.items);
	free(c->rules.items);
	kf_checks_release(&c->checks);
}
