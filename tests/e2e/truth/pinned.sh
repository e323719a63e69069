#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A thread may use one CPU only, which is busy, while another has nothing to do: if the host leaves one idle, by its own
# account, then that has to be found.
. "$(dirname "$0")/lib.sh"

# Ticks of 10 ms that the other CPUs were idle.
idle_elsewhere() {
	awk -v "mine=cpu$cpu" '/^cpu[0-9]/ && $1 != mine { idle += $5 } END { print idle + 0 }' /proc/stat
}

scenario() {
	local idle

	start_inside "$work/hog" -c "$cpu" -b 50 -p 0 -s 30
	hog=$pid
	record_scenario
	idle=$(idle_elsewhere)
	start_inside "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l -j "$tmp/journal"
	measured
	idle=$(($(idle_elsewhere) - idle))
	judge gaps -kind preempted -cause "thread:$hog" "$tmp/journal" "$tmp/gaps" || return
	if [ "$(awk "BEGIN { print ($idle >= 25 * $seconds) }")" = 1 ]; then
		finding BadPlacement victim hog "is pinned and .*, which it may not use"
	else
		findings="; other CPUs were idle for $((idle * 10)) ms only: no finding expected"
	fi
}

hold pinned "pinned to a busy CPU"
