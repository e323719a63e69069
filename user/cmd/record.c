/* SPDX-License-Identifier: BSD-2-Clause */
/* record.c - the recorder: attach, wait for triggers, write snapshots. */
#include "cmd/cmd.h"

#include <stdlib.h>

#include "base/error.h"
#include "cmd/recording.h"

static const struct kf_command command = {
	.name = "record",
	.summary = "keep the last seconds of scheduling in memory, save them when something is late",
	.description =
		"Scheduling is recorded for the whole host: who ran, who was woken by whom, who waited for what. "
		"Nothing is "
		"written and this program sleeps until a trigger fires, SIGUSR1 or `kflight snapshot` asks, or the "
		"recording ends without triggers. The filter only chooses who can trigger.",
	.examples = "  kflight record -p 2144 --trigger 'runq>5ms' --trigger 'futex>50ms' -o /var/lib/kflight\n"
		    "  kflight record --comm 'postgres*' --trigger 'block>1s' --after 500ms --count 1\n"
		    "  kflight record --duration 5s\n"
		    "  kflight record --config /etc/kflight/kflight.conf\n"
		    "  kill -USR1 $(pidof kflight)",
};

int cmd_record(int argc, char **argv)
{
	struct kf_command with_options = command;
	struct kf_option rows[KF_RECORD_OPTIONS];
	bool given[KF_RECORD_OPTIONS] = { 0 };
	struct kf_service_result result = { 0 };
	struct kf_operands operands = { 0 };
	struct kf_recording recording;
	struct kf_error e;
	int parsed, status;

	kf_recording_init(&recording);
	kf_record_options(&recording, rows);
	with_options.options = rows;
	parsed = kf_options_parse_given(&with_options, argc, argv, &operands, given, &e);
	if (parsed > 0)
		status = KF_OK;
	else if (parsed || kf_recording_load(&recording, rows, given, &e) || kf_recording_prepare(&recording, &e) ||
		 kf_recording_start(&recording, &e))
		status = kf_error_print(&e);
	else
		status = kf_recording_loop(&recording, -1, NULL, &result);
	if (!parsed && status == KF_OK && !result.written && recording.triggers.n_rules)
		kf_note("no trigger fired, nothing was written");
	kf_recording_release(&recording);
	free(operands.items);
	return status;
}
