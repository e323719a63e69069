/* SPDX-License-Identifier: BSD-2-Clause */
/* The page: its data is valid whatever is in a snapshot, cannot leave its element, is of bounded size, and adds up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <glob.h>
#include <jansson.h>

#include "base/error.h"
#include "hand_report.h"
#include "output/html.h"
#include "output/html_gaps.h"
#include "output/html_json.h"
#include "output/report.h"

#define BEGIN "<script type=\"application/json\" id=\"data\">\n"
#define MIB   (1024 * 1024)

/* free() it */
static char *page_of(const struct kf_timeline *t, const struct kf_snapshot *snapshot, size_t *len)
{
	return WRITTEN(out, e, kf_report_html(t, snapshot, &options, out, &e), len);
}

/* What is between the tags, cut out of the page. */
static char *data_of(char *page)
{
	char *begin = strstr(page, BEGIN), *end;

	assert_non_null(begin);
	begin += strlen(BEGIN);
	end = strstr(begin, "</script>");
	assert_non_null(end);
	*end = '\0';
	return begin;
}

static json_t *parsed(const char *data)
{
	json_error_t error;
	json_t *o = json_loads(data, 0, &error);

	if (!o)
		fail_msg("line %d: %s near: %.200s", error.line, error.text, data + error.position);
	return o;
}

/* Its data. json_decref() it. */
static json_t *page_data(const struct kf_timeline *t, const struct kf_snapshot *snapshot)
{
	size_t len;
	char *page = page_of(t, snapshot, &len);
	json_t *o = parsed(data_of(page));

	free(page);
	return o;
}

static json_int_t number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static json_int_t at(const json_t *list, size_t i)
{
	assert_true(json_is_integer(json_array_get(list, i)));
	return json_integer_value(json_array_get(list, i));
}

static void expect_json(const char *text, const char *wanted)
{
	char *json = NULL;
	size_t len;
	FILE *out = open_memstream(&json, &len);

	assert_non_null(out);
	kf_html_json_text(out, text);
	fclose(out);
	assert_string_equal(json, wanted);
	free(json);
}

static void text_cannot_leave_its_element(void **state)
{
	expect_json("plain", "\"plain\"");
	expect_json("</script><!--", "\"\\u003c/script\\u003e\\u003c!--\"");
	expect_json("a&b\"c\\d", "\"a\\u0026b\\u0022c\\u005cd\"");
	expect_json("\x01\n\x7f", "\"\\u0001\\u000a\\u007f\"");
	expect_json("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\"\\u2028\\u2029\xe2\x80\xaa\"");
	expect_json("\xc3\xa4 \xf0\x9f\x90\xa2", "\"\xc3\xa4 \xf0\x9f\x90\xa2\"");
}

static void broken_text_is_replaced(void **state)
{
	expect_json("\xff", "\"\\ufffd\"");
	expect_json("a\xc3", "\"a\\ufffd\"");
	expect_json("\xc0\xbc", "\"\\ufffd\\ufffd\"");		  /* "<", not in its shortest form */
	expect_json("\xe0\x80\xbc", "\"\\ufffd\\ufffd\\ufffd\""); /* likewise */
	expect_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
	expect_json("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	expect_json("\xf0\x9f\x90", "\"\\ufffd\\ufffd\\ufffd\"");
}

static void a_page_has_one_style_one_script_and_a_policy(void **state)
{
	size_t len;
	char *page = page_of(&h.timeline, s, &len);

	assert_ptr_equal(strstr(page, "<!doctype html>"), page);
	assert_non_null(strstr(page, "content=\"default-src 'none'; style-src 'sha256-"));
	assert_non_null(strstr(page, "script-src 'sha256-"));
	assert_null(strstr(page, "unsafe-inline"));
	assert_null(strstr(page, "http://www.w3.org/1999"));
	assert_null(strstr(page, "https://"));
	assert_null(strchr(page, '@') ? strstr(page, "@STYLE") : NULL);
	assert_string_equal(page + len - strlen("</html>\n"), "</html>\n");
	free(page);
}

