#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A time-out of 10 ms that the kernel may let last 20 ms longer, and does if nothing else happens on that CPU.
. "$(dirname "$0")/lib.sh"

scenario() {
	record_scenario
	start_inside "$work/victim" -p 10 -k 20 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge blocked -as poll,sleep -aside signal "$tmp/journal" "$tmp/report" &&
		finding SleepOverrun victim "" "^victim/.* poll" --rule SleepOverrun=1ms,1s
}

hold oversleep "timer sleep overrun"
