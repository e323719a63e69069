/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define BACKLOG 64
#define HINT	"9477 (loopback), 127.0.0.1:9477, [::1]:9477, 0.0.0.0:9477"

static int parse_port(const char *text, in_port_t *out)
{
	unsigned long port;

	if (!text[0] || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
		return -1;
	port = strtoul(text, NULL, 10);
	*out = htons((uint16_t)port);
	return port >= 1 && port <= 65535 ? 0 : -1;
}

static void set_v4(struct kf_metrics_address *a, struct in_addr host, in_port_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port, .sin_addr = host };

	memcpy(&a->address, &in, sizeof(in));
	a->len = sizeof(in);
}

static void set_v6(struct kf_metrics_address *a, struct in6_addr host, in_port_t port)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = host };

	memcpy(&a->address, &in, sizeof(in));
	a->len = sizeof(in);
}

int kf_metrics_address_parse(struct kf_metrics_address *out, const char *text, struct kf_error *e)
{
	const char *colon = strrchr(text, ':'), *port_text = colon ? colon + 1 : text;
	size_t host_len = colon ? (size_t)(colon - text) : 0;
	struct in6_addr v6;
	struct in_addr v4;
	char host[64];
	in_port_t port;

	memset(out, 0, sizeof(*out));
	if (parse_port(port_text, &port) || host_len >= sizeof(host))
		return kf_fail(e, KF_USAGE, HINT, "bad address '%.64s': no port from 1 to 65535 at its end", text);
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (!host_len) {
		set_v4(out, (struct in_addr){ htonl(INADDR_LOOPBACK) }, port);
		return 0;
	}
	if (inet_pton(AF_INET, host, &v4) == 1) {
		set_v4(out, v4, port);
		return 0;
	}
	if (host[0] == '[' && host[host_len - 1] == ']') {
		host[host_len - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &v6) == 1) {
			set_v6(out, v6, port);
			return 0;
		}
	}
	return kf_fail(e, KF_USAGE, HINT, "bad address '%.64s': its host is no IPv4 address and no [IPv6 address]",
		       text);
}

static void show(const struct kf_metrics_address *a, char *out, size_t len)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->address;
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->address.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(out, len, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(out, len, "%s:%u", host, ntohs(v4->sin_port));
	}
}

int kf_metrics_address_listen(const struct kf_metrics_address *a, struct kf_error *e)
{
	int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;
	char text[INET6_ADDRSTRLEN + 16];

	/* A recorder that starts again need not wait for the connections of the one before it. */
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (const struct sockaddr *)&a->address, a->len) && !listen(fd, BACKLOG))
		return fd;
	err = errno;
	if (fd >= 0)
		close(fd);
	show(a, text, sizeof(text));
	return kf_fail_errno(e, err, err == EADDRINUSE ? "--metrics takes another port" : NULL, "cannot listen at '%s'",
			     text);
}
