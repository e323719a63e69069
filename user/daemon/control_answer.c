/* SPDX-License-Identifier: BSD-2-Clause */
/* control_answer.c - what a request to the control server does, and what it is answered. */
#include "daemon/control_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <utlist.h>

#include "base/error.h"
#include "daemon/control_request.h"
#include "daemon/metrics.h"

static const char help_text[] =
	"kflight " KF_VERSION ", a flight recorder for Linux latency\n"
	"\n"
	"POST /snapshot         {\"reason\": \"...\", \"trace_id\": \"...\", \"span_id\": \"...\"}\n"
	"GET  /snapshots        files written by this recorder\n"
	"GET  /status           window held, rates, losses, triggers, own cost\n"
	"GET  /triggers         and their counts\n"
	"PUT  /triggers/NAME    {\"trigger\": \"runq>10ms\"} or {\"enabled\": false}\n"
	"GET  /metrics          for Prometheus\n";

/* Takes over text. */
static void set_text(struct kf_exchange *x, unsigned int status, const char *type, char *text)
{
	if (!text)
		return;
	x->response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!x->response) {
		free(text);
		return;
	}
	x->status = status;
	MHD_add_response_header(x->response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(x->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

/* Takes over object; NULL is out of memory. Ends with a newline, for terminals. */
static void set_json(struct kf_exchange *x, unsigned int status, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL, *line = NULL;

	json_decref(object);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	set_text(x, status, "application/json", line);
}

static void set_error(struct kf_exchange *x, unsigned int status, const char *error, const char *why, const char *hint)
{
	set_json(x, status, json_pack("{ss ss% ss*}", "error", error, "why", why, strlen(why), "hint", hint));
	if (!x->response) /* why may have what is no UTF-8 */
		set_json(x, status, json_pack("{ss ss}", "error", error, "why", ""));
}

static void set_fault(struct kf_exchange *x, const struct kf_error *e)
{
	bool ours = e->status == KF_HOST;

	set_error(x, ours ? MHD_HTTP_INTERNAL_SERVER_ERROR : MHD_HTTP_BAD_REQUEST, ours ? "failed" : "bad_request",
		  e->message, e->hint[0] ? e->hint : NULL);
}

static void set_header(struct kf_exchange *x, const char *name, const char *value)
{
	if (x->response)
		MHD_add_response_header(x->response, name, value);
}

static const char *header(const struct kf_exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->http, MHD_HEADER_KIND, name);
}

static void refuse_body(struct kf_exchange *x)
{
	char why[64];

	snprintf(why, sizeof(why), "a request has at most %d bytes", KF_CONTROL_BODY_BYTES);
	set_error(x, MHD_HTTP_CONTENT_TOO_LARGE, "too_large", why, NULL);
}

bool kf_control_refuse_early(struct kf_exchange *x)
{
	const char *length = header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (!length || strtoull(length, NULL, 10) <= KF_CONTROL_DRAINED_BYTES)
		return false;
	refuse_body(x);
	return true;
}

/* curl -d says it sends a form; nobody else does by accident. */
static bool is_json_type(const struct kf_exchange *x)
{
	const char *type = header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
	size_t len = type ? strcspn(type, " \t;") : 0;

	return !type || (len == 16 && !strncasecmp(type, "application/json", len)) ||
	       (len == 33 && !strncasecmp(type, "application/x-www-form-urlencoded", len));
}

static bool takes_json(struct kf_exchange *x)
{
	if (x->body_len > KF_CONTROL_BODY_BYTES)
		refuse_body(x);
	else if (!is_json_type(x))
		set_error(x, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "bad_type", "the body is no application/json", NULL);
	return !x->response;
}

static void ask_snapshot(struct kf_control_server *c, struct kf_exchange *x)
{
	const char *traceparent = header(x, "traceparent");
	struct kf_snapshot_wish wish;
	struct kf_error e;

	if (!takes_json(x))
		return;
	if (kf_snapshot_wish_parse(&wish, x->body, x->body_len, &e)) {
		set_fault(x, &e);
		return;
	}
	if (traceparent)
		kf_traceparent_take(&wish, traceparent);
	wish.from = &x->connection->peer.who;
	kf_control_await(c, x);
	c->calls->snapshot(c->calls->context, &wish, x->request);
}

static struct kf_exchange *find_waiting(struct kf_control_server *c, kf_request request)
{
	struct kf_exchange *x;

	DL_SEARCH_SCALAR(c->waiting, x, request, request);
	return x;
}

void kf_control_written(struct kf_control_server *c, kf_request request, const char *path)
{
	struct kf_exchange *x = find_waiting(c, request);
	const char *slash = strrchr(path, '/');

	if (!x)
		return;
	set_json(x, MHD_HTTP_OK, json_pack("{ss ss}", "path", path, "name", slash ? slash + 1 : path));
	if (!x->response)
		set_error(x, MHD_HTTP_INTERNAL_SERVER_ERROR, "failed",
			  "the snapshot is written, but its path is no UTF-8", NULL);
	kf_control_wake(c, x);
}

void kf_control_refuse(struct kf_control_server *c, kf_request request, enum kf_refusal refusal, const char *why,
		       unsigned int retry_s)
{
	static const struct {
		unsigned int status;
		const char *error, *hint;
	} kinds[] = {
		[KF_REFUSED_BUSY] = { MHD_HTTP_CONFLICT, "busy", "try again in a moment" },
		[KF_REFUSED_LIMITED] = { MHD_HTTP_TOO_MANY_REQUESTS, "limited", NULL },
		[KF_REFUSED_FAILED] = { MHD_HTTP_INTERNAL_SERVER_ERROR, "failed", NULL },
		[KF_REFUSED_ENDING] = { MHD_HTTP_SERVICE_UNAVAILABLE, "ending", NULL },
	};
	struct kf_exchange *x = find_waiting(c, request);
	char seconds[16];

	if (!x)
		return;
	set_error(x, kinds[refusal].status, kinds[refusal].error, why, kinds[refusal].hint);
	snprintf(seconds, sizeof(seconds), "%u", retry_s);
	if (retry_s)
		set_header(x, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	kf_control_wake(c, x);
}

/* {"NAME": what list() gives} */
static void set_list(const struct kf_control_server *c, struct kf_exchange *x, const char *name,
		     json_t *(*list)(void *context))
{
	json_t *array = list(c->calls->context);

	set_json(x, MHD_HTTP_OK, array ? json_pack("{so}", name, array) : NULL);
}

/* The trigger of that name, owned by the caller; NULL none. */
static json_t *find_trigger(const struct kf_control_server *c, const char *name)
{
	json_t *all = c->calls->triggers(c->calls->context), *one, *found = NULL;
	size_t i;

	json_array_foreach(all, i, one)
	{
		const char *its = json_string_value(json_object_get(one, "name"));

		if (its && !strcmp(its, name))
			found = json_incref(one);
	}
	json_decref(all);
	return found;
}

static void answer_trigger(const struct kf_control_server *c, struct kf_exchange *x, const char *name)
{
	json_t *trigger = find_trigger(c, name);
	char why[128];

	snprintf(why, sizeof(why), "there is no trigger '%.64s'", name);
	if (trigger)
		set_json(x, MHD_HTTP_OK, trigger);
	else
		set_error(x, MHD_HTTP_NOT_FOUND, "not_found", why, "`kflight triggers` or GET /triggers lists them");
}

static void change_trigger(const struct kf_control_server *c, struct kf_exchange *x, const char *name)
{
	json_t *trigger = find_trigger(c, name), *holder = NULL;
	struct kf_trigger_wish wish;
	struct kf_error e = { 0 };

	if (!takes_json(x))
		;
	else if (!trigger || !c->calls->change_trigger)
		answer_trigger(c, x, name);
	else if (kf_trigger_wish_parse(&wish, &holder, x->body, x->body_len, &e) ||
		 c->calls->change_trigger(c->calls->context, name, &wish, &e))
		set_fault(x, &e);
	else
		answer_trigger(c, x, name);
	json_decref(holder);
	json_decref(trigger);
}

enum route { NOWHERE, HELP, SNAPSHOT, SNAPSHOTS, STATUS, METRICS, TRIGGERS, TRIGGER };

static enum route find_route(const struct kf_control_server *c, const struct kf_door *door, const char *path)
{
	const struct kf_control_calls *calls = c->calls;
	const struct {
		const char *path;
		enum route route;
		bool served;
	} routes[] = {
		{ "/", HELP, true },
		{ "/snapshot", SNAPSHOT, calls->snapshot },
		{ "/snapshots", SNAPSHOTS, calls->snapshots },
		{ "/status", STATUS, calls->status },
		{ "/metrics", METRICS, calls->metrics },
		{ "/triggers", TRIGGERS, calls->triggers },
	};

	if (door->metrics_only)
		return calls->metrics && !strcmp(path, "/metrics") ? METRICS : NOWHERE;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (!strcmp(path, routes[i].path))
			return routes[i].served ? routes[i].route : NOWHERE;
	return calls->triggers && !strncmp(path, "/triggers/", 10) ? TRIGGER : NOWHERE;
}

static bool is_method(enum route route, const char *method)
{
	if (route == SNAPSHOT)
		return !strcmp(method, MHD_HTTP_METHOD_POST);
	if (route == TRIGGER && !strcmp(method, MHD_HTTP_METHOD_PUT))
		return true;
	return !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

static void answer_nowhere(struct kf_exchange *x)
{
	if (x->connection->door->metrics_only)
		set_error(x, MHD_HTTP_NOT_FOUND, "not_found", "here is only /metrics",
			  "the rest is at the Unix socket");
	else
		set_error(x, MHD_HTTP_NOT_FOUND, "not_found", "there is no such path", "GET / lists them");
}

static void answer_method(struct kf_exchange *x, enum route route)
{
	set_error(x, MHD_HTTP_METHOD_NOT_ALLOWED, "bad_method", "this path has no such method", NULL);
	set_header(x, MHD_HTTP_HEADER_ALLOW,
		   route == SNAPSHOT  ? "POST"
		   : route == TRIGGER ? "GET, HEAD, PUT"
				      : "GET, HEAD");
}

static void follow_route(struct kf_control_server *c, struct kf_exchange *x, enum route route, const char *method,
			 const char *path)
{
	const struct kf_control_calls *calls = c->calls;

	switch (route) {
	case NOWHERE:
		answer_nowhere(x);
		break;
	case HELP:
		set_text(x, MHD_HTTP_OK, "text/plain; charset=utf-8", strdup(help_text));
		break;
	case SNAPSHOT:
		ask_snapshot(c, x);
		break;
	case SNAPSHOTS:
		set_list(c, x, "snapshots", calls->snapshots);
		break;
	case STATUS:
		set_json(x, MHD_HTTP_OK, calls->status(calls->context));
		break;
	case METRICS:
		set_text(x, MHD_HTTP_OK, KF_METRICS_CONTENT_TYPE, calls->metrics(calls->context));
		break;
	case TRIGGERS:
		set_list(c, x, "triggers", calls->triggers);
		break;
	case TRIGGER:
		path += strlen("/triggers/");
		if (!strcmp(method, MHD_HTTP_METHOD_PUT))
			change_trigger(c, x, path);
		else
			answer_trigger(c, x, path);
		break;
	}
}

void kf_control_serve(struct kf_control_server *c, struct kf_exchange *x, const char *method, const char *path)
{
	const struct kf_door *door = x->connection->door;
	enum route route = find_route(c, door, path);

	if (!door->metrics_only && !x->connection->peer.allowed)
		set_error(x, MHD_HTTP_FORBIDDEN, "forbidden", "only root and the members of the group may ask", NULL);
	else if (c->ending)
		set_error(x, MHD_HTTP_SERVICE_UNAVAILABLE, "ending", "the recorder ends", NULL);
	else if (route != NOWHERE && !is_method(route, method))
		answer_method(x, route);
	else
		follow_route(c, x, route, method, path);
}
