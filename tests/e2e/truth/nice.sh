#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A thread of nice 19 loses its CPU to one of nice -20, 30 ms in every 50 ms.
. "$(dirname "$0")/lib.sh"

scenario() {
	start_inside "$work/hog" -c "$cpu" -b 30 -p 20 -n -20 -s 30
	hog=$pid
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 0 -n 19 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind preempted -cause "thread:$hog" "$tmp/journal" "$tmp/gaps" &&
		finding RunQueueLatency victim hog "nice -20 against 19"
}

hold nice "nice -20 against nice 19"
