#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The recorder's own CPU is taken by a real-time hog just when the trigger fires: the window of the incident waits for
# it in the kernel.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command taskset

cpu=$(last_cpu)
start "$work/victim" -c "$cpu" -s 60
victim=$pid
start "$work/churn" threads -s 60 # fills the rings: without a hold they would be overwritten in a second
record -p "$victim" --trigger 'runq>50ms' --count 1 --window 1s,8mb
taskset -a -p -c "$cpu" "$recorder" >"$tmp/taskset" || fail "cannot pin the recorder"
sleep 1 # history
start "$work/hog" -c "$cpu" -r -b 2000 -p 1000 -s 2 -j "$tmp/hog"
hog=$pid
wait_snapshots 20 1
exit_status 10 "$recorder" || fail "the recorder ended with status $?"
end_within 10 "$hog"
keep starved "$snapshot"
"$kflight" info "$snapshot"
"$kflight" report --json "$snapshot" >"$tmp/json" || fail "report failed"
floor=$(json_field floor_ns <"$tmp/json" | head -1)
since=$(json_field since_ns <"$tmp/json" | head -1)
fired=$(json_field ts_ns <"$tmp/json" | head -1)
end=$(json_field end_ns <"$tmp/json" | head -1)
[ "$floor" -lt "$since" ] || fail "the window (from $floor) does not reach back to the wait's start ($since)"
[ $((end - fired)) -gt 50000000 ] || fail "the recorder came to its copy $(((end - fired) / 1000)) us after the trigger: it was not starved"
burst=$(json_field start_ns <"$tmp/hog" | head -1)
figure "copied $(((end - fired) / 1000000)) ms after the trigger; the window begins $(((since - floor) / 1000000)) ms before the wait"
expect_true 'the window holds the time before the burst' "$floor < $burst"
"$kflight" report "$snapshot" | head -2
