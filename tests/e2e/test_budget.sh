#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Recording every syscall of a storm costs more than it may: syscalls are given up, told in the log and in the snapshot, and come back
# when the storm is over.
. "$(dirname "$0")/lib.sh"
need_bpf
export KFLIGHT_BUDGET_EVERY=300ms

# info_field NAME: of the last snapshot, which is read into $tmp/info.
info_field() {
	"$kflight" info --json "$snapshot" >"$tmp/info" || fail "cannot read '$snapshot'"
	json_field "$1" <"$tmp/info" | head -1
}

# The storm alone costs 20 % of two CPUs. What others do on this host beside it may not: 3 %.
record --comm calls --comm quiet --syscalls all --causes none --window 500ms --budget 3%
start "$work/shares" calls
storm=$pid
wait_line 30 'budget: .* syscalls are not recorded any more' "$tmp/rec.err"
sleep 1 # the window has to pass
request
kill "$storm"
exit_status 5 "$storm"
expect "syscalls are not claimed for a window without them" blocking "$(info_field syscalls)"
expect_match "info tells what was given up" '"after": "syscalls"' "$tmp/info"
expect_true "the snapshot tells its cost" "$(info_field cost_ppm) > 0"

# It may be tried while the storm goes on, and then waits 60 looks; and others on this host may be dear for a while.
wait_line 60 'budget: .* syscalls are recorded again' "$tmp/rec.err"
start "$work/shares" quiet >"$tmp/journal"
for ((try = 0; try < 20; try++)); do
	sleep 2 # longer than the window; snapshots cost, too
	request
	[ "$(info_field syscalls)" != all ] || break
done
if [ "$(info_field syscalls)" = all ]; then
	"$kflight" check --json "$snapshot" 'count(syscall:getppid) of quiet >= 0' >"$tmp/check"
	expect_true "they are in the window" "$(json_field value <"$tmp/check" | head -1) > 50"
else
	tail -1 "$tmp/rec.err" | grep -q 'not recorded any more' || fail "syscalls are away, and the log does not say so"
	figure "this host is too busy for 3 %: $(tail -1 "$tmp/rec.err")"
fi
stop_recorder
figure "$(grep -c 'not recorded any more' "$tmp/rec.err") times given up, last at $(grep 'any more' "$tmp/rec.err" | tail -1 | sed 's/.*costs //; s/ of the.*//')"
