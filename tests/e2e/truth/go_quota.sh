#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A Go program with GOMAXPROCS 8 that may use half a CPU: its threads wait for the quota, and for one another.
. "$(dirname "$0")/lib.sh"
go_helper spin

scenario() {
	quota_group 50
	record_scenario
	GOMAXPROCS=8 start_in "$quota_group" "$root/build/e2e/spin" 30
	sleep "$seconds" # how long is measured
	take_snapshot
	judge group -of spin -kind throttled,preempted,yielded,woken -cause throttled,thread:spin "$tmp/gaps" &&
		finding CpuQuotaThrottled spin "" "/quota \(50.0 ms per 100 ms\)" &&
		finding OversubscribedProcess spin "" "a Go program.*may use 0.5 CPUs"
}

hold go_quota "Go, GOMAXPROCS 8 in half a CPU"
