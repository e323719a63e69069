#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Without a BPF timer (its memory can be refused on a busy host) open waits are looked at from user space, and fire all
# the same.
. "$(dirname "$0")/lib.sh"
need_bpf

export KFLIGHT_USER_TIMER=1
record --comm 'w-stuck' --trigger 'futex>200ms' --count 1 --window 2s,32mb
start "$work/waits" stuck -s 30
stuck=$pid
wait_snapshots 5 1
is_gone "$stuck" && fail "the stuck thread ended: nothing was shown"
kill "$stuck"
exit_status 10 "$recorder" || fail "the recorder ended with status $?"
"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
expect_match 'the stuck thread is named' "w-stuck/$stuck" "$tmp/report"
expect_match 'the user is told' 'looked at from user space, every 50 ms' "$tmp/rec.err"
