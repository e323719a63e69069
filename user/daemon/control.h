/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h - the recorder's Unix socket: `kflight snapshot` asks there for a snapshot and for the state.
 *
 * A connection carries one request and one answer, each one line of JSON, then the recorder closes it:
 *
 *	{"do":"snapshot","reason":"checkout slow"}   ->  {"ok":true,"path":"/var/lib/kflight/kflight-....kfl"}
 *						     or  {"ok":false,"error":"busy","why":"a snapshot is being written"}
 *	{"do":"status"}				     ->  {"ok":true,"status":{...}}
 *
 * "error" is one of: busy, failed, request (not understood), closing (the recorder ends).
 *
 * The server never blocks: everything is non-blocking, lines and clients are bounded, and a client that does not send
 * its request or take its answer is dropped after KF_CONTROL_PATIENCE_NS. Without clients there are no wake-ups. The
 * socket is for root alone (mode 0600, and the peer's user id is checked).
 */
#ifndef KF_DAEMON_CONTROL_H
#define KF_DAEMON_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct kf_error;
struct kf_control; /* opaque */

#define KF_CONTROL_PATH		"/run/kflight/control.sock"
#define KF_CONTROL_CLIENTS	16
#define KF_CONTROL_LINE_BYTES	4096
#define KF_CONTROL_REASON_BYTES 256
#define KF_CONTROL_PATIENCE_NS	2000000000ull

/* Names one waiting client; stale ones are recognised. Never 0. */
typedef uint64_t kf_request;

struct kf_control_handlers {
	void *context;
	/* Must be answered with kf_control_answer(), at once or later. reason is "" if none was given. */
	void (*snapshot)(void *context, const char *reason, kf_request request);
	/* Returns a new object for {"do":"status"}, NULL when out of memory. */
	json_t *(*status)(void *context);
};

/*
 * Listens at path; its folder is created (mode 0700) if only that is missing. The socket of a dead recorder is
 * replaced; one that answers is an error that names the process.
 */
int kf_control_open(struct kf_control **out, const char *path, struct kf_error *e);
/* Tells waiting clients that the recorder ends, removes the socket (if it is still ours), frees *c. NULL is fine. */
void kf_control_close(struct kf_control **c);

/* For poll or epoll: readable when kf_control_step() has work. */
int kf_control_fd(const struct kf_control *c);
/* Does what can be done now; calls handlers. */
void kf_control_step(struct kf_control *c, const struct kf_control_handlers *handlers);

/* path of the file that was written. A client that has gone is no error. */
void kf_control_answer_path(struct kf_control *c, kf_request request, const char *path);
/* error: "busy" or "failed"; why: one line for the user. */
void kf_control_answer_error(struct kf_control *c, kf_request request, const char *error, const char *why);

/*
 * The client: sends request (not consumed), waits for the answer, which the caller decrefs. Fails if nobody listens,
 * if the answer takes longer than timeout_ns, or is no JSON object.
 */
int kf_control_request(const char *path, const json_t *request, uint64_t timeout_ns, json_t **answer,
		       struct kf_error *e);

#endif
