/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"

struct kf_notify {
	int socket; /* -1 none */
	struct sockaddr_un address;
	socklen_t address_len;
	int fd; /* to be told once, -1 none */
	uint64_t watchdog_ns;
};

/* ---- sending ---- */

static void send_lines(struct kf_notify *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void send_lines(struct kf_notify *n, const char *format, ...)
{
	char lines[1024];
	va_list args;
	int len;

	if (!n || n->socket < 0)
		return;
	va_start(args, format);
	len = vsnprintf(lines, sizeof(lines), format, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof(lines))
		sendto(n->socket, lines, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&n->address,
		       n->address_len);
}

/* A newline would begin another assignment. */
static const char *one_line(const char *status, char *out, size_t len)
{
	snprintf(out, len, "%s", status);
	for (char *at = out; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	return out;
}

static void tell_fd(struct kf_notify *n)
{
	struct pollfd p = { .events = POLLOUT };

	if (!n || n->fd < 0)
		return;
	p.fd = n->fd;
	/* Who has gone away (POLLERR; a write would be a SIGPIPE) does not want to know. */
	if (poll(&p, 1, 0) == 1 && p.revents == POLLOUT && write(n->fd, "\n", 1) != 1)
		kf_note("--notify-fd %d: %s", n->fd, strerror(errno));
	close(n->fd);
	n->fd = -1;
}

void kf_notify_ready(struct kf_notify *n, const char *status)
{
	char line[512];

	send_lines(n, "READY=1\nMAINPID=%ld\nSTATUS=%s\n", (long)getpid(), one_line(status, line, sizeof(line)));
	tell_fd(n);
}

void kf_notify_status(struct kf_notify *n, const char *status)
{
	char line[512];

	send_lines(n, "STATUS=%s\n", one_line(status, line, sizeof(line)));
}

void kf_notify_reloading(struct kf_notify *n)
{
	send_lines(n, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", kf_now_ns() / 1000);
}

void kf_notify_stopping(struct kf_notify *n, const char *status)
{
	char line[512];

	send_lines(n, "STOPPING=1\nSTATUS=%s\n", one_line(status, line, sizeof(line)));
}

void kf_notify_alive(struct kf_notify *n)
{
	send_lines(n, "WATCHDOG=1\n");
}

uint64_t kf_notify_watchdog_ns(const struct kf_notify *n)
{
	return n->watchdog_ns;
}

/* ---- who is told ---- */

/* The whole text as a number, or 0. */
static uint64_t number(const char *text)
{
	uint64_t value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || *end ? 0 : value;
}

/* WATCHDOG_PID is another's when a wrapper was started and then started us without taking it away. */
static uint64_t watchdog_ns(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t usec = number(getenv("WATCHDOG_USEC"));

	if ((pid && number(pid) != (uint64_t)getpid()) || usec > UINT64_MAX / 1000)
		return 0;
	return usec * 1000;
}

static int open_socket(struct kf_notify *n, const char *name, struct kf_error *e)
{
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') || !name[1])
		return kf_fail(e, KF_USAGE, NULL, "bad NOTIFY_SOCKET '%.200s': neither a path nor '@' and a name",
			       name);
	if (len >= sizeof(n->address.sun_path))
		return kf_fail(e, KF_USAGE, NULL, "bad NOTIFY_SOCKET '%.200s': longer than %zu bytes", name,
			       sizeof(n->address.sun_path) - 1);
	n->address.sun_family = AF_UNIX;
	memcpy(n->address.sun_path, name, len + 1);
	n->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	if (*name == '@') {
		n->address.sun_path[0] = '\0';
		n->address_len--; /* an abstract name has no NUL at its end */
	}
	n->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return n->socket < 0 ? kf_fail_errno(e, errno, NULL, "cannot notify '%s'", name) : 0;
}

int kf_notify_parse_fd(const char *text, int *out, struct kf_error *e)
{
	uint64_t fd = number(text);
	int flags;

	*out = -1;
	if (!text)
		return 0;
	if (fd <= STDERR_FILENO || fd > INT32_MAX)
		return kf_fail(e, KF_USAGE, "a descriptor of 3 or more, as in --notify-fd 3 3>ready",
			       "bad --notify-fd '%.80s'", text);
	flags = fcntl((int)fd, F_GETFD);
	if (flags < 0 || fcntl((int)fd, F_SETFD, flags | FD_CLOEXEC))
		return kf_fail_errno(e, errno, "it has to be open when kflight is started", "--notify-fd %d", (int)fd);
	*out = (int)fd;
	return 0;
}

int kf_notify_new(struct kf_notify **out, int fd, struct kf_error *e)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct kf_notify *n = calloc(1, sizeof(*n));

	if (!n)
		return kf_fail_memory(e, "notifications");
	n->socket = -1;
	n->fd = fd;
	if (name && *name && open_socket(n, name, e)) {
		kf_notify_free(&n);
		return -1;
	}
	if (n->socket >= 0)
		n->watchdog_ns = watchdog_ns();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	*out = n;
	return 0;
}

void kf_notify_free(struct kf_notify **n)
{
	if (!*n)
		return;
	if ((*n)->socket >= 0)
		close((*n)->socket);
	if ((*n)->fd >= 0)
		close((*n)->fd);
	free(*n);
	*n = NULL;
}
