/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"
#include "base/now.h"
#include "base/text.h"
#include "base/units.h"
#include "daemon/control_socket.h"
#include "daemon/http_answer.h"

#define MAX_ANSWER_BYTES (16u << 20)
#define READ_BYTES	 16384

static int send_request(int fd, const char *method, const char *path, const json_t *body, struct kf_error *e)
{
	char *json = body ? json_dumps(body, JSON_COMPACT) : strdup(""), *text = NULL;
	int len =
		json ? asprintf(&text,
				"%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kflight/" KF_VERSION "\r\n"
				"Connection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
				method, path, strlen(json), json)
		     : -1;
	int err = 0;

	/* It fits the socket's buffer: this does not block. */
	if (len < 0)
		err = kf_fail_memory(e, "the request");
	else if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		err = kf_fail_errno(e, errno, NULL, "cannot send the request to the recorder");
	free(json);
	if (len >= 0)
		free(text);
	return err;
}

/* Waits until fd is readable. Returns 0 or -1. */
static int await(int fd, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = kf_now_ns();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t left_ms = deadline_ns > now ? (deadline_ns - now + 999999) / 1000000 : 0;
		int n = poll(&p, 1, left_ms > 60000 ? 60000 : (int)left_ms);

		if (n > 0)
			return 0;
		if ((n < 0 && errno != EINTR) || now >= deadline_ns)
			return -1;
	}
}

struct bytes {
	char *items;
	size_t n, room;
};

/* Until the recorder closes the connection. */
static int receive(int fd, uint64_t timeout_ns, struct bytes *into, struct kf_error *e)
{
	uint64_t start_ns = kf_now_ns(), deadline_ns = start_ns + timeout_ns;
	char part[READ_BYTES], text[32];
	ssize_t n;

	if (deadline_ns < start_ns)
		deadline_ns = UINT64_MAX;
	for (;;) {
		if (await(fd, deadline_ns))
			return kf_fail(e, KF_HOST, "--timeout waits longer; what was asked for may still be done",
				       "no answer from the recorder within %s",
				       kf_format_duration(timeout_ns, text, sizeof(text)));
		n = recv(fd, part, sizeof(part), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (into->n + (size_t)n > MAX_ANSWER_BYTES)
			return kf_fail(e, KF_HOST, NULL, "the recorder's answer is longer than %u bytes",
				       MAX_ANSWER_BYTES);
		while (into->room < into->n + (size_t)n)
			if (kf_grow((void **)&into->items, into->room, &into->room, 1))
				return kf_fail_memory(e, "the answer");
		memcpy(into->items + into->n, part, (size_t)n);
		into->n += (size_t)n;
	}
	return into->n ? 0
		       : kf_fail(e, KF_HOST, "did it end? its messages tell",
				 "the recorder closed the connection without an answer");
}

static int refused(const struct kf_http_answer *http, const json_t *answer, struct kf_error *e)
{
	const char *why = json_string_value(json_object_get(answer, "why"));
	const char *hint = json_string_value(json_object_get(answer, "hint"));
	const char *error = json_string_value(json_object_get(answer, "error"));
	bool ours = http->status == 400 || http->status == 404 || http->status == 413;
	char why_shown[400], hint_shown[300], error_shown[64];

	kf_text_printable(why ? why : "no reason given", SIZE_MAX, why_shown, sizeof(why_shown));
	kf_text_printable(hint ? hint : "", SIZE_MAX, hint_shown, sizeof(hint_shown));
	kf_text_printable(error ? error : "refused", SIZE_MAX, error_shown, sizeof(error_shown));
	return kf_fail(e, ours ? KF_USAGE : KF_HOST, hint_shown[0] ? hint_shown : NULL, "%s%s%s",
		       ours ? "" : error_shown, ours ? "" : ": ", why_shown);
}

static int understand(const struct bytes *bytes, json_t **out, struct kf_error *e)
{
	struct kf_http_answer http;
	json_t *answer;
	int err = 0;

	if (kf_http_answer_parse(&http, bytes->items, bytes->n, e))
		return -1;
	answer = json_loadb(http.body, http.body_len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(answer))
		err = kf_fail(e, KF_HOST, "is it another program that listens there?",
			      "the recorder's answer cannot be understood: HTTP status %u without a JSON object",
			      http.status);
	else if (http.status != 200)
		err = refused(&http, answer, e);
	if (err)
		json_decref(answer);
	else
		*out = answer;
	return err;
}

int kf_control_ask(const char *socket, const char *method, const char *path, const json_t *body, uint64_t timeout_ns,
		   json_t **answer, struct kf_error *e)
{
	struct bytes bytes = { 0 };
	int fd = kf_control_socket_connect(socket, e), err;

	if (fd < 0)
		return -1;
	err = send_request(fd, method, path, body, e) || receive(fd, timeout_ns, &bytes, e) ||
	      understand(&bytes, answer, e);
	close(fd);
	free(bytes.items);
	return err ? -1 : 0;
}
