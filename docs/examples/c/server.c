/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.c - a server that is slow when asked for /slow, one request at a time, with kflight_slow.h.
 *
 *	cc -o server server.c kflight_slow.c -lpthread
 *	./server PORT [SOCKET [EVERY_SECONDS]]
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kflight_slow.h"

/* The value of the header, up to its end of line, in request itself; NULL if there is none. */
static char *find_header(char *request, const char *name)
{
	char *line = strstr(request, "\r\n");

	for (; line; line = strstr(line, "\r\n")) {
		line += 2;
		if (!strncasecmp(line, name, strlen(name)) && line[strlen(name)] == ':') {
			line += strlen(name) + 1;
			line += strspn(line, " \t");
			line[strcspn(line, "\r\n")] = '\0';
			return line;
		}
	}
	return NULL;
}

static void answer(int fd, struct kflight_slow *slow)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\ndone\n";
	const struct timespec nap = { .tv_nsec = 150000000 };
	uint64_t begin_ns = kflight_now_ns();
	char request[4096], what[128];
	size_t used = 0;
	ssize_t n = 1;

	request[0] = '\0';
	while (used < sizeof(request) - 1 && !strstr(request, "\r\n\r\n") && n > 0) {
		n = recv(fd, request + used, sizeof(request) - 1 - used, 0);
		used += n > 0 ? (size_t)n : 0;
		request[used] = '\0';
	}
	snprintf(what, sizeof(what), "%.*s", (int)strcspn(request, "\r\n"), request);
	if (!strncmp(request, "GET /slow ", 10))
		nanosleep(&nap, NULL);
	send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	kflight_slow_check(slow, begin_ns, what, find_header(request, "traceparent"));
}

int main(int argc, char **argv)
{
	struct kflight_slow slow = { .limit_ns = 100000000, .every_ns = 30000000000u };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), client;

	address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 8080));
	slow.socket = argc > 2 ? argv[2] : NULL;
	if (argc > 3)
		slow.every_ns = (uint64_t)atoi(argv[3]) * 1000000000u;
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, 16)) {
		perror("cannot listen");
		return 1;
	}
	puts("listening");
	fflush(stdout);
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		answer(client, &slow);
		close(client);
	}
	return 0;
}
