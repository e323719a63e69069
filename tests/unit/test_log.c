/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "daemon/log.h"
#include "daemon/log_limit.h"
#include "daemon/log_line.h"

#define S 1000000000ull

/* ---- limit ---- */

static void a_repeated_message_is_counted_for_ten_seconds(void **state)
{
	struct kf_log_limit l = { 0 };
	uint64_t now = 1000 * S;
	char text[160];

	assert_true(kf_log_limit_take(&l, false, "a", now));
	assert_false(kf_log_limit_report(&l, text, sizeof(text)));
	for (int i = 0; i < 37; i++)
		assert_false(kf_log_limit_take(&l, false, "a", now + 9 * S));
	assert_true(kf_log_limit_take(&l, false, "a", now + 10 * S));
	assert_true(kf_log_limit_report(&l, text, sizeof(text)));
	assert_string_equal(text, "the message before came 37 more times");
	assert_false(kf_log_limit_report(&l, text, sizeof(text)));
	assert_true(kf_log_limit_take(&l, false, "b", now + 10 * S));
	assert_true(kf_log_limit_take(&l, false, "a", now + 10 * S));
}

/* However long a storm lasts: 60, and one a second. */
static void a_storm_is_thinned(void **state)
{
	struct kf_log_limit l = { 0 };
	uint64_t written = 0;
	char text[160];

	for (uint64_t ms = 0; ms < 100000; ms++) {
		char message[32];

		snprintf(message, sizeof(message), "message %u", (unsigned int)ms);
		written += kf_log_limit_take(&l, false, message, 1000 * S + ms * 1000000);
	}
	assert_in_range(written, KF_LOG_LIMIT_BURST + 98, KF_LOG_LIMIT_BURST + 100);
	assert_true(kf_log_limit_take(&l, true, "an error", 1100 * S));
	assert_true(kf_log_limit_report(&l, text, sizeof(text)));
	assert_non_null(strstr(text, " messages were left out: too many at once"));
	assert_int_equal(strtoull(text, NULL, 10), 100000 - written);
}

static void after_a_pause_there_is_a_whole_burst(void **state)
{
	struct kf_log_limit l = { 0 };

	for (int round = 1; round < 4; round++)
		for (int i = 0; i < KF_LOG_LIMIT_BURST + 1; i++) {
			char message[32];

			snprintf(message, sizeof(message), "message %d", i);
			assert_int_equal(kf_log_limit_take(&l, false, message, (uint64_t)round * 100 * S),
					 i < KF_LOG_LIMIT_BURST);
		}
}

/* ---- formats ---- */

static const struct kf_log_line plain = { .level = KF_LOG_INFO, .realtime_ns = 1795248902123456789, .message = "m" };

static void text_is_for_a_person(void **state)
{
	struct kf_log_line line = plain;
	char out[KF_LOG_LINE_BYTES];

	assert_int_equal(kf_log_line_text(&line, out), 11);
	assert_memory_equal(out, "kflight: m\n", 11);
	line.level = KF_LOG_WARNING;
	line.message = "a\nb\033c";
	assert_int_equal(kf_log_line_text(&line, out), 24);
	assert_memory_equal(out, "kflight: warning: a b c\n", 24);
	line.level = KF_LOG_ERROR;
	line.hint = "h";
	line.message = "m";
	assert_int_equal(kf_log_line_text(&line, out), 35);
	assert_memory_equal(out, "kflight: error: m\nkflight: hint: h\n", 35);
}

