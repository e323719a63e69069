/* SPDX-License-Identifier: BSD-2-Clause */
/* control_client.h - asks a recorder over its control socket (daemon/control.h). */
#ifndef KF_DAEMON_CONTROL_CLIENT_H
#define KF_DAEMON_CONTROL_CLIENT_H

#include <stdint.h>

#include <jansson.h>

struct kf_error;

/*
 * Sends `METHOD path` with body (not consumed, NULL none) and waits for the answer, an object that the caller decrefs.
 *
 * Fails if nobody listens, if the answer takes longer than timeout_ns, cannot be understood, or is a refusal: then e has the
 * recorder's own words, and the status is KF_USAGE if the request was bad, else KF_HOST.
 */
int kf_control_ask(const char *socket, const char *method, const char *path, const json_t *body, uint64_t timeout_ns,
		   json_t **answer, struct kf_error *e);

#endif
