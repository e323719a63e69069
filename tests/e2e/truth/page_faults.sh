#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Touches of pages that come 5 ms late: waits outside of any syscall.
. "$(dirname "$0")/lib.sh"

scenario() {
	record_scenario
	start_inside "$work/faults" page -s "$seconds" -j "$tmp/journal"
	measured
	judge blocked -as page_fault -aside signal "$tmp/journal" "$tmp/report"
}

hold page_faults "page faults"