static void long_text_is_cut(void **state)
{
	struct kf_log_line line = plain;
	char message[8192], out[KF_LOG_LINE_BYTES];
	size_t len;

	memset(message, 'x', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	line.message = message;
	len = kf_log_line_text(&line, out);
	assert_in_range(len, KF_LOG_LINE_BYTES - 2, KF_LOG_LINE_BYTES);
	assert_int_equal(out[len - 1], '\n');
	line.message = "m";
	line.fields = KF_LOG_FIELDS({ "path", message }, { "rule", "r" });
	len = kf_log_line_json(&line, out);
	out[len] = '\0';
	assert_string_equal(
		out, "{\"time\":\"2026-11-21T08:15:02.123Z\",\"level\":\"info\",\"message\":\"m\",\"rule\":\"r\"}\n");
}

static void json_has_what_is_given(void **state)
{
	struct kf_log_line line = plain;
	char out[KF_LOG_LINE_BYTES];
	size_t len;

	line.message = "say \"a\"\n\xff";
	line.hint = "h";
	line.level = KF_LOG_ERROR;
	line.fields = KF_LOG_FIELDS({ "path", "/x" }, { "rule", NULL }, { "pid", "" }, { "trace_id", "ab" });
	len = kf_log_line_json(&line, out);
	out[len] = '\0';
	assert_string_equal(
		out, "{\"time\":\"2026-11-21T08:15:02.123Z\",\"level\":\"error\",\"message\":\"say \\\"a\\\"\\\\x0a"
		     "\\\\xff\",\"hint\":\"h\",\"path\":\"/x\",\"trace_id\":\"ab\"}\n");
}

static void journal_fields_are_as_its_protocol_has_them(void **state)
{
	static const char want[] = "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\nPRIORITY=6\nSYSLOG_IDENTIFIER=kflight\n"
				   "KFLIGHT_PATH=/x y=z\nMESSAGE_ID=" KF_LOG_ID_SNAPSHOT "\nKFLIGHT_TRACE_ID=ab\n";
	struct kf_log_line line = plain;
	char out[KF_LOG_DATAGRAM_BYTES];

	line.message = "a\nb";
	line.fields = KF_LOG_FIELDS({ "path", "/x y=z" }, { "rule", NULL }, { "message_id", KF_LOG_ID_SNAPSHOT },
				    { "trace_id", "ab" });
	assert_int_equal(kf_log_line_journal(&line, out), sizeof(want) - 1);
	assert_memory_equal(out, want, sizeof(want) - 1);
}

static void journal_leaves_out_what_does_not_fit(void **state)
{
	static char value[KF_LOG_DATAGRAM_BYTES];
	static const char want[] = "MESSAGE=m (h)\nPRIORITY=3\nSYSLOG_IDENTIFIER=kflight\nKFLIGHT_RULE=r\n";
	struct kf_log_line line = plain;
	char out[KF_LOG_DATAGRAM_BYTES];

	memset(value, '\n', sizeof(value) - 1);
	line.level = KF_LOG_ERROR;
	line.hint = "h";
	line.fields = KF_LOG_FIELDS({ "path", value }, { "rule", "r" });
	assert_int_equal(kf_log_line_journal(&line, out), sizeof(want) - 1);
	assert_memory_equal(out, want, sizeof(want) - 1);
}

/* ---- the log ---- */

/* Standard error for a while: what was written there. */
struct capture {
	int saved, read;
};

static void begin_capture(struct capture *c)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 8192), 8192);
	fflush(stderr);
	c->saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	c->read = ends[0];
	/* Blocking, as anybody's standard error is. */
	fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) & ~O_NONBLOCK);
}

static void take_text(struct capture *c, char *out, size_t len)
{
	ssize_t n = read(c->read, out, len - 1);

	out[n > 0 ? n : 0] = '\0';
}

static void end_capture(struct capture *c)
{
	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->read);
}

static void messages_of_all_modules_go_to_the_log(void **state)
{
	struct kf_log *log = NULL;
	struct capture c;
	char text[1024];
	struct kf_error e;

	kf_fail(&e, KF_HOST, "try", "it failed");
	begin_capture(&c);
	assert_int_equal(kf_log_new(&log, KF_LOG_JSON, &e), 0);
	kf_note("noted %d", 1);
	take_text(&c, text, sizeof(text));
	assert_non_null(strstr(text, "\"level\":\"info\",\"message\":\"noted 1\"}\n"));
	assert_true(kf_log_is_for_programs(log));
	assert_int_equal(kf_error_print(&e), KF_HOST);
	take_text(&c, text, sizeof(text));
	assert_non_null(strstr(text, "\"level\":\"error\",\"message\":\"it failed\",\"hint\":\"try\"}\n"));
	assert_int_equal(kf_log_change(log, KF_LOG_TEXT, &e), 0);
	kf_log(log, KF_LOG_WARNING, KF_LOG_FIELDS({ "path", "/x" }), "care %s", "now");
	take_text(&c, text, sizeof(text));
	assert_string_equal(text, "kflight: warning: care now\n");
	assert_false(kf_log_is_for_programs(log));
	kf_log(log, KF_LOG_ERROR, KF_LOG_FIELDS({ "hint", "try" }, { "path", "/x" }), "failed");
	take_text(&c, text, sizeof(text));
	assert_string_equal(text, "kflight: error: failed\nkflight: hint: try\n");
	kf_log_free(&log);
	kf_note("plain");
	kf_log(NULL, KF_LOG_INFO, NULL, "no log");
	take_text(&c, text, sizeof(text));
	assert_string_equal(text, "kflight: plain\nkflight: no log\n");
	end_capture(&c);
}

