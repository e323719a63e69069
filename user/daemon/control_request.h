/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_request.h - what clients of the control socket send, understood. Everything here comes from strangers.
 *
 *	POST /snapshot		{"reason": TEXT, "trace_id": 32 HEX, "span_id": 16 HEX}		all may be left out
 *	PUT /triggers/NAME	{"trigger": TEXT, "enabled": BOOL}				one may be left out
 *	traceparent: 00-TRACEID-SPANID-FLAGS							W3C Trace Context, level 1
 *
 * Ids are lower-case hexadecimal and not all zero. Members with other names are refused: a misspelt one would be lost silently.
 */
#ifndef KF_DAEMON_CONTROL_REQUEST_H
#define KF_DAEMON_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "daemon/control.h"

/* Fills the texts of out, not `from`. len 0: no body, all are "". On failure e is for the client. */
int kf_snapshot_wish_parse(struct kf_snapshot_wish *out, const char *body, size_t len, struct kf_error *e);

/* The texts in out live as long as *holder, which the caller decrefs. */
int kf_trigger_wish_parse(struct kf_trigger_wish *out, json_t **holder, const char *body, size_t len,
			  struct kf_error *e);

/*
 * Takes the ids out of the header, if out has none. A header that is not valid is to be ignored, says its specification: returns
 * whether it was taken.
 */
bool kf_traceparent_take(struct kf_snapshot_wish *out, const char *header);

/* What --trace-id and --span-id may be. */
bool kf_is_trace_id(const char *text);
bool kf_is_span_id(const char *text);

#endif
