#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A flood on the loopback device: the sender's time goes into the NET_RX softirq, and so does what its neighbour waits.
. "$(dirname "$0")/lib.sh"

scenario() {
	start_inside "$work/flood" -c "$cpu" -s 30 >"$tmp/flood"
	until_true 5 test -s "$tmp/flood"
	check_workloads
	record_scenario
	start_inside "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind preempted -cause softirq:NET_RX "$tmp/journal" "$tmp/gaps" &&
		finding SoftirqStorm victim "" NET_RX
}

hold softirq "softirq storm"
