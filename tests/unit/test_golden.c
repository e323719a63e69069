/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recordings of real runs (tests/data/NAME.kfl) and what is made of them (NAME.report, NAME.ndjson). A better model may
 * change the answers: then look at the difference, and if it is right, KF_GOLDEN_UPDATE=1 build/unit/test_golden writes
 * them anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/check.h"
#include "model/timeline.h"
#include "output/go_check.h"
#include "output/go_trace.h"
#include "output/ndjson.h"
#include "output/report.h"
#include "snapshot/snapshot.h"

#define MIN_RECORDINGS 4

struct recording {
	const char *path;
	struct kf_snapshot *snapshot;
	struct kf_timeline *timeline;
};

static void open_recording(struct recording *r, const char *path)
{
	struct kf_error e;

	memset(r, 0, sizeof(*r));
	r->path = path;
	if (kf_snapshot_read(&r->snapshot, path, &e) || kf_timeline_build(&r->timeline, r->snapshot, &e))
		fail_msg("%s: %s", path, e.message);
}

static void close_recording(struct recording *r)
{
	kf_timeline_free(&r->timeline);
	kf_snapshot_free(&r->snapshot);
}

static void for_each_recording(void (*check)(struct recording *))
{
	struct recording r;
	glob_t found;

	assert_int_equal(glob("tests/data/*.kfl", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= MIN_RECORDINGS);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		open_recording(&r, found.gl_pathv[i]);
		check(&r);
		close_recording(&r);
	}
	globfree(&found);
}

/* NAME.kfl -> NAME.suffix */
static void beside(const char *path, const char *suffix, char *out, size_t len)
{
	snprintf(out, len, "%.*s%s", (int)(strlen(path) - strlen(".kfl")), path, suffix);
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t len = 0;

	if (!f)
		fail_msg("no '%s': KF_GOLDEN_UPDATE=1 writes it", path);
	if (getdelim(&text, &len, '\0', f) < 0)
		fail_msg("'%s' is empty", path);
	fclose(f);
	return text;
}

static void show_difference(const char *path, const char *want, const char *have)
{
	int line = 1;

	for (; *want && *want == *have; want++, have++)
		line += *want == '\n';
	fail_msg("%s differs in line %d:\n  stored: %.*s\n  now:    %.*s", path, line, (int)strcspn(want, "\n"), want,
		 (int)strcspn(have, "\n"), have);
}

static void compare(const struct recording *r, const char *suffix, const char *have)
{
	char path[4096];
	char *want;

	beside(r->path, suffix, path, sizeof(path));
	if (getenv("KF_GOLDEN_UPDATE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		assert_true(fputs(have, f) >= 0);
		assert_int_equal(fclose(f), 0);
		return;
	}
	want = read_file(path);
	if (strcmp(want, have))
		show_difference(path, want, have);
	free(want);
}

static void check_timeline(struct recording *r)
{
	struct kf_error e;

	if (kf_timeline_check(r->timeline, &e))
		fail_msg("%s: %s", r->path, e.message);
	assert_true(r->timeline->n_gaps > 0);
}

static void check_report(struct recording *r)
{
	const struct kf_report_options options = { .top = 10 };
	struct kf_error e;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (kf_report_text(r->timeline, r->snapshot, &options, out, &e))
		fail_msg("%s: %s", r->path, e.message);
	fclose(out);
	compare(r, ".report", text);
	free(text);
}

static void check_ndjson(struct recording *r)
{
	struct kf_error e;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (kf_ndjson_write(r->timeline, r->snapshot, out, 100000, &e))
		fail_msg("%s: %s", r->path, e.message);
	fclose(out);
	compare(r, ".ndjson", text);
	free(text);
}

static void check_trace(const struct recording *r, const struct kf_go_options *options)
{
	struct kf_error e;
	char *bytes;
	size_t len;
	FILE *out = open_memstream(&bytes, &len);

	if (kf_go_trace_write(r->timeline, r->snapshot, options, out, &e))
		fail_msg("%s: %s", r->path, e.message);
	fclose(out);
	if (kf_go_check_bytes(bytes, len, &e))
		fail_msg("%s from %lu to %lu: %s", r->path, options->from_ns, options->to_ns, e.message);
	free(bytes);
}

/* Whole, in every version, and cut at many places: a cut is as valid as the whole. */
static void check_traces(struct recording *r)
{
	static const enum kf_go_version versions[] = { KF_GO_1_22, KF_GO_1_23, KF_GO_1_25, KF_GO_1_26 };
	uint64_t length = r->timeline->end_ns - r->timeline->floor_ns;
	struct kf_go_options options = KF_GO_OPTIONS_DEFAULT;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		options.version = versions[i];
		check_trace(r, &options);
	}
	options.version = KF_GO_1_22;
	for (int cut = 0; cut < 20; cut++) {
		options.from_ns = r->timeline->floor_ns + length * cut / 20;
		options.to_ns = options.from_ns + length / 7;
		check_trace(r, &options);
	}
}

static void timelines_do_not_contradict_themselves(void **state)
{
	for_each_recording(check_timeline);
}

static void reports_are_as_stored(void **state)
{
	for_each_recording(check_report);
}

static void gaps_are_as_stored(void **state)
{
	for_each_recording(check_ndjson);
}

static void traces_are_legal_whole_and_cut(void **state)
{
	for_each_recording(check_traces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timelines_do_not_contradict_themselves),
		cmocka_unit_test(reports_are_as_stored),
		cmocka_unit_test(gaps_are_as_stored),
		cmocka_unit_test(traces_are_legal_whole_and_cut),
	};

	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
