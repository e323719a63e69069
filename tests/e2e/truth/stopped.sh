#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# SIGSTOP and SIGCONT: 20 ms in every 30 ms.
. "$(dirname "$0")/lib.sh"

scenario() {
	record_scenario
	start_inside "$work/stopped" -c "$cpu" -s "$seconds" -j "$tmp/journal"
	measured
	judge blocked -as stopped "$tmp/journal" "$tmp/report"
}

hold stopped "SIGSTOP and SIGCONT"
