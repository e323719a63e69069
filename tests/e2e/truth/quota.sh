#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A thread that never sleeps may use 30 ms of every 100 ms: what it waits is the quota.
. "$(dirname "$0")/lib.sh"

scenario() {
	quota_group 30
	record_scenario
	start_in "$quota_group" "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l -j "$tmp/journal"
	measured
	judge gaps -kind throttled -cause throttled "$tmp/journal" "$tmp/gaps" &&
		finding CpuQuotaThrottled victim "" "/quota \(30.0 ms per 100 ms\)"
}

hold quota "cgroup CPU quota"
