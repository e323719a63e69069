/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot.c - asks a running recorder for a snapshot now. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cmd/asking.h"
#include "daemon/control_client.h"
#include "daemon/control_request.h"

#define DEFAULT_TIMEOUT_NS 30000000000ull

struct settings {
	const char *reason, *trace_id, *span_id, *socket;
	uint64_t timeout_ns;
};

/* What the recorder would refuse, without asking it. */
static int check(const struct settings *o, struct kf_error *e)
{
	if (strlen(o->reason) > KF_CONTROL_REASON_BYTES)
		return kf_fail(e, KF_USAGE, NULL, "the reason is longer than %d bytes", KF_CONTROL_REASON_BYTES);
	if (o->trace_id && !kf_is_trace_id(o->trace_id))
		return kf_fail(e, KF_USAGE, "W3C trace context",
			       "bad --trace-id '%.64s': not 32 lower-case hexadecimal digits", o->trace_id);
	if (o->span_id && !kf_is_span_id(o->span_id))
		return kf_fail(e, KF_USAGE, "W3C trace context",
			       "bad --span-id '%.64s': not 16 lower-case hexadecimal digits", o->span_id);
	if (o->span_id && !o->trace_id)
		return kf_fail(e, KF_USAGE, NULL, "--span-id is of no use without --trace-id");
	return 0;
}

static int ask(const struct settings *o, struct kf_error *e)
{
	json_t *wish = json_pack("{ss ss* ss*}", "reason", o->reason, "trace_id", o->trace_id, "span_id", o->span_id);
	json_t *answer = NULL;
	const char *path;
	int err;

	if (!wish) /* jansson refuses text that is no UTF-8 */
		return kf_fail(e, KF_USAGE, NULL, "the reason is no valid UTF-8");
	err = kf_control_ask(o->socket, "POST", "/snapshot", wish, o->timeout_ns, &answer, e);
	json_decref(wish);
	if (err)
		return -1;
	path = json_string_value(json_object_get(answer, "path"));
	if (path)
		puts(path);
	else
		err = kf_fail(e, KF_HOST, NULL, "the recorder's answer has no path");
	json_decref(answer);
	return err;
}

int cmd_snapshot(int argc, char **argv)
{
	struct settings o = { .reason = "", .socket = KF_CONTROL_PATH, .timeout_ns = DEFAULT_TIMEOUT_NS };
	const struct kf_option options[] = {
		{ "reason", 0, KF_OPT_STRING, &o.reason, "TEXT", "kept in the snapshot and shown by its report" },
		{ "trace-id", 0, KF_OPT_STRING, &o.trace_id, "HEX",
		  "of the request that was slow (W3C trace context)" },
		{ "span-id", 0, KF_OPT_STRING, &o.span_id, "HEX", "... and its span" },
		KF_ASKING_SOCKET(&o.socket),
		{ "timeout", 0, KF_OPT_DURATION, &o.timeout_ns, "DURATION", "wait that long (default 30s)" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "snapshot",
		.summary = "ask a running recorder for a snapshot now",
		.description = "Prints the path of the snapshot when it is written. Exit status 3 if there is none: no "
			       "recorder runs, or it is busy with another one.",
		.examples = "  kflight snapshot --reason 'checkout slow'\n"
			    "  kflight snapshot --trace-id 4bf92f3577b34da6a3ce929d0e0e4736 --reason 'p99'\n",
		.options = options,
	};
	struct kf_operands operands = { 0 };
	struct kf_error e;
	int ret = kf_options_parse(&command, argc, argv, &operands, &e);

	if (ret > 0)
		return KF_OK;
	if (ret || check(&o, &e) || ask(&o, &e))
		return kf_error_print(&e);
	return KF_OK;
}
