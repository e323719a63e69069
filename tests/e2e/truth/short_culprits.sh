#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Forty threads that run 200 us each: together they are the hog.
. "$(dirname "$0")/lib.sh"

scenario() {
	start_inside "$work/crowd" -c "$cpu" -s 30
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind preempted -cause thread:crowd "$tmp/journal" "$tmp/gaps" &&
		finding RunQueueLatency victim "" "crowd \([0-9]+ threads" &&
		finding OversubscribedProcess crowd "" "where it may use 1 CPU"
}

hold short_culprits "many short culprits"
