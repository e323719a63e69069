#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Nine threads go through one lock, which each holds for 3 ms: eight stand in line.
. "$(dirname "$0")/lib.sh"

scenario() {
	record_scenario
	start_inside "$work/convoy" -t 8 -s "$seconds" -j "$tmp/journal" >"$tmp/address"
	measured
	judge blocked -of 'convoy-*' -as futex -aside sleep,signal,futex_cond "$tmp/journal" "$tmp/report" &&
		finding FutexConvoy convoy "" "^9 threads of convoy/[0-9]+ stood in line for futex $(json_field address <"$tmp/address"), up to 8"
}

hold convoy "futex convoy, 8 waiters"
