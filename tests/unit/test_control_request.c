/* SPDX-License-Identifier: BSD-2-Clause */
/* What strangers send to the control server, its answers as a client reads them, and addresses for metrics. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "daemon/control_address.h"
#include "daemon/control_request.h"
#include "daemon/http_answer.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void good_wishes(void **state)
{
	struct kf_snapshot_wish wish;
	struct kf_error e = { 0 };
	char body[600], text[257];

	assert_int_equal(kf_snapshot_wish_parse(&wish, "", 0, &e), 0);
	assert_string_equal(wish.reason, "");
	assert_int_equal(kf_snapshot_wish_parse(&wish, "{}", 2, &e), 0);
	snprintf(body, sizeof(body),
		 "{\"span_id\": \"" SPAN "\", \"trace_id\": \"" TRACE "\", \"reason\": \"p99 \\u00fc\"}");
	assert_int_equal(kf_snapshot_wish_parse(&wish, body, strlen(body), &e), 0);
	assert_string_equal(wish.reason, "p99 \xc3\xbc");
	assert_string_equal(wish.trace_id, TRACE);
	assert_string_equal(wish.span_id, SPAN);
	memset(text, 'r', 256);
	text[256] = '\0';
	snprintf(body, sizeof(body), "{\"reason\":\"%s\"}", text);
	assert_int_equal(kf_snapshot_wish_parse(&wish, body, strlen(body), &e), 0);
	assert_string_equal(wish.reason, text);
}

static void bad_wishes(void **state)
{
	static const struct {
		const char *body, *words;
	} all[] = {
		{ "[]", "no JSON object" },
		{ "5", "no JSON object" },
		{ "{", "no JSON object" },
		{ "{\"reason\":\"a\"} x", "no JSON object" },
		{ "{\"reason\":\"a\",\"reason\":\"b\"}", "no JSON object" },
		{ "{\"reason\":\"\\u0000\"}", "no JSON object" },
		{ "{\"reason\":\"\xff\"}", "no JSON object" },
		{ "{\"reason\":null}", "'reason' is no text of at most 256 bytes" },
		{ "{\"traceid\":\"x\"}", "unknown member 'traceid'" },
		{ "{\"a\\u001b[2J\":1}", "unknown member 'a\\x1b[2J'" },
		{ "{\"trace_id\":5}", "'trace_id' is not 32" },
		{ "{\"trace_id\":\"\"}", "'trace_id' is not 32" },
		{ "{\"trace_id\":\"4BF92F3577B34DA6A3CE929D0E0E4736\"}", "'trace_id' is not 32" },
		{ "{\"trace_id\":\"" TRACE "0\"}", "'trace_id' is not 32" },
		{ "{\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e473\"}", "'trace_id' is not 32" },
		{ "{\"trace_id\":\"00000000000000000000000000000000\"}", "'trace_id' is not 32" },
		{ "{\"trace_id\":\"" TRACE "\",\"span_id\":\"0000000000000000\"}", "'span_id' is not 16" },
		{ "{\"span_id\":\"" SPAN "\"}", "of no use without 'trace_id'" },
	};
	struct kf_snapshot_wish wish;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct kf_error e = { 0 };

		if (!kf_snapshot_wish_parse(&wish, all[i].body, strlen(all[i].body), &e) ||
		    !strstr(e.message, all[i].words))
			fail_msg("'%s': '%s' lacks '%s'", all[i].body, e.message, all[i].words);
		assert_int_equal(e.status, KF_USAGE);
	}
}

static void traceparents(void **state)
{
	static const char *const bad[] = {
		"",
		"00",
		"00-" TRACE "-" SPAN,
		"00-" TRACE "-" SPAN "-0",
		"00-" TRACE "-" SPAN "-01-",
		"ff-" TRACE "-" SPAN "-01",
		"0g-" TRACE "-" SPAN "-01",
		"00-" TRACE "-" SPAN "-0G",
		"00_" TRACE "-" SPAN "-01",
		"00-" TRACE "_" SPAN "-01",
		"00-00000000000000000000000000000000-" SPAN "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
		"01-" TRACE "-" SPAN "-01x",
	};
	struct kf_snapshot_wish wish = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (kf_traceparent_take(&wish, bad[i]))
			fail_msg("'%s' was taken", bad[i]);
		assert_string_equal(wish.trace_id, "");
	}
	assert_true(kf_traceparent_take(&wish, "00-" TRACE "-" SPAN "-01"));
	assert_string_equal(wish.trace_id, TRACE);
	assert_string_equal(wish.span_id, SPAN);
	/* what the body says is not overruled */
	assert_false(kf_traceparent_take(&wish, "00-11111111111111111111111111111111-" SPAN "-01"));
	assert_string_equal(wish.trace_id, TRACE);
	memset(&wish, 0, sizeof(wish));
	assert_true(kf_traceparent_take(&wish, "01-" TRACE "-" SPAN "-01-more"));
}

