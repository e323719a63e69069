/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket's own parsers: bodies of both requests, the traceparent header, answers as a client reads them. The first byte
 * chooses which.
 */
#include "daemon/control_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/http_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct kf_error *e)
{
	if (!e->message[0] || strchr(e->message, '\n'))
		abort();
}

static void check_wish(const struct kf_snapshot_wish *wish)
{
	if (strlen(wish->reason) > KF_CONTROL_REASON_BYTES || (wish->trace_id[0] && !kf_is_trace_id(wish->trace_id)) ||
	    (wish->span_id[0] && !kf_is_span_id(wish->span_id)) || (wish->span_id[0] && !wish->trace_id[0]))
		abort();
}

static void fuzz_snapshot(const char *bytes, size_t len)
{
	struct kf_snapshot_wish wish;
	struct kf_error e = { 0 };

	if (kf_snapshot_wish_parse(&wish, bytes, len, &e))
		check_error(&e);
	else
		check_wish(&wish);
}

static void fuzz_trigger(const char *bytes, size_t len)
{
	struct kf_trigger_wish wish;
	struct kf_error e = { 0 };
	json_t *holder;

	if (kf_trigger_wish_parse(&wish, &holder, bytes, len, &e)) {
		check_error(&e);
		return;
	}
	if (!wish.text && !wish.sets_enabled)
		abort();
	json_decref(holder);
}

static void fuzz_traceparent(const char *bytes, size_t len)
{
	char *header = strndup(bytes, len);
	struct kf_snapshot_wish wish = { 0 };

	if (!header)
		return;
	if (kf_traceparent_take(&wish, header) && (!wish.trace_id[0] || !wish.span_id[0]))
		abort();
	check_wish(&wish);
	free(header);
}

static void fuzz_answer(const char *bytes, size_t len)
{
	struct kf_http_answer answer;
	struct kf_error e = { 0 };

	if (kf_http_answer_parse(&answer, bytes, len, &e))
		check_error(&e);
	else if (answer.status < 100 || answer.status > 599 || answer.body < bytes ||
		 answer.body + answer.body_len != bytes + len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const char *bytes, size_t len) = { fuzz_snapshot, fuzz_trigger, fuzz_traceparent,
									  fuzz_answer };

	if (size)
		parsers[data[0] % 4]((const char *)data + 1, size - 1);
	return 0;
}