static void hostile_names_stay_data(void **state)
{
	static const char *const names[HAND_THREADS] = { "</script><b>", "<img onerror=x>", "\x01\x1b[31m\xff\xc3",
							 "\xe2\x80\xa8--><!--", "\"\\u003c'&" };
	char *page, *data;
	size_t len;
	json_t *o;

	for (size_t i = 0; i < HAND_THREADS; i++) {
		strncpy(h.threads[i].comm, names[i], sizeof(h.threads[i].comm) - 1);
		memcpy(h.threads[i].process_comm, h.threads[i].comm, sizeof(h.threads[i].comm));
	}
	assert_int_equal(kf_snapshot_set(&s->host, "</script><script>alert(1)</script>"), 0);
	s->trigger = (struct kf_trigger){
		.kind = KF_TRIGGER_RUNQ, .tid = 77, .tgid = 77, .ts_ns = MS(17), .since_ns = MS(12)
	};
	memcpy(s->trigger.process_comm, h.threads[HAND_CRON].comm, sizeof(s->trigger.process_comm));
	page = page_of(&h.timeline, s, &len);
	data = data_of(page);
	assert_int_equal(strcspn(data, "<>&"), strlen(data));
	assert_null(strstr(data, "\xe2\x80\xa8"));
	o = parsed(data);
	assert_string_equal(json_string_value(json_object_get(o, "host")), "</script><script>alert(1)</script>");
	assert_string_equal(json_string_value(json_object_get(o, "own")), "\\x01\\x1b[31m\\xff\\xc3/77");
	json_decref(o);
	free(page);
}

static void numbers_are_those_of_the_timeline(void **state)
{
	json_t *o = page_data(&h.timeline, s), *gap;

	assert_int_equal(number(o, "length"), MS(100));
	assert_int_equal(number(o, "floor_us"), 1795248902ULL * 1000000 + 123456 - 100000);
	assert_int_equal(number(o, "trigger"), MS(100));
	assert_int_equal(number(o, "cpus"), 2);
	assert_int_equal(number(o, "n_gaps"), HAND_GAPS);
	gap = json_array_get(json_object_get(o, "gaps"), 0);
	assert_int_equal(at(gap, 1), MS(29)); /* from the floor, which is at 1 ms */
	assert_int_equal(at(gap, 2), MS(71));
	assert_string_equal(json_string_value(json_array_get(gap, 4)), kf_gap_kind_name(h.gaps[HAND_GAP_OPEN].kind));
	assert_int_equal(at(gap, 5), -1);
	assert_int_equal(at(gap, 7), KF_HTML_OPEN);
	json_decref(o);
	options.no_findings = true;
	o = page_data(&h.timeline, s);
	assert_true(json_is_null(json_object_get(o, "findings")));
	json_decref(o);
}

/* That none fits does not mean that there is none. */
static void gaps_left_out_are_not_denied(void **state)
{
	const struct kf_report_options chosen[] = { { .gap_ns = MS(90) }, { .comm = "hog" }, { .tid = 900 } };
	json_t *none;

	for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
		json_t *o;

		options = chosen[i];
		o = page_data(&h.timeline, s);
		if (number(o, "n_gaps") != 0 || number(o, "leaves_out") != 1)
			fail_msg("choice %zu: %d gaps, leaves out %d", i, (int)number(o, "n_gaps"),
				 (int)number(o, "leaves_out"));
		json_decref(o);
	}
	options = (struct kf_report_options){ .top = 10 };
	h.timeline.n_gaps = 0;
	none = page_data(&h.timeline, s);
	assert_int_equal(number(none, "leaves_out"), 0);
	json_decref(none);
}

/* Preempted tells of the open gap what RunQueueLatency tells, and more. */
static void what_is_told_again_is_marked(void **state)
{
	json_t *o = page_data(&h.timeline, s);
	json_int_t again = 0, told = 0;

	for (size_t i = 0; i < json_array_size(json_object_get(o, "findings")); i++) {
		const json_t *finding = json_array_get(json_object_get(o, "findings"), i);
		again += number(finding, "again");
		told += !number(finding, "again");
		if (number(finding, "again") &&
		    strcmp(json_string_value(json_object_get(finding, "rule")), "RunQueueLatency") != 0)
			fail_msg("nobody tells finding %zu better", i);
	}
	assert_true(again > 0 && told > 0);
	json_decref(o);
}

/* redis ran on both CPUs while cron waited, and so did another of that name. */
static void threads_of_one_name_have_one_share(void **state)
{
	json_t *o, *shares;

	strcpy(h.threads[HAND_HOG].comm, "redis");
	h.runs1[0] = (struct kf_run){ MS(1), MS(13), HAND_HOG };
	h.runs1[1] = (struct kf_run){ MS(13), MS(101), HAND_REDIS };
	o = page_data(&h.timeline, s);
	shares = json_array_get(json_array_get(json_object_get(o, "gaps"), 2), 9);
	assert_int_equal(json_array_size(shares), 3);
	assert_int_equal(at(shares, 1), 2);
	assert_int_equal(at(shares, 2), MS(5));
	json_decref(o);
}

