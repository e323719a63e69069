/* SPDX-License-Identifier: BSD-2-Clause */
/* control_client.c - the asking side of control.h. */
#include "daemon/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "base/units.h"
#include "daemon/control_socket.h"

static int send_line(int fd, const json_t *request, struct kf_error *e)
{
	char line[KF_CONTROL_LINE_BYTES];
	size_t len = json_dumpb(request, line, sizeof(line) - 1, JSON_COMPACT);

	if (!len || len > sizeof(line) - 1)
		return kf_fail(e, KF_USAGE, NULL, "the request is longer than %d bytes", KF_CONTROL_LINE_BYTES - 1);
	line[len++] = '\n';
	/* A line fits the socket's buffer: this does not block. */
	if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len)
		return kf_fail_errno(e, errno, NULL, "cannot send the request to the recorder");
	return 0;
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

static int parse_answer(const char *line, size_t len, json_t **answer, struct kf_error *e)
{
	*answer = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*answer))
		return 0;
	json_decref(*answer);
	*answer = NULL;
	return kf_fail(e, KF_HOST, "is it another program that listens there?",
		       "the recorder's answer cannot be understood");
}

static int receive_line(int fd, uint64_t timeout_ns, json_t **answer, struct kf_error *e)
{
	uint64_t start_ns = kf_now_ns(), deadline_ns = start_ns + timeout_ns;
	char line[KF_CONTROL_LINE_BYTES], text[32];
	size_t used = 0;
	ssize_t n;

	if (deadline_ns < start_ns)
		deadline_ns = UINT64_MAX;
	while (used < sizeof(line) && !memchr(line, '\n', used)) {
		if (await(fd, deadline_ns))
			return kf_fail(e, KF_HOST, "--timeout waits longer; the snapshot may still be written",
				       "no answer from the recorder within %s",
				       kf_format_duration(timeout_ns, text, sizeof(text)));
		n = recv(fd, line + used, sizeof(line) - used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return kf_fail(e, KF_HOST, "did it end? its messages tell",
				       "the recorder closed the connection without an answer");
		used += (size_t)n;
	}
	return parse_answer(line, used, answer, e);
}

int kf_control_request(const char *path, const json_t *request, uint64_t timeout_ns, json_t **answer,
		       struct kf_error *e)
{
	int fd = kf_control_socket_connect(path, e);
	int ret;

	if (fd < 0)
		return -1;
	ret = send_line(fd, request, e) || receive_line(fd, timeout_ns, answer, e) ? -1 : 0;
	close(fd);
	return ret;
}
