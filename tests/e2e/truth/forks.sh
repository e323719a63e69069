#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A fork storm: 32 children at a time, each gone after 300 us of work.
. "$(dirname "$0")/lib.sh"

scenario() {
	start_inside taskset -c "$cpu" "$work/churn" storm -s 30
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind preempted -cause thread:churn "$tmp/journal" "$tmp/gaps" &&
		finding ForkStorm churn "" "^churn/"
}

hold forks "fork storm"
