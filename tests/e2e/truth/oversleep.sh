#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Sleeps that the kernel may let last 8 ms too long.
. "$(dirname "$0")/lib.sh"

scenario() {
	record_scenario
	start_inside "$work/victim" -p 10 -k 8 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge blocked -as sleep -aside signal "$tmp/journal" "$tmp/report"
}

hold oversleep "timer sleep overrun"