/* Nobody reads: it goes on, and says later what was lost. */
static void a_reader_that_stops_is_not_waited_for(void **state)
{
	struct kf_log *log = NULL;
	char text[16384], message[512];
	struct capture c;
	struct kf_error e;

	begin_capture(&c);
	assert_int_equal(kf_log_new(&log, KF_LOG_TEXT, &e), 0);
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	for (int i = 0; i < 30; i++)
		kf_log(log, KF_LOG_INFO, NULL, "%d %s", i, message);
	take_text(&c, text, sizeof(text));
	assert_memory_equal(text, "kflight: 0 xxx", 14);
	kf_log(log, KF_LOG_INFO, NULL, "after");
	take_text(&c, text, sizeof(text));
	if (!strstr(text, " messages are lost: nobody read them\nkflight: after\n"))
		fail_msg("got '%s'", text);
	kf_log_free(&log);
	end_capture(&c);
}

static void an_end_says_what_was_left_out(void **state)
{
	struct kf_log *log = NULL;
	struct capture c;
	char text[1024];
	struct kf_error e;

	begin_capture(&c);
	assert_int_equal(kf_log_new(&log, KF_LOG_TEXT, &e), 0);
	for (int i = 0; i < 5; i++)
		kf_note("again");
	kf_log_free(&log);
	take_text(&c, text, sizeof(text));
	assert_string_equal(text, "kflight: again\nkflight: the message before came 4 more times\n");
	end_capture(&c);
}

static void formats_have_names(void **state)
{
	enum kf_log_format format;
	struct kf_error e;

	assert_int_equal(kf_log_parse(NULL, &format, &e), 0);
	assert_int_equal(format, KF_LOG_AUTO);
	assert_int_equal(kf_log_parse("journal", &format, &e), 0);
	assert_int_equal(format, KF_LOG_JOURNAL);
	assert_int_equal(kf_log_parse("jsno", &format, &e), -1);
	assert_string_equal(e.message, "bad --log 'jsno': did you mean 'json'?");
}

/* A JOURNAL_STREAM that was inherited and is not our standard error any more counts for nothing. */
static void a_redirected_stderr_is_not_the_journal(void **state)
{
	struct kf_log *log = NULL;
	struct capture c;
	char text[128];
	struct kf_error e;

	begin_capture(&c);
	setenv("JOURNAL_STREAM", "1:2", 1);
	assert_int_equal(kf_log_new(&log, KF_LOG_AUTO, &e), 0);
	kf_note("here");
	kf_log_free(&log);
	take_text(&c, text, sizeof(text));
	assert_string_equal(text, "kflight: here\n");
	unsetenv("JOURNAL_STREAM");
	end_capture(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repeated_message_is_counted_for_ten_seconds),
		cmocka_unit_test(a_storm_is_thinned),
		cmocka_unit_test(after_a_pause_there_is_a_whole_burst),
		cmocka_unit_test(text_is_for_a_person),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(json_has_what_is_given),
		cmocka_unit_test(journal_fields_are_as_its_protocol_has_them),
		cmocka_unit_test(journal_leaves_out_what_does_not_fit),
		cmocka_unit_test(messages_of_all_modules_go_to_the_log),
		cmocka_unit_test(a_reader_that_stops_is_not_waited_for),
		cmocka_unit_test(an_end_says_what_was_left_out),
		cmocka_unit_test(formats_have_names),
		cmocka_unit_test(a_redirected_stderr_is_not_the_journal),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