static void what_triggered_comes_first(void **state)
{
	json_t *o, *gaps;

	s->trigger = (struct kf_trigger){
		.kind = KF_TRIGGER_RUNQ, .tid = 77, .tgid = 77, .ts_ns = MS(17), .since_ns = MS(12)
	};
	o = page_data(&h.timeline, s);
	gaps = json_object_get(o, "gaps");
	assert_int_equal(at(json_array_get(gaps, 0), 2), MS(5)); /* cron */
	assert_int_equal(at(json_array_get(gaps, 1), 2), MS(71));
	assert_int_equal(number(json_object_get(o, "shown"), "own_gaps"), 1);
	json_decref(o);
}

static json_int_t sum_of_runs(const json_t *runs, size_t *n)
{
	json_int_t sum = 0;

	*n = 0;
	for (size_t i = 0; i < json_array_size(runs); i += at(runs, i + 1) < 0 ? 4 : 2, ++*n) {
		assert_true(at(runs, i) > 0);
		sum += at(runs, i);
	}
	return sum;
}

/* Lanes have no holes; returns how many runs they have together. */
static size_t check_picture(const json_t *picture)
{
	json_t *lanes = json_array_get(picture, 4);
	size_t n = 0, of_lane;

	assert_true(json_array_size(lanes) > 0);
	for (size_t i = 0; i < json_array_size(lanes); i++) {
		json_t *lane = json_array_get(lanes, i);

		assert_int_equal(sum_of_runs(json_array_get(lane, 1), &of_lane), at(picture, 1));
		n += of_lane;
	}
	return n;
}

static void check_gap(const json_t *gap, size_t n_who)
{
	json_t *parts = json_array_get(gap, 9), *stretches = json_array_get(gap, 10);
	json_int_t sum = 0;

	for (size_t i = 0; i < json_array_size(parts); i += 3) {
		assert_in_range(at(parts, i), 0, n_who - 1);
		sum += at(parts, i + 2);
	}
	assert_int_equal(sum, at(gap, 2));
	for (size_t i = sum = 0; i < json_array_size(stretches); i += 3)
		sum += at(stretches, i + 1);
	if (json_array_size(stretches) < 3 * 64)
		assert_int_equal(sum, at(gap, 2));
	if (json_is_array(json_array_get(gap, 12)))
		check_picture(json_array_get(gap, 12));
}

static void check_all(const json_t *o)
{
	json_t *gaps = json_object_get(o, "gaps");

	assert_int_equal(json_array_size(gaps), number(json_object_get(o, "shown"), "gaps"));
	for (size_t i = 0; i < json_array_size(gaps); i++)
		check_gap(json_array_get(gaps, i), json_array_size(json_object_get(o, "who")));
}

static void check_recording(const char *path)
{
	struct kf_snapshot *snapshot = NULL;
	struct kf_timeline *t = NULL;
	struct kf_error e;
	json_t *o;

	if (kf_snapshot_read(&snapshot, path, &e) || kf_timeline_build(&t, snapshot, &e)) {
		fail_msg("%s: %s", path, e.message);
		return;
	}
	o = page_data(t, snapshot);
	check_all(o);
	assert_int_equal(number(o, "n_gaps"), t->n_gaps);
	json_decref(o);
	kf_timeline_free(&t);
	kf_snapshot_free(&snapshot);
}

