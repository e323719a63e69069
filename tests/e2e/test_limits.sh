#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# --count ends the recorder, --cooldown keeps snapshots apart, and what was suppressed is counted.
. "$(dirname "$0")/lib.sh"
need_bpf

start "$work/waits" mutex -w 30 -n 400
record --comm w-mutex --trigger 'futex>20ms' --cooldown 1s --count 3 --window 1s,16mb
started_at=$SECONDS
wait_snapshots 20 3
exit_status 10 "$recorder" || fail "status $?"
took=$((SECONDS - started_at))
expect '--count' 3 "$(snapshots)"
[ $took -ge 2 ] || fail "three snapshots with a cool-down of 1 s took only $took s"
"$kflight" info "$snapshot" >"$tmp/info" || fail "info failed"
cat "$tmp/info"
expect_match 'suppressed triggers are counted' 'cool' "$tmp/info"
