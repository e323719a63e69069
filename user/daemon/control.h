/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h - the recorder's HTTP/1.1 server: a Unix socket for everything, and, if wanted, a TCP port for the metrics alone.
 * docs/control.md describes the requests and answers.
 *
 *	POST /snapshot			GET /status	GET /triggers		GET /metrics
 *	GET /snapshots			GET /		GET, PUT /triggers/NAME
 *
 * The server never blocks and has no thread: libmicrohttpd's epoll descriptor and one timer are watched by struct kf_events, which
 * calls the functions in struct kf_control_calls. Without clients there are no wake-ups. Connections, their memory, the size of a
 * request and the time it may take are limited; when many are open, slow ones are closed early.
 *
 * Who may ask: root, the user that runs the recorder, and the members of a group (mode 0660 of the socket then, else 0600). The
 * peer is checked a second time when it has connected.
 */
#ifndef KF_DAEMON_CONTROL_H
#define KF_DAEMON_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "snapshot/snapshot.h"

#include "daemon/status.h"

struct kf_error;
struct kf_events;
struct kf_control_server; /* opaque */
struct kf_metrics_address;

#define KF_CONTROL_PATH		"/run/kflight/control.sock"
#define KF_CONTROL_GROUP	"kflight"
#define KF_CONTROL_BODY_BYTES	4096 /* largest request body */
#define KF_CONTROL_REASON_BYTES 256

/* Names one client that waits for its snapshot; stale ones are recognised. Never 0. */
typedef uint64_t kf_request;

/* What a client asks for. Texts are "" where it gave none; the ids are W3C trace context, lower-case hexadecimal. */
struct kf_snapshot_wish {
	char reason[KF_CONTROL_REASON_BYTES + 1]; /* valid UTF-8, may have control characters */
	char trace_id[KF_TRACE_ID_BYTES];
	char span_id[KF_SPAN_ID_BYTES];
	const struct kf_requester *from;
};

/* What a client wants of a trigger. */
struct kf_trigger_wish {
	const char *text; /* as `--trigger` takes it, NULL: stays */
	bool sets_enabled;
	bool enabled; /* ... to this */
};

/*
 * Called from kf_events_step(). NULL for a call that this recorder cannot serve: it is answered 404. What they return is owned by
 * the server; NULL is out of memory.
 */
struct kf_control_calls {
	void *context;
	/* Must be answered with kf_control_written() or kf_control_refuse(), at once or later. wish lasts for the call only. */
	void (*snapshot)(void *context, const struct kf_snapshot_wish *wish, kf_request request);
	json_t *(*status)(void *context);
	json_t *(*snapshots)(void *context); /* array: files of this recorder, newest first */
	json_t *(*triggers)(void *context);  /* array of objects that have "name" */
	/* Returns 0; -1 with what is wrong for the client (KF_HOST: ours to blame, else a bad request). name exists. */
	int (*change_trigger)(void *context, const char *name, const struct kf_trigger_wish *wish, struct kf_error *e);
	char *(*metrics)(void *context); /* Prometheus text, allocated with malloc() */
};

struct kf_control_options {
	const char *path;			  /* of the Unix socket, NULL none */
	const char *group;			  /* name or number; NULL: KF_CONTROL_GROUP if there is one */
	const struct kf_metrics_address *metrics; /* NULL none; see daemon/control_address.h */
};

/*
 * Listens. The folder of path is created (mode 0755) if only that is missing. The socket of a dead recorder is replaced; one that
 * answers is an error that names the process. calls must outlive the server; opts need not.
 */
int kf_control_new(struct kf_control_server **out, const struct kf_control_options *opts,
		   const struct kf_control_calls *calls, struct kf_events *events, struct kf_error *e);
/* Tells waiting clients that the recorder ends, removes the socket (if it is still ours), frees *c. Before events. NULL is fine. */
void kf_control_free(struct kf_control_server **c);

/* The snapshot a client waits for is at path (absolute). A client that has gone is no error. */
void kf_control_written(struct kf_control_server *c, kf_request request, const char *path);

/* How many requests were answered how, by their result; both sockets. Those that were no HTTP are not counted. */
uint64_t kf_control_count(const struct kf_control_server *c, enum kf_request_result result);

enum kf_refusal {
	KF_REFUSED_BUSY,    /* another one is being taken: 409 */
	KF_REFUSED_LIMITED, /* enough of them for now: 429 */
	KF_REFUSED_FAILED,  /* 500 */
	KF_REFUSED_ENDING,  /* 503 */
};
/* why: one line for the user; retry_s: when to try again, 0 no idea (BUSY, LIMITED, ENDING). */
void kf_control_refuse(struct kf_control_server *c, kf_request request, enum kf_refusal refusal, const char *why,
		       unsigned int retry_s);

#endif
