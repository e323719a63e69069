/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c - is this window as it should be? The answer is the exit status. */
#include "cmd/cmd.h"

#include <stdlib.h>

#include "base/error.h"
#include "cmd/checking.h"

static const struct kf_command command = {
	.name = "check",
	.operands = "FILE [EXPRESSION...]",
	.summary = "is this window as it should be? For CI: the answer is the exit status",
	.description =
		"An EXPRESSION says what is not wanted; one that is true fails. Without any, the findings "
		"of the rules decide.\nFunctions: max avg p50 p99.9 total count rate; waits: runq futex "
		"syscall[:NAMES] block throttled; for total also steal softirq irq. A wait alone means its "
		"max. `of` takes a glob of thread or process names, or a PID with its children. 100% is the "
		"length of the window. `/ 1s` behind it asks for any second of the window. Expressions are joined "
		"by and, or and brackets; {comm=nginx*, name=slow} behind them says whose waits count. It is the "
		"language of triggers: docs/triggers.md.\nExit status: 0 as it should be, 1 it is not, 2 bad "
		"usage or input, 4 the window cannot tell: waits it cuts off, lost records, or nobody of that "
		"name. What cannot be known never passes.",
	.examples = "  kflight check --rule RunQueueLatency=5ms,50ms FILE.kfl   # CI on shared machines\n"
		    "  kflight check FILE.kfl 'p99.9(runq) of nginx > 2ms' 'max(futex) > 50ms'\n"
		    "  kflight check FILE.kfl 'total(throttled) > 1%' 'count(runq > 5ms) of 2144 > 10'\n"
		    "  kflight check FILE.kfl 'p99(runq)>2ms/1s and rate(runq)>1000/s {comm=web}'\n"
		    "  kflight check FILE.kfl --file latency.rules --junit out.xml\n"
		    "  kflight check FILE.kfl --fail-on warn --rule RunQueueLatency=5ms,20ms",
	.min_operands = 1,
	.max_operands = -1,
};

int cmd_check(int argc, char **argv)
{
	struct kf_command with_options = command;
	struct kf_checking checking = { 0 };
	struct kf_option rows[KF_CHECKING_OPTIONS + 2] = {
		[KF_CHECKING_OPTIONS] = { "json", 0, KF_OPT_FLAG, &checking.json, NULL, "machine-readable" },
	};
	struct kf_operands operands = { 0 };
	struct kf_error e;
	int parsed, status;

	kf_checking_options(&checking, rows);
	with_options.options = rows;
	parsed = kf_options_parse(&with_options, argc, argv, &operands, &e);
	if (parsed) {
		status = parsed > 0 ? KF_OK : kf_error_print(&e);
	} else {
		status = kf_checking_prepare(&checking, operands.items + 1, operands.n - 1);
		if (status == KF_OK)
			status = kf_checking_judge(&checking, operands.items[0], stdout);
	}
	kf_checking_release(&checking);
	free(operands.items);
	return status;
}
