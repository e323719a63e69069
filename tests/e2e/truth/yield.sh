#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A thread gives its CPU away all the time, and the other one takes it.
. "$(dirname "$0")/lib.sh"

scenario() {
	start_inside "$work/hog" -c "$cpu" -b 50 -p 0 -s 30
	hog=$pid
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 0 -y -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind yielded -cause "thread:$hog" "$tmp/journal" "$tmp/gaps"
}

hold yield "sched_yield loop"
