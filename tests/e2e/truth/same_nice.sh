#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Two threads of the same nice value share a CPU: what one waits, the other runs.
. "$(dirname "$0")/lib.sh"

scenario() {
	start_inside "$work/hog" -c "$cpu" -b 50 -p 0 -s 30
	hog=$pid
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind preempted -cause "thread:$hog" "$tmp/journal" "$tmp/gaps" &&
		finding RunQueueLatency victim hog "hog/"
}

hold same_nice "CPU hog, same nice"
