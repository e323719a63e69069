/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c - what a running recorder says of itself. */
#include "cmd/cmd.h"

#include <stdio.h>

#include "base/error.h"
#include "cmd/asking.h"
#include "daemon/control_client.h"
#include "daemon/status.h"

static int show(const char *socket, bool json, struct kf_error *e)
{
	json_t *status = NULL;
	int err = 0;

	if (kf_control_ask(socket, "GET", "/status", NULL, KF_ASKING_TIMEOUT_NS, &status, e))
		return -1;
	if (json)
		err = kf_asking_print(status, e);
	else
		kf_status_text(status, stdout);
	json_decref(status);
	return err;
}

int cmd_status(int argc, char **argv)
{
	static const struct kf_command command = {
		.name = "status",
		.summary = "what a running recorder holds, has saved, and costs",
		.description =
			"Since when it records, the window it holds, what was lost, each trigger and how often it "
			"fired, snapshots, own cost. Exit status 3 if no recorder runs or it may not be asked.",
		.examples = "  kflight status\n"
			    "  kflight status --json | jq .window.held_ns\n"
			    "  curl --unix-socket " KF_CONTROL_PATH " http://localhost/status\n",
	};

	return kf_asking_verb(&command, argc, argv, show);
}
