/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot.c - asks a running recorder for a snapshot now. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "daemon/control.h"
#include "cli/options.h"

#define DEFAULT_TIMEOUT_NS 30000000000ull

static int refused(const json_t *answer, struct kf_error *e)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *why = json_string_value(json_object_get(answer, "why"));
	bool busy = error && !strcmp(error, "busy");

	return kf_fail(e, KF_HOST, busy ? "try again in a moment" : NULL, "no snapshot: %s: %s",
		       error ? error : "refused", why ? why : "no reason given");
}

static int ask(const char *socket, const char *reason, uint64_t timeout_ns, struct kf_error *e)
{
	json_t *request = json_pack("{ssss}", "do", "snapshot", "reason", reason), *answer = NULL;
	const char *path;
	int ret;

	if (!request) /* jansson refuses text that is no UTF-8 */
		return kf_fail(e, KF_USAGE, NULL, "the reason is no valid UTF-8");
	ret = kf_control_request(socket, request, timeout_ns, &answer, e);
	json_decref(request);
	if (ret)
		return -1;
	path = json_string_value(json_object_get(answer, "path"));
	if (json_is_true(json_object_get(answer, "ok")) && path)
		puts(path);
	else
		ret = refused(answer, e);
	json_decref(answer);
	return ret;
}

int cmd_snapshot(int argc, char **argv)
{
	const char *reason = "", *socket = KF_CONTROL_PATH;
	uint64_t timeout_ns = DEFAULT_TIMEOUT_NS;
	const struct kf_option options[] = {
		{ "reason", 0, KF_OPT_STRING, &reason, "TEXT", "kept in the snapshot and shown by its report" },
		{ "socket", 0, KF_OPT_STRING, &socket, "PATH", "of the recorder (default " KF_CONTROL_PATH ")" },
		{ "timeout", 0, KF_OPT_DURATION, &timeout_ns, "DURATION", "wait that long (default 30s)" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "snapshot",
		.summary = "ask a running recorder for a snapshot now",
		.description = "Prints the path of the snapshot when it is written. Exit status 3 if there is none: no "
			       "recorder runs, or it is busy with another one.",
		.examples = "  kflight snapshot --reason 'checkout slow'\n",
		.options = options,
	};
	struct kf_operands operands = { 0 };
	struct kf_error e;
	int ret = kf_options_parse(&command, argc, argv, &operands, &e);

	if (ret > 0)
		return KF_OK;
	if (!ret && strlen(reason) > KF_CONTROL_REASON_BYTES)
		ret = kf_fail(&e, KF_USAGE, NULL, "the reason is longer than %d bytes", KF_CONTROL_REASON_BYTES);
	if (ret || ask(socket, reason, timeout_ns, &e))
		return kf_error_print(&e);
	return KF_OK;
}
