#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Reads past the page cache: the thread waits for the disk.
. "$(dirname "$0")/lib.sh"

scenario() {
	record_scenario
	start_inside "$work/faults" read "$tmp/file" -s "$seconds" -j "$tmp/journal"
	measured
	judge blocked -as disk -aside signal,child "$tmp/journal" "$tmp/report" &&
		finding BlockedOnDisk faults "" "^faults/" --rule BlockedOnDisk=2ms,1s
}

hold disk "D state: reads from disk"
