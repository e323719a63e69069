#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# --limit: so many snapshots in a time, whoever asks by program; also after a restart. A signal gets one in any case.
. "$(dirname "$0")/lib.sh"
need_bpf

asked=$tmp/control.sock
start "$work/waits" mutex -w 30 -n 100000
record --comm w-mutex --trigger 'futex>20ms' --cooldown 100ms --window 1s,4mb --limit '3/h,100/d' --socket "$asked"
wait_snapshots 20 3
sleep 2
expect 'triggered' 3 "$(snapshots)"

"$kflight" status --socket "$asked" --json >"$tmp/status" 2>"$tmp/status.err" || fail "status: $(cat "$tmp/status.err")"
limited=$(jq '[.triggers[].limited // .triggers[].suppressed.limited // 0] | add' "$tmp/status") || fail "$(cat "$tmp/status")"
expect_true 'limited triggers are counted' "$limited > 5"
figure "3 snapshots by an hourly limit, $limited triggers suppressed in 2 s"

"$kflight" snapshot --socket "$asked" >"$tmp/ask" 2>&1 && fail "a request got one: $(cat "$tmp/ask")"
expect_match 'a request is refused' '[Ll]imit' "$tmp/ask"
expect_match 'with the limit and the time' '3/h, the next one in ' "$tmp/ask"
expect 'after the request' 3 "$(snapshots)"

kill -USR1 "$recorder"
wait_snapshots 20 4
stop_recorder

echo "- after a restart"
: >"$tmp/rec.out"
record --comm w-mutex --trigger 'futex>20ms' --cooldown 100ms --window 1s,4mb --limit '3/h,100/d'
sleep 2
expect 'triggered after a restart' 0 "$(snapshots)"
stop_recorder

echo "- a reload forgets nothing, not even what was deleted meanwhile"
rm -rf "$tmp/out"
printf '[record]\nlimit = 2/h\nkeep = 1\n' >"$tmp/conf"
record --config "$tmp/conf" --window 1s,4mb --socket "$asked"
for _ in 1 2; do
	"$kflight" snapshot --socket "$asked" || fail "one of the first two: $(cat "$tmp/rec.err")"
done
kill -HUP "$recorder"
wait_line 10 'nothing has changed' "$tmp/rec.err"
"$kflight" snapshot --socket "$asked" >"$tmp/ask" 2>&1 && fail "a third one after the reload: $(cat "$tmp/ask")"
expect_match 'refused after a reload' '2/h, the next one in ' "$tmp/ask"
stop_recorder

echo "- without"
: >"$tmp/rec.out"
record --comm w-mutex --trigger 'futex>20ms' --cooldown 100ms --window 1s,4mb --limit '300/h'
wait_snapshots 20 4
stop_recorder
exit 0
