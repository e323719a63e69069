#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A thread may use one CPU only, which is busy, while another has nothing to do.
. "$(dirname "$0")/lib.sh"

scenario() {
	start_inside "$work/hog" -c "$cpu" -b 50 -p 0 -s 30
	hog=$pid
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 10 -w 7 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind preempted,woken -cause "thread:$hog" "$tmp/journal" "$tmp/gaps"
}

hold pinned "pinned to a busy CPU"
