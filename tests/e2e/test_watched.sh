#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The look at open waits: one that passes its threshold during the cool-down fires when that is over, zombies wait for
# nothing, and threads that come and go leave the walk short.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command curl
need_command jq

record --comm w-stuck --trigger 'futex>100ms' --cooldown 2s --count 2 --window 1s,16mb
start "$work/waits" stuck -s 30
first=$pid
wait_snapshots 5 1
start "$work/waits" stuck -s 30
second=$pid
wait_snapshots 10 2
exit_status 10 "$recorder" || fail "the recorder ended with status $?"
"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
expect_match 'the second one is told' "w-stuck/$second" "$tmp/report"
kill "$first" "$second"

cp "$(command -v sleep)" "$tmp/zz-zombie"
start sh -c "'$tmp/zz-zombie' 0.01 & exec sleep 10" # never asks for its child
until_true 5 sh -c "grep -l '^State:.*Z' /proc/[0-9]*/status | xargs grep -q '^Name:.zz-zombie'" ||
	skip "no zombie came to be"
record --comm 'zz-*' --trigger 'block>100ms' --duration 1s --window 1s,16mb
exit_status 10 "$recorder" || fail "the recorder ended with status $?"
expect 'snapshots of a zombie' 0 "$(snapshots)"

start "$work/churn" threads -s 8
churn=$pid
record --comm 'churn*' --trigger 'futex>60s' --trigger 'runq>10s' --window 1s,16mb --socket "$tmp/socket"
until_true 20 is_gone "$churn"
curl -s --unix-socket "$tmp/socket" http://kflight/status >"$tmp/status" || fail 'no status'
stop_recorder
walk=$(jq '.open_waits.ns / .open_waits.looks | floor' "$tmp/status")
figure "a look at open waits, after 8 s of threads that come and go: $walk ns"
expect 'threads without a place' 0 "$(jq .records.lost.unwatched "$tmp/status")"
[ "$walk" -lt 100000 ] || fail "a walk takes $walk ns: $(cat "$tmp/status")"
