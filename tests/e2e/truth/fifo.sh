#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A SCHED_FIFO thread takes the CPU 8 ms at a time; who wakes up meanwhile waits, and who ran waits, too.
. "$(dirname "$0")/lib.sh"
need_fifo

scenario() {
	start_in "" "$work/hog" -c "$cpu" -b 8 -p 7.3 -r -s 30 -j "$tmp/bursts"
	hog=$pid
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 10 -w 2 -s "$seconds" -l -j "$tmp/journal"
	measured
	kill "$hog"
	exit_status 5 "$hog"
	judge gaps -kind woken,preempted -cause "thread:$hog" -bursts "$tmp/bursts" "$tmp/journal" "$tmp/gaps" &&
		finding RealtimeHog victim hog "SCHED_FIFO 2"
}

hold fifo "SCHED_FIFO hog"
