/* SPDX-License-Identifier: BSD-2-Clause */
/* http_answer.h - an HTTP/1.1 answer, as it came to a client until the server closed the connection (RFC 9112). */
#ifndef KF_DAEMON_HTTP_ANSWER_H
#define KF_DAEMON_HTTP_ANSWER_H

#include <stddef.h>

struct kf_error;

struct kf_http_answer {
	unsigned int status; /* 100 to 599 */
	const char *body;    /* in the bytes given; no NUL behind it */
	size_t body_len;
};

/*
 * Bytes that are cut off, foreign, or sent in chunks (our server does not) are errors. A length that is given must be that of the
 * body.
 */
int kf_http_answer_parse(struct kf_http_answer *out, const char *bytes, size_t len, struct kf_error *e);

#endif