static void parts_and_pictures_of_recordings_add_up(void **state)
{
	glob_t found;

	assert_int_equal(glob("tests/data/*.kfl", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_recording(found.gl_pathv[i]);
	globfree(&found);
}

/* CPU 0 switches between two threads n times, at equal distances. */
static struct kf_run *busy_cpu(size_t n)
{
	struct kf_run *runs = calloc(n, sizeof(*runs));
	uint64_t span_ns = MS(100) / n;

	assert_non_null(runs);
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct kf_run){ MS(1) + i * span_ns, MS(1) + (i + 1) * span_ns,
					   i % 2 ? HAND_REDIS : HAND_HOG };
	runs[n - 1].end_ns = MS(101);
	h.cpus[0].runs = runs;
	h.cpus[0].n_runs = n;
	return runs;
}

static void short_runs_are_put_together(void **state)
{
	struct kf_run *runs = busy_cpu(100000);
	json_t *o = page_data(&h.timeline, s), *gaps = json_object_get(o, "gaps");

	check_all(o);
	for (size_t i = 0; i < json_array_size(gaps); i++) {
		json_t *picture = json_array_get(json_array_get(gaps, i), 12);

		assert_in_range(check_picture(picture), 1, 8000);
	}
	assert_true(at(json_array_get(json_array_get(gaps, 0), 12), 2) > 0);
	json_decref(o);
	free(runs);
}

static void a_storm_of_softirqs_is_a_few_patches(void **state)
{
	size_t n = 50000;
	struct kf_taken *taken = calloc(n, sizeof(*taken));
	json_int_t sum = 0;
	json_t *o, *lane, *patches;

	assert_non_null(taken);
	for (size_t i = 0; i < n; i++)
		taken[i] = (struct kf_taken){ .start_ns = MS(30) + i * 1000,
					      .end_ns = MS(30) + i * 1000 + 600,
					      .ns = 600,
					      .kind = KF_PART_SOFTIRQ,
					      .vector = 3,
					      .earliest_ns = MS(30) + i * 1000 };
	h.cpus[0].taken = taken;
	h.cpus[0].n_taken = n;
	o = page_data(&h.timeline, s);
	check_all(o);
	lane = json_array_get(json_array_get(json_array_get(json_array_get(json_object_get(o, "gaps"), 0), 12), 4), 0);
	patches = json_array_get(lane, 2);
	assert_in_range(json_array_size(patches) / 4, 10, 8000);
	for (size_t i = 0; i < json_array_size(patches); i += 4)
		sum += at(patches, i + 2);
	assert_int_equal(sum, n * 600);
	json_decref(o);
	free(taken);
}

/* All about as long as the window, three of four of cron, who triggered. */
static struct kf_gap *many_gaps(size_t n)
{
	struct kf_gap *gaps = calloc(n, sizeof(*gaps));
	struct kf_stretch *stretches = calloc(n, sizeof(*stretches));

	assert_non_null(gaps);
	assert_non_null(stretches);
	for (size_t i = 0; i < n; i++) {
		gaps[i] = h.gaps[HAND_GAP_OPEN];
		gaps[i].thread = i % 4 ? HAND_CRON : HAND_NGINX;
		gaps[i].start_ns = MS(1) + i % 50000;
		gaps[i].end_ns = MS(101) - i % 50000;
		gaps[i].first_stretch = (uint32_t)i;
		stretches[i] = (struct kf_stretch){ gaps[i].start_ns, gaps[i].end_ns, 0 };
	}
	h.timeline.gaps = gaps;
	h.timeline.n_gaps = n;
	h.timeline.stretches = stretches;
	h.timeline.n_stretches = n;
	return gaps;
}

static void size_is_bounded(void **state)
{
	struct kf_run *runs = busy_cpu(500);
	struct kf_gap *gaps;
	char *page;
	size_t len;
	json_t *o, *shown;

	/* Names of which every byte takes four. */
	for (size_t i = 0; i < HAND_THREADS; i++)
		memset(h.threads[i].comm, '\x01', KF_COMM_BYTES - 1);
	s->trigger = (struct kf_trigger){
		.kind = KF_TRIGGER_RUNQ, .tid = 77, .tgid = 77, .ts_ns = MS(17), .since_ns = MS(12)
	};
	gaps = many_gaps(2 * KF_HTML_MAX_GAPS);
	page = page_of(&h.timeline, s, &len);
	if (len > 12 * MIB)
		fail_msg("%zu bytes", len);
	o = parsed(data_of(page));
	shown = json_object_get(o, "shown");
	assert_int_equal(number(o, "n_gaps"), 2 * KF_HTML_MAX_GAPS);
	assert_int_equal(number(shown, "gaps"), KF_HTML_MAX_GAPS);
	assert_int_equal(number(shown, "own_gaps"), KF_HTML_MAX_OWN_GAPS);
	assert_in_range(number(shown, "pictures"), 20, KF_HTML_MAX_GAPS - 1);
	check_all(o);
	json_decref(o);
	free(page);
	free(h.timeline.stretches);
	free(gaps);
	free(runs);
}

static void a_full_disk_is_an_error(void **state)
{
	FAILS_ON_A_FULL_DISK(out, e, kf_report_html(&h.timeline, s, &options, out, &e),
			     "cannot write the page: No space left on device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_cannot_leave_its_element),
		cmocka_unit_test(broken_text_is_replaced),
		cmocka_unit_test_setup_teardown(a_page_has_one_style_one_script_and_a_policy, report_setup,
						hand_teardown),
		cmocka_unit_test_setup_teardown(hostile_names_stay_data, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(numbers_are_those_of_the_timeline, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(gaps_left_out_are_not_denied, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_is_told_again_is_marked, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(threads_of_one_name_have_one_share, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_triggered_comes_first, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(parts_and_pictures_of_recordings_add_up, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(short_runs_are_put_together, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_storm_of_softirqs_is_a_few_patches, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(size_is_bounded, report_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_is_an_error, report_setup, hand_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
