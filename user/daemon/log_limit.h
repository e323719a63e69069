/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_limit.h - keeps a log from filling the disk: which messages are let through, and how many were not.
 *
 * The message that was let through last is let through again only after 10 s. Others: 60 at once, then one a second; errors have
 * as many of their own, so that a flood of notes does not hide them.
 */
#ifndef KF_DAEMON_LOG_LIMIT_H
#define KF_DAEMON_LOG_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KF_LOG_LIMIT_BURST    60
#define KF_LOG_LIMIT_EVERY_NS 1000000000ull
#define KF_LOG_REPEAT_NS      10000000000ull

/* Starts zeroed. */
struct kf_log_limit {
	char last[256]; /* the begin of the last message, "" none */
	uint64_t last_ns;
	uint64_t repeated, dropped;	/* not said yet */
	uint64_t spent[2], since_ns[2]; /* tokens of notes, of errors */
};

/* May this message be written? now_ns never goes back. */
bool kf_log_limit_take(struct kf_log_limit *l, bool is_error, const char *message, uint64_t now_ns);

/* What was held back since this was asked last, as a message; false if nothing was. */
bool kf_log_limit_report(struct kf_log_limit *l, char *out, size_t len);

#endif
