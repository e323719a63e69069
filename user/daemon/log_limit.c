/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/log_limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_last(const struct kf_log_limit *l, const char *message)
{
	return l->last[0] && !strncmp(l->last, message, sizeof(l->last) - 1);
}

static bool take_token(struct kf_log_limit *l, bool is_error, uint64_t now_ns)
{
	uint64_t *spent = &l->spent[is_error], *since_ns = &l->since_ns[is_error];
	uint64_t back = (now_ns - *since_ns) / KF_LOG_LIMIT_EVERY_NS;

	if (back >= *spent) {
		*spent = 0;
		*since_ns = now_ns;
	} else {
		*spent -= back;
		*since_ns += back * KF_LOG_LIMIT_EVERY_NS;
	}
	if (*spent >= KF_LOG_LIMIT_BURST)
		return false;
	++*spent;
	return true;
}

bool kf_log_limit_take(struct kf_log_limit *l, bool is_error, const char *message, uint64_t now_ns)
{
	if (is_last(l, message) && now_ns - l->last_ns < KF_LOG_REPEAT_NS) {
		l->repeated++;
		return false;
	}
	if (!take_token(l, is_error, now_ns)) {
		l->dropped++;
		return false;
	}
	snprintf(l->last, sizeof(l->last), "%s", message);
	l->last_ns = now_ns;
	return true;
}

bool kf_log_limit_report(struct kf_log_limit *l, char *out, size_t len)
{
	int n = 0;

	if (!l->repeated && !l->dropped)
		return false;
	if (l->repeated)
		n = snprintf(out, len, "the message before came %" PRIu64 " more times%s", l->repeated,
			     l->dropped ? "; " : "");
	if (l->dropped && (size_t)n < len)
		snprintf(out + n, len - (size_t)n, "%" PRIu64 " messages were left out: too many at once", l->dropped);
	l->repeated = l->dropped = 0;
	return true;
}
