/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

#include "base/error.h"
#include "base/now.h"
#include "daemon/control_address.h"
#include "daemon/control_internal.h"
#include "daemon/events.h"

#define MAX_CONNECTIONS		256
#define MAX_METRICS_CONNECTIONS 32
#define CONNECTION_MEMORY_BYTES 8192 /* header and output of one; a longer header is refused */

/* How long a connection may take for a request and its answer; less when more than half of the places are taken. */
#define PATIENCE_NS	    3000000000ull
#define PATIENCE_CROWDED_NS 500000000ull

#define AT_ONCE 1 /* long ago, for a timer */

/* libmicrohttpd's rounds until the last answers are out. */
#define LAST_ROUNDS 16

static void stop_patience(struct kf_control_server *c, struct kf_connection *connection)
{
	if (connection->hurried)
		DL_DELETE(c->hurried, connection);
	connection->hurried = false;
}

static void start_patience(struct kf_control_server *c, struct kf_connection *connection)
{
	stop_patience(c, connection);
	connection->since_ns = kf_now_ns();
	connection->hurried = true;
	DL_APPEND(c->hurried, connection);
}

static uint64_t deadline(const struct kf_connection *connection)
{
	const struct kf_door *door = connection->door;

	return connection->since_ns + (door->n * 2 > door->limit ? PATIENCE_CROWDED_NS : PATIENCE_NS);
}

/*
 * libmicrohttpd's own time limit is one of silence, which a client that sends a byte a second never reaches. A socket that is shut
 * is taken for a client that has gone.
 */
static void shut_slow(struct kf_control_server *c)
{
	uint64_t now_ns = kf_now_ns();
	struct kf_connection *connection, *next;

	DL_FOREACH_SAFE(c->hurried, connection, next)
	{
		if (deadline(connection) > now_ns)
			continue;
		stop_patience(c, connection);
		shutdown(connection->fd, SHUT_RDWR);
	}
}

/* When libmicrohttpd or the slow ones need us, beside what its descriptor says. */
static void set_timer(struct kf_control_server *c)
{
	const struct kf_connection *connection;
	uint64_t at_ns = UINT64_MAX;
	MHD_UNSIGNED_LONG_LONG ms;

	DL_FOREACH(c->hurried, connection)
	{
		if (deadline(connection) < at_ns)
			at_ns = deadline(connection);
	}
	for (size_t i = 0; i < c->n_doors; i++) {
		if ((MHD_get_timeout(c->doors[i].http, &ms) == MHD_YES && !ms) || c->doors[i].has_room)
			at_ns = AT_ONCE;
		c->doors[i].has_room = false;
	}
	kf_timer_set(c->timer, at_ns == UINT64_MAX ? 0 : at_ns, 0);
}

static void step(void *server)
{
	struct kf_control_server *c = server;

	shut_slow(c);
	for (size_t i = 0; i < c->n_doors; i++)
		MHD_run(c->doors[i].http);
	set_timer(c);
}

static void on_connection(void *cls, struct MHD_Connection *http, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct kf_door *door = cls;
	struct kf_connection *connection = *context;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		door->has_room = true;
		door->n--;
		if (connection)
			stop_patience(door->server, connection);
		free(connection);
		*context = NULL;
		return;
	}
	door->n++;
	fd = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	connection = calloc(1, sizeof(*connection));
	if (!connection) {
		shutdown(fd, SHUT_RDWR);
		return;
	}
	connection->door = door;
	connection->fd = fd;
	if (!door->metrics_only)
		kf_control_peer(connection->fd, door->server->group, &connection->peer);
	start_patience(door->server, connection);
	*context = connection;
}

static enum MHD_Result begin_exchange(struct kf_connection *connection, struct MHD_Connection *http, void **context)
{
	struct kf_exchange *x = connection ? calloc(1, sizeof(*x)) : NULL;

	if (!x)
		return MHD_NO;
	x->connection = connection;
	x->http = http;
	*context = x;
	return MHD_YES;
}

static enum MHD_Result take_body(struct kf_exchange *x, const char *data, size_t *bytes)
{
	size_t used = x->body_len < KF_CONTROL_BODY_BYTES ? x->body_len : KF_CONTROL_BODY_BYTES;
	size_t room = KF_CONTROL_BODY_BYTES - used;

	memcpy(x->body + used, data, *bytes < room ? *bytes : room);
	x->body_len += *bytes;
	*bytes = 0;
	return x->body_len > KF_CONTROL_DRAINED_BYTES ? MHD_NO : MHD_YES;
}

static enum kf_request_result result_of(unsigned int status)
{
	switch (status) {
	case MHD_HTTP_OK:
		return KF_REQUEST_OK;
	case MHD_HTTP_CONFLICT:
		return KF_REQUEST_BUSY;
	case MHD_HTTP_TOO_MANY_REQUESTS:
		return KF_REQUEST_LIMITED;
	case MHD_HTTP_FORBIDDEN:
		return KF_REQUEST_REFUSED;
	}
	return status < 500 ? KF_REQUEST_INVALID : KF_REQUEST_FAILED;
}

uint64_t kf_control_count(const struct kf_control_server *c, enum kf_request_result result)
{
	return c->counts[result];
}

static enum MHD_Result queue_response(struct kf_exchange *x)
{
	struct kf_control_server *c = x->connection->door->server;
	enum MHD_Result queued;

