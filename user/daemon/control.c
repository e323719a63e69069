/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "daemon/control_socket.h"

enum client_state {
	CLIENT_FREE,
	CLIENT_READING, /* has not sent its whole line */
	CLIENT_WAITING, /* a snapshot is under way for it */
	CLIENT_WRITING, /* has not taken its whole answer */
};

struct client {
	enum client_state state;
	int fd;
	uint64_t generation; /* of this slot, so that an old request does not meet a new client */
	uint64_t deadline_ns;
	char line[KF_CONTROL_LINE_BYTES]; /* the request, then the answer */
	size_t used;
	size_t sent;
};

struct kf_control {
	struct kf_control_socket socket;
	int epoll_fd;
	int timer_fd;
	struct client clients[KF_CONTROL_CLIENTS];
};

/* What an epoll event is about: a client's index, or one of these. */
#define TAG_LISTEN KF_CONTROL_CLIENTS
#define TAG_TIMER  (KF_CONTROL_CLIENTS + 1)

static int watch(struct kf_control *c, int op, int fd, uint32_t events, uint32_t tag)
{
	struct epoll_event event = { .events = events, .data.u32 = tag };

	return epoll_ctl(c->epoll_fd, op, fd, &event);
}

/* Wakes us when the first impatient deadline has passed; never without such clients. */
static void arm_timer(struct kf_control *c)
{
	struct itimerspec when = { 0 };
	uint64_t first_ns = UINT64_MAX;

	for (int i = 0; i < KF_CONTROL_CLIENTS; i++) {
		const struct client *client = &c->clients[i];

		if ((client->state == CLIENT_READING || client->state == CLIENT_WRITING) &&
		    client->deadline_ns < first_ns)
			first_ns = client->deadline_ns;
	}
	if (first_ns != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(first_ns / 1000000000ull);
		when.it_value.tv_nsec = (long)(first_ns % 1000000000ull);
	}
	timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void drop(struct client *client)
{
	close(client->fd); /* leaves the epoll set by itself */
	client->state = CLIENT_FREE;
	client->fd = -1;
	client->generation++;
}

static kf_request request_of(const struct kf_control *c, const struct client *client)
{
	return client->generation * KF_CONTROL_CLIENTS + (uint64_t)(client - c->clients);
}

static struct client *find_waiting(struct kf_control *c, kf_request request)
{
	struct client *client = &c->clients[request % KF_CONTROL_CLIENTS];

	if (client->state != CLIENT_WAITING || request_of(c, client) != request)
		return NULL;
	return client;
}

static void write_more(struct kf_control *c, struct client *client)
{
	ssize_t n;

	do
		n = send(client->fd, client->line + client->sent, client->used - client->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		client->sent += (size_t)n;
	if (client->sent == client->used || (n < 0 && errno != EAGAIN))
		drop(client);
	else
		watch(c, EPOLL_CTL_MOD, client->fd, EPOLLOUT, (uint32_t)(client - c->clients));
}

/* Takes over answer. One that does not fit the line (a status could) is replaced by an error that does. */
static void answer(struct kf_control *c, struct client *client, json_t *object)
{
	size_t room = sizeof(client->line) - 1;

	client->used = object ? json_dumpb(object, client->line, room, JSON_COMPACT) : 0;
	if (!client->used || client->used > room) {
		static const char too_long[] = "{\"ok\":false,\"error\":\"failed\",\"why\":\"the answer is too long\"}";

		client->used = sizeof(too_long) - 1;
		memcpy(client->line, too_long, client->used);
	}
	json_decref(object);
	client->line[client->used++] = '\n';
	client->sent = 0;
	client->state = CLIENT_WRITING;
	client->deadline_ns = kf_now_ns() + KF_CONTROL_PATIENCE_NS;
	write_more(c, client);
}

static void answer_error(struct kf_control *c, struct client *client, const char *error, const char *why)
{
	answer(c, client, json_pack("{sbssss*}", "ok", 0, "error", error, "why", why));
}

void kf_control_answer_path(struct kf_control *c, kf_request request, const char *path)
{
	struct client *client = find_waiting(c, request);

	if (!client)
		return;
	answer(c, client, json_pack("{sbss}", "ok", 1, "path", path));
	arm_timer(c);
}

void kf_control_answer_error(struct kf_control *c, kf_request request, const char *error, const char *why)
{
	struct client *client = find_waiting(c, request);

	if (!client)
		return;
	answer_error(c, client, error, why);
	arm_timer(c);
}

static void ask_snapshot(struct kf_control *c, struct client *client, const json_t *request,
			 const struct kf_control_handlers *handlers)
{
	const json_t *reason = json_object_get(request, "reason");
	char copy[KF_CONTROL_REASON_BYTES + 1] = "";

	if (reason && (!json_is_string(reason) || json_string_length(reason) > KF_CONTROL_REASON_BYTES)) {
		answer_error(c, client, "request", "the reason is no text of at most 256 bytes");
		return;
	}
	if (reason)
		memcpy(copy, json_string_value(reason), json_string_length(reason));
	client->state = CLIENT_WAITING;
	/* Until the answer only its going away is of interest, which needs no event bit. A half-closed one may wait. */
	watch(c, EPOLL_CTL_MOD, client->fd, 0, (uint32_t)(client - c->clients));
	handlers->snapshot(handlers->context, copy, request_of(c, client));
}

static void obey(struct kf_control *c, struct client *client, size_t len, const struct kf_control_handlers *handlers)
{
	json_t *request = json_loadb(client->line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *verb = json_string_value(json_object_get(request, "do"));

	if (!verb)
		answer_error(c, client, "request", "not a JSON object with \"do\"");
	else if (!strcmp(verb, "snapshot"))
		ask_snapshot(c, client, request, handlers);
	else if (!strcmp(verb, "status"))
		answer(c, client, json_pack("{sbso*}", "ok", 1, "status", handlers->status(handlers->context)));
	else
		answer_error(c, client, "request", "\"do\" is neither snapshot nor status");
	json_decref(request);
}

static void read_more(struct kf_control *c, struct client *client, const struct kf_control_handlers *handlers)
{
	const char *end;
	ssize_t n;

	do
		n = recv(client->fd, client->line + client->used, sizeof(client->line) - client->used, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	client->used += (size_t)n;
	end = memchr(client->line, '\n', client->used);
	if (end)
		obey(c, client, (size_t)(end - client->line), handlers);
	else if (client->used == sizeof(client->line))
		answer_error(c, client, "request", "the line is too long");
}

static struct client *free_client(struct kf_control *c)
{
	for (int i = 0; i < KF_CONTROL_CLIENTS; i++)
		if (c->clients[i].state == CLIENT_FREE)
			return &c->clients[i];
	return NULL;
}

static void take_client(struct kf_control *c, int fd)
{
	static const char full[] = "{\"ok\":false,\"error\":\"busy\",\"why\":\"too many clients\"}\n";
	struct client *client = free_client(c);

	if (!kf_control_peer_is_allowed(fd)) {
		close(fd);
		return;
	}
	if (!client) {
		(void)!send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	client->fd = fd;
	client->state = CLIENT_READING;
	client->used = client->sent = 0;
	client->deadline_ns = kf_now_ns() + KF_CONTROL_PATIENCE_NS;
	if (watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)(client - c->clients)))
		drop(client);
}

static void take_clients(struct kf_control *c)
{
	for (int i = 0; i < KF_CONTROL_CLIENTS; i++) {
		int fd = accept4(c->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		take_client(c, fd);
	}
}

static void serve(struct kf_control *c, const struct epoll_event *event, const struct kf_control_handlers *handlers)
{
	struct client *client = &c->clients[event->data.u32];

	switch (client->state) {
	case CLIENT_READING:
		read_more(c, client, handlers);
		break;
	case CLIENT_WRITING:
		write_more(c, client);
		break;
	case CLIENT_WAITING:
		drop(client); /* it hung up */
		break;
	case CLIENT_FREE:
		break;
	}
}

static void drop_impatient(struct kf_control *c)
{
	uint64_t now = kf_now_ns(), expirations;

	(void)!read(c->timer_fd, &expirations, sizeof(expirations));
	for (int i = 0; i < KF_CONTROL_CLIENTS; i++) {
		struct client *client = &c->clients[i];

		if ((client->state == CLIENT_READING || client->state == CLIENT_WRITING) && client->deadline_ns <= now)
			drop(client);
	}
}

void kf_control_step(struct kf_control *c, const struct kf_control_handlers *handlers)
{
	struct epoll_event events[KF_CONTROL_CLIENTS + 2];
	int n = epoll_wait(c->epoll_fd, events, KF_CONTROL_CLIENTS + 2, 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == TAG_LISTEN)
			take_clients(c);
		else if (events[i].data.u32 == TAG_TIMER)
			drop_impatient(c);
		else
			serve(c, &events[i], handlers);
	}
	if (n > 0)
		arm_timer(c);
}

int kf_control_fd(const struct kf_control *c)
{
	return c->epoll_fd;
}

int kf_control_open(struct kf_control **out, const char *path, struct kf_error *e)
{
	struct kf_control *c = calloc(1, sizeof(*c));

	if (!c)
		return kf_fail_memory(e, "the control socket");
	for (int i = 0; i < KF_CONTROL_CLIENTS; i++) {
		c->clients[i].fd = -1;
		c->clients[i].generation = 1; /* a request is never 0: that is nobody's */
	}
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	c->socket.fd = -1;
	if (c->epoll_fd < 0 || c->timer_fd < 0) {
		kf_fail_errno(e, errno, NULL, "cannot set up the control socket");
	} else if (!kf_control_socket_listen(&c->socket, path, e)) {
		if (!watch(c, EPOLL_CTL_ADD, c->socket.fd, EPOLLIN, TAG_LISTEN) &&
		    !watch(c, EPOLL_CTL_ADD, c->timer_fd, EPOLLIN, TAG_TIMER)) {
			*out = c;
			return 0;
		}
		kf_fail_errno(e, errno, NULL, "cannot watch the control socket");
	}
	kf_control_close(&c);
	return -1;
}

void kf_control_close(struct kf_control **control)
{
	struct kf_control *c = *control;

	if (!c)
		return;
	for (int i = 0; i < KF_CONTROL_CLIENTS; i++) {
		if (c->clients[i].state == CLIENT_WAITING)
			answer_error(c, &c->clients[i], "closing", "the recorder ends");
		if (c->clients[i].state != CLIENT_FREE)
			drop(&c->clients[i]);
	}
	kf_control_socket_close(&c->socket);
	if (c->timer_fd >= 0)
		close(c->timer_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
	*control = NULL;
}
