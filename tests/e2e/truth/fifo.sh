#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A SCHED_FIFO thread takes the CPU 8 ms at a time; who wakes up meanwhile waits.
. "$(dirname "$0")/lib.sh"
need_fifo

scenario() {
	start "$work/hog" -c "$cpu" -b 8 -p 7.3 -r -s 30
	hog=$pid
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 10 -w 0.5 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind woken,preempted -cause "thread:$hog" "$tmp/journal" "$tmp/gaps"
}

hold fifo "SCHED_FIFO hog"
