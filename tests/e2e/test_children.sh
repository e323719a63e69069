#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A filtered process's new threads and children are watched, too; with --only they are not.
. "$(dirname "$0")/lib.sh"
need_bpf

# A shell that starts a waiting child when it is told to.
parent() {
	mkfifo "$tmp/go"
	start bash -c "read -r line <'$tmp/go'; bash -c \"'$work/waits' mutex -w 40 -n 5; true\"; true"
	parent=$pid
}

parent
record -p "$parent" --trigger 'futex>20ms' --count 1 --window 2s,32mb
echo go >"$tmp/go"
wait_snapshots 10 1
exit_status 10 "$recorder" || fail "status $?"
"$kflight" report "$snapshot" >"$tmp/report"
expect_match "a grandchild's thread" 'w-mutex/[0-9]+' "$tmp/report"
end_within 10 "$parent" || fail "the workload hangs"
rm -r "$tmp/go" "$tmp/out"

parent
record -p "$parent" --only --trigger 'futex>20ms' --count 1 --window 2s,32mb
echo go >"$tmp/go"
end_within 10 "$parent" || fail "the workload hangs"
stop_recorder
expect 'snapshots with --only' 0 "$(snapshots)"
rm -rf "$tmp/out"

# A process that exits while it is recorded: said, and recording goes on.
start "$work/waits" sleep -n 1 -w 300
sleeper=$pid
record -p "$sleeper" --trigger 'block>10m' --window 2s,32mb
end_within 10 "$sleeper"
wait_line 5 "$sleeper" "$tmp/rec.err"
cat "$tmp/rec.err"
request
stop_recorder