	c->counts[x->response ? result_of(x->status) : KF_REQUEST_FAILED]++;
	if (!x->response) /* out of memory */
		return MHD_NO;
	queued = MHD_queue_response(x->http, x->status, x->response);
	MHD_destroy_response(x->response);
	x->response = NULL;
	return queued;
}

/* Called for the header, for each part of the body, for its end, and after a wait. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *http, const char *path, const char *method,
				  const char *version, const char *data, size_t *bytes, void **context)
{
	struct kf_door *door = cls;
	struct kf_exchange *x = *context;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (!x) {
		if (begin_exchange(info->socket_context, http, context) == MHD_NO)
			return MHD_NO;
		x = *context;
		return kf_control_refuse_early(x) ? queue_response(x) : MHD_YES;
	}
	if (*bytes)
		return take_body(x, data, bytes);
	if (!x->served)
		kf_control_serve(door->server, x, method, path);
	x->served = true;
	if (x->request && !x->suspended) {
		stop_patience(door->server, x->connection);
		x->suspended = true;
		MHD_suspend_connection(http);
		return MHD_YES;
	}
	return queue_response(x);
}

void kf_control_await(struct kf_control_server *c, struct kf_exchange *x)
{
	x->request = ++c->last_request;
	DL_APPEND(c->waiting, x);
}

void kf_control_wake(struct kf_control_server *c, struct kf_exchange *x)
{
	DL_DELETE(c->waiting, x);
	x->request = 0;
	if (!x->suspended)
		return;
	x->suspended = false;
	start_patience(c, x->connection);
	MHD_resume_connection(x->http);
	kf_timer_set(c->timer, AT_ONCE, 0); /* its descriptor does not tell */
}

static void on_completed(void *cls, struct MHD_Connection *http, void **context, enum MHD_RequestTerminationCode how)
{
	struct kf_door *door = cls;
	struct kf_exchange *x = *context;

	if (!x)
		return;
	if (x->request)
		DL_DELETE(door->server->waiting, x);
	if (x->response)
		MHD_destroy_response(x->response);
	if (x->connection->hurried)
		start_patience(door->server, x->connection); /* for its next request */
	free(x);
	*context = NULL;
}

/* fd is taken over if it succeeds. */
static int open_door(struct kf_control_server *c, int fd, bool metrics_only, struct kf_error *e)
{
	struct kf_door *door = &c->doors[c->n_doors];
	const union MHD_DaemonInfo *info;

	door->server = c;
	door->metrics_only = metrics_only;
	door->limit = metrics_only ? MAX_METRICS_CONNECTIONS : MAX_CONNECTIONS;
	door->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, door,
				      MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, door->limit,
				      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
				      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
				      door, MHD_OPTION_NOTIFY_COMPLETED, on_completed, door, MHD_OPTION_END);
	if (!door->http)
		return kf_fail(e, KF_HOST, NULL, "cannot start the HTTP server");
	c->n_doors++;
	info = MHD_get_daemon_info(door->http, MHD_DAEMON_INFO_EPOLL_FD);
	door->epoll_fd = info ? info->epoll_fd : -1;
	return kf_events_watch(c->events, door->epoll_fd, step, c, e);
}

static int open_socket(struct kf_control_server *c, const struct kf_control_options *opts, struct kf_error *e)
{
	if (kf_control_group(opts->group, KF_CONTROL_GROUP, &c->group, e) ||
	    kf_control_socket_listen(&c->socket, opts->path, c->group, e))
		return -1;
	return open_door(c, c->socket.fd, false, e);
}

static int open_metrics(struct kf_control_server *c, const struct kf_metrics_address *address, struct kf_error *e)
{
	int fd = kf_metrics_address_listen(address, e);

	return fd < 0 ? -1 : open_door(c, fd, true, e);
}

int kf_control_new(struct kf_control_server **out, const struct kf_control_options *opts,
		   const struct kf_control_calls *calls, struct kf_events *events, struct kf_error *e)
{
	struct kf_control_server *c = calloc(1, sizeof(*c));

	if (!c)
		return kf_fail_memory(e, "the control socket");
	c->calls = calls;
	c->events = events;
	c->group = KF_NO_GROUP;
	if (kf_events_timer(events, step, c, &c->timer, e) || (opts->path && open_socket(c, opts, e)) ||
	    (opts->metrics && open_metrics(c, opts->metrics, e))) {
		kf_control_free(&c);
		return -1;
	}
	*out = c;
	return 0;
}

/* Answers who waits. */
static void say_goodbye(struct kf_control_server *c)
{
	struct kf_exchange *x, *next;

	c->ending = true;
	DL_FOREACH_SAFE(c->waiting, x, next)
	kf_control_refuse(c, x->request, KF_REFUSED_ENDING, "the recorder ends", 0);
	for (int round = 0; round < LAST_ROUNDS; round++)
		for (size_t i = 0; i < c->n_doors; i++)
			MHD_run(c->doors[i].http);
}

void kf_control_free(struct kf_control_server **server)
{
	struct kf_control_server *c = *server;

	if (!c)
		return;
	kf_control_socket_unlink(&c->socket);
	say_goodbye(c);
	for (size_t i = 0; i < c->n_doors; i++) {
		kf_events_forget(c->events, c->doors[i].epoll_fd);
		MHD_stop_daemon(c->doors[i].http); /* closes what it listened on */
	}
	if (c->timer)
		kf_timer_set(c->timer, 0, 0); /* freed with the events */
	free(c);
	*server = NULL;
}
