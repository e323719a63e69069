/* SPDX-License-Identifier: BSD-2-Clause */
#include "kflight_slow.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct ask {
	const char *socket;
	char reason[200];
	char traceparent[64];
};

uint64_t kflight_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nobody waits for ever on a recorder that hangs. Returns -1 with errno. */
static int connect_recorder(const char *path)
{
	const struct timeval patience = { .tv_sec = 30 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* As a JSON string; what would have to be escaped becomes '?'. */
static void quote(const char *text, char *out, size_t len)
{
	size_t n = 0;

	for (; *text && n + 1 < len; text++)
		out[n++] = *text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\' ? '?' : *text;
	out[n] = '\0';
}

static void *ask_main(void *arg)
{
	struct ask *ask = arg;
	char reason[sizeof(ask->reason)], body[256], request[640], answer[1024];
	int fd = connect_recorder(ask->socket), len;
	size_t used = 0;
	ssize_t n;

	quote(ask->reason, reason, sizeof(reason));
	snprintf(body, sizeof(body), "{\"reason\":\"%s\"}", reason);
	/* The recorder takes the ids out of the header; one that is not valid it ignores. */
	len = snprintf(request, sizeof(request),
		       "POST /snapshot HTTP/1.1\r\nHost: kflight\r\nConnection: close\r\n"
		       "Content-Type: application/json\r\nContent-Length: %zu\r\n%s%s%s\r\n%s",
		       strlen(body), ask->traceparent[0] ? "traceparent: " : "", ask->traceparent,
		       ask->traceparent[0] ? "\r\n" : "", body);
	if (fd < 0 || send(fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
		fprintf(stderr, "no snapshot of %s: %s\n", reason, strerror(errno));
	} else {
		/* The answer comes when the file is written. */
		while (used < sizeof(answer) - 1 && (n = recv(fd, answer + used, sizeof(answer) - 1 - used, 0)) > 0)
			used += (size_t)n;
		answer[used] = '\0';
		fprintf(stderr, "snapshot of %s: %s\n", reason, answer);
	}
	if (fd >= 0)
		close(fd);
	free(ask);
	return NULL;
}

void kflight_slow_check(struct kflight_slow *slow, uint64_t begin_ns, const char *what, const char *traceparent)
{
	uint64_t now_ns = kflight_now_ns(), next_ns = atomic_load(&slow->next_ns);
	struct ask *ask;
	pthread_t thread;

	if (now_ns - begin_ns <= slow->limit_ns || now_ns < next_ns)
		return;
	/* One of those that come now wins. */
	if (!atomic_compare_exchange_strong(&slow->next_ns, &next_ns, now_ns + slow->every_ns))
		return;
	ask = calloc(1, sizeof(*ask));
	if (!ask)
		return;
	ask->socket = slow->socket ? slow->socket : "/run/kflight/control.sock";
	snprintf(ask->reason, sizeof(ask->reason), "%.150s took %llu ms", what,
		 (unsigned long long)((now_ns - begin_ns) / 1000000));
	if (traceparent && strlen(traceparent) < sizeof(ask->traceparent) && !strpbrk(traceparent, "\r\n"))
		strcpy(ask->traceparent, traceparent);
	if (pthread_create(&thread, NULL, ask_main, ask))
		free(ask);
	else
		pthread_detach(thread);
}
