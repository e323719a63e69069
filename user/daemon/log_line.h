/* SPDX-License-Identifier: BSD-2-Clause */
/* log_line.h - one message of the log, as it is written in each format (daemon/log.h). */
#ifndef KF_DAEMON_LOG_LINE_H
#define KF_DAEMON_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/log.h"

/* A pipe takes that much at once or not at all (PIPE_BUF). */
#define KF_LOG_LINE_BYTES     4096
#define KF_LOG_DATAGRAM_BYTES 16384

struct kf_log_line {
	enum kf_log_level level;
	uint64_t realtime_ns; /* CLOCK_REALTIME */
	const char *message;
	const char *hint;		   /* NULL or "": none */
	const struct kf_log_field *fields; /* the last one has no name; may be NULL */
};

/* All three return the length of out. What does not fit is cut (text) or left out as a whole (fields). */

/* "kflight: MESSAGE\n"; control characters (there should be none) become blanks. */
size_t kf_log_line_text(const struct kf_log_line *line, char out[KF_LOG_LINE_BYTES]);
/* An object and a newline. What is no UTF-8 is escaped as in base/text.h. 0: no memory. */
size_t kf_log_line_json(const struct kf_log_line *line, char out[KF_LOG_LINE_BYTES]);
/* Fields of the native protocol: "NAME=VALUE\n", or "NAME\n", the length in 8 bytes (little-endian), the value, "\n". */
size_t kf_log_line_journal(const struct kf_log_line *line, char out[KF_LOG_DATAGRAM_BYTES]);

#endif