static void trigger_wishes(void **state)
{
	static const struct {
		const char *body, *words;
	} bad[] = {
		{ "", "no JSON object" },
		{ "{}", "changes nothing" },
		{ "{\"enabled\":1}", "'enabled' is neither true nor false" },
		{ "{\"trigger\":[]}", "'trigger' is no text" },
		{ "{\"threshold\":\"5ms\"}", "unknown member 'threshold'" },
	};
	struct kf_trigger_wish wish;
	struct kf_error e = { 0 };
	json_t *holder;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(kf_trigger_wish_parse(&wish, &holder, bad[i].body, strlen(bad[i].body), &e), -1);
		assert_null(holder);
		if (!strstr(e.message, bad[i].words))
			fail_msg("'%s': '%s' lacks '%s'", bad[i].body, e.message, bad[i].words);
	}
	assert_int_equal(kf_trigger_wish_parse(&wish, &holder, "{\"trigger\":\"runq>5ms\"}", 22, &e), 0);
	assert_string_equal(wish.text, "runq>5ms");
	assert_false(wish.sets_enabled);
	json_decref(holder);
	assert_int_equal(kf_trigger_wish_parse(&wish, &holder, "{\"enabled\":false}", 17, &e), 0);
	assert_null(wish.text);
	assert_true(wish.sets_enabled);
	assert_false(wish.enabled);
	json_decref(holder);
}

static void http_answers(void **state)
{
	static const struct {
		const char *bytes, *words;
	} bad[] = {
		{ "", "no end" },
		{ "HTTP/1.1 200 OK\r\n", "no end" },
		{ "{\"ok\":true}\n\r\n\r\n", "no HTTP" },
		{ "\r\n\r\n", "no HTTP" },
		{ "HTTP/2 200 OK\r\n\r\n", "no HTTP" },
		{ "HTTP/1.1 2000 OK\r\n\r\n", "no HTTP" },
		{ "HTTP/1.1 999 OK\r\n\r\n", "no HTTP" },
		{ "HTTP/1.1  20 OK\r\n\r\n", "no HTTP" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "cut off" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", "longer" },
		{ "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}", "no number" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n{}", "no number" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}", "no number" },
		{ "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "encoded" },
	};
	static const char good[] = "HTTP/1.1 409 Conflict\r\nRetry-After: 1\r\ncontent-length:  2\r\n\r\n{}";
	struct kf_http_answer answer;
	struct kf_error e = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(kf_http_answer_parse(&answer, bad[i].bytes, strlen(bad[i].bytes), &e), -1);
		if (!strstr(e.message, bad[i].words))
			fail_msg("'%s': '%s' lacks '%s'", bad[i].bytes, e.message, bad[i].words);
	}
	assert_int_equal(kf_http_answer_parse(&answer, good, strlen(good), &e), 0);
	assert_int_equal(answer.status, 409);
	assert_int_equal(answer.body_len, 2);
	assert_memory_equal(answer.body, "{}", 2);
	assert_int_equal(kf_http_answer_parse(&answer, "HTTP/1.0 200\r\n\r\nrest", 20, &e), 0);
	assert_int_equal(answer.body_len, 4);
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *host;
		int port;
	} good[] = {
		{ "9464", "127.0.0.1", 9464 },		 { ":9464", "127.0.0.1", 9464 }, { "0.0.0.0:1", "0.0.0.0", 1 },
		{ "10.1.2.3:65535", "10.1.2.3", 65535 }, { "[::1]:9464", "::1", 9464 },	 { "[::]:80", "::", 80 },
	};
	static const char *const bad[] = {
		"",
		":",
		"0",
		"65536",
		"-1",
		"9464x",
		" 9464",
		"localhost:9464",
		"::1:9464",
		"[::1]",
		"[::1:9464",
		"1.2.3:9464",
		"127.0.0.1:",
		"[]:9464",
		"[127.0.0.1]:9464",
		"123456789",
	};
	struct kf_metrics_address a;
	struct kf_error e = { 0 };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct sockaddr_in6 *v6 = (const void *)&a.address;
		const struct sockaddr_in *v4 = (const void *)&a.address;
		bool six = strchr(good[i].host, ':');
		char host[INET6_ADDRSTRLEN];

		if (kf_metrics_address_parse(&a, good[i].text, &e))
			fail_msg("'%s': %s", good[i].text, e.message);
		assert_int_equal(a.address.ss_family, six ? AF_INET6 : AF_INET);
		inet_ntop(a.address.ss_family, six ? (const void *)&v6->sin6_addr : &v4->sin_addr, host, sizeof(host));
		assert_string_equal(host, good[i].host);
		assert_int_equal(ntohs(six ? v6->sin6_port : v4->sin_port), good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!kf_metrics_address_parse(&a, bad[i], &e))
			fail_msg("'%s' was taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_wishes),	  cmocka_unit_test(bad_wishes),	  cmocka_unit_test(traceparents),
		cmocka_unit_test(trigger_wishes), cmocka_unit_test(http_answers), cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
