#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A thread of high priority waits for a lock; its holder is kept off the CPU by a thread of medium priority.
. "$(dirname "$0")/lib.sh"
need_fifo

scenario() {
	record_scenario
	start "$work/inversion" -c "$cpu" -s "$seconds" -j "$tmp/journal"
	measured
	judge blocked -of high -as futex -aside sleep,signal,futex_cond "$tmp/journal" "$tmp/report" &&
		judge gaps -of low -kind preempted -cause thread:medium -bursts "$tmp/journal" "$tmp/journal" "$tmp/gaps" &&
		finding PriorityInversion inversion medium "^high/.*until low/.*by medium/"
}

hold inversion "priority inversion"
