/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_internal.h - inside of the control server: control.c has connections and the loop, control_answer.c what requests do.
 *
 * libmicrohttpd calls us from MHD_run(), on the one thread there is:
 *
 *	connection comes	struct kf_connection, in order of age, is shut when it is out of patience
 *	a request's header	struct kf_exchange, until its answer is sent
 *	... body, end		kf_control_serve(), which gives the exchange its response
 *
 * An exchange that waits for a snapshot is suspended: libmicrohttpd does not look at its socket, and its patience does not run.
 */
#ifndef KF_DAEMON_CONTROL_INTERNAL_H
#define KF_DAEMON_CONTROL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "daemon/control.h"
#include "daemon/control_peer.h"
#include "daemon/control_socket.h"

/* What is listened on. */
struct kf_door {
	struct kf_control_server *server;
	struct MHD_Daemon *http;
	int epoll_fd;
	unsigned int n, limit; /* connections */
	/* One has gone: if there were too many, for us or for our descriptors, libmicrohttpd takes new ones only in its next round. */
	bool has_room;
	bool metrics_only;
};

struct kf_connection {
	struct kf_connection *prev, *next;
	struct kf_door *door;
	int fd;
	uint64_t since_ns; /* it came, or its last request was done */
	bool hurried;	   /* in the list of those whose patience runs */
	struct kf_peer peer;
};

struct kf_exchange {
	struct kf_exchange *prev, *next;
	struct kf_connection *connection;
	struct MHD_Connection *http;
	struct MHD_Response *response; /* not yet handed over */
	unsigned int status;	       /* ... its HTTP status */
	kf_request request;	       /* waits for its snapshot, 0 does not */
	bool served, suspended;
	size_t body_len; /* what came, even if it did not fit */
	char body[KF_CONTROL_BODY_BYTES + 1];
};

struct kf_control_server {
	const struct kf_control_calls *calls;
	struct kf_events *events;
	struct kf_timer *timer;
	struct kf_control_socket socket;
	gid_t group;
	struct kf_door doors[2];
	size_t n_doors;
	struct kf_connection *hurried; /* oldest first */
	struct kf_exchange *waiting;
	kf_request last_request;
	uint64_t counts[KF_REQUEST_RESULTS];
	bool ending;
};

/* Gives x a response, or makes it wait for one. The whole body has come, unless it is longer than may be. */
void kf_control_serve(struct kf_control_server *c, struct kf_exchange *x, const char *method, const char *path);

/* So long a body that we do not want to read it: x has got its response. */
bool kf_control_refuse_early(struct kf_exchange *x);

/* A body longer than may be is read up to here, so that its sender comes to read why. */
#define KF_CONTROL_DRAINED_BYTES 65536

/* x waits for a snapshot, and does so no longer: it has its response. */
void kf_control_await(struct kf_control_server *c, struct kf_exchange *x);
void kf_control_wake(struct kf_control_server *c, struct kf_exchange *x);

#endif
