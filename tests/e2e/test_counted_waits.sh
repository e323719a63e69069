#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What BPF counts of the waits of filtered threads, read as metrics, is what `check` finds in the recorded window: as many waits of each
# kind, as long together, as many beyond a limit.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command curl

# metric NAME: its value, 0 if it is not there.
metric() {
	awk -v name="$1" '$1 == name { found = $2 } END { print found + 0 }' "$tmp/metrics"
}

# seen EXPRESSION: its value in the window.
seen() {
	"$kflight" check --json --as-seen "$snapshot" "$1" >"$tmp/check"
	json_field value <"$tmp/check" | head -1
}

# compare KIND METRIC: counts and sums of the job and its children.
compare() {
	local counted told_ns count ns

	counted=$(metric "$2_count")
	told_ns=$(awk "BEGIN { printf \"%.0f\", $(metric "$2_sum") * 1e9 }")
	count=$(seen "count($1) of $job >= 0")
	ns=$(seen "total($1) of $job >= 0s")
	figure "$1: $counted waits of $told_ns ns counted, $count of $ns ns in the window"
	expect_true "$1: there are some" "$count > 100"
	expect_true "$1: as many" "($counted - $count)^2 <= (3 + $count / 100)^2"
	expect_true "$1: as long together" "($told_ns - $ns)^2 <= (2000000 + $ns / 100)^2"
}

control=$tmp/control.sock
# shellcheck disable=SC2016 # for the job to expand
start bash -c 'until [ -e "$1/go" ]; do sleep 0.02; done
	for kind in mutex cond pipe sleep; do "$2/waits" $kind -n 40 -w 10 || exit; done' job "$tmp" "$work"
job=$pid
record -p "$job" --syscalls all --window 60s,64mb --socket "$control" --metrics "$((20000 + RANDOM % 10000))"
touch "$tmp/go"
exit_status 60 "$job" || fail "the workload ended with status $?"
request
curl -sS --max-time 20 --unix-socket "$control" http://localhost/metrics >"$tmp/metrics" || fail "no metrics"
stop_recorder

compare runq kflight_run_queue_wait_seconds
compare block kflight_blocked_seconds
compare futex kflight_futex_wait_seconds
compare syscall kflight_syscall_seconds
long=$("$kflight" check --json "$snapshot" "count(block >= 1024us) of $job >= 0" | json_field value | head -1)
short=$(awk '$1 ~ /^kflight_blocked_seconds_bucket.le="0.001024"/ { print $2 }' "$tmp/metrics")
all=$(metric kflight_blocked_seconds_count)
expect_true "waits above 1 ms: $((all - short)) counted, $long in the window" "($all - $short - $long)^2 <= (4 + $long / 50)^2"
