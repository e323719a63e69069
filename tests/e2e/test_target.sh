#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the filtered process may do meanwhile: start 10,000 threads, run another program, exit. The recorder goes on, and whoever
# inherits its number does not trigger.
. "$(dirname "$0")/lib.sh"
need_bpf

# 10,000 threads come and go, some hundred at a time.
start "$work/churn" threads -s 30 >"$tmp/churn"
churn=$pid
record -p "$churn" --trigger 'runq>100us' --cooldown 500ms --window 2s,64mb
wait_snapshots 20 2
until_true 40 is_gone "$churn" || fail 'the load did not end'
born=$(json_field born <"$tmp/churn")
[ "$born" -ge 10000 ] || fail "only $born threads"
is_gone "$recorder" && fail "the recorder ended with its target: $(cat "$tmp/rec.err")"
expect_match 'its end is told' "$churn" "$tmp/rec.err"
snapshots_before=$(snapshots)
request
stop_recorder
"$kflight" info "$snapshot" >/dev/null || fail 'the last snapshot cannot be read'

# exec: the same number, another program, still filtered.
start bash -c "until [ -e '$tmp/go' ]; do sleep 0.02; done; exec '$work/victim' -c $(last_cpu) -p 5 -s 20"
target=$pid
record -p "$target" --trigger 'runq>2ms' --cooldown 100ms --window 2s,64mb
touch "$tmp/go"
start "$work/hog" -c "$(last_cpu)" -b 9 -p 12 -s 20
wait_snapshots 20 1
stop_recorder
"$kflight" info --json "$snapshot" | jq -e ".trigger.tgid == $target and .trigger.comm == \"victim\"" >/dev/null ||
	fail "another thread triggered: $("$kflight" info "$snapshot")"
figure "$born threads of one process, $snapshots_before snapshots; exec and exit survived"
