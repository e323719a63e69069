#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Snapshots that are asked for: by signal, over the socket, at the end; what is answered while one is being written.
. "$(dirname "$0")/lib.sh"
need_bpf

record --socket "$tmp/socket" --window 2s,32mb
request
expect 'kind in the name' request "$(basename "$snapshot" .kfl | cut -d- -f3)"
expect 'mode' 600 "$(stat -c %a "$snapshot")"

"$kflight" snapshot --socket "$tmp/socket" --reason 'checkout slow' >"$tmp/path" 2>"$tmp/err" ||
	fail "snapshot over the socket: $(cat "$tmp/err")"
[ -s "$(cat "$tmp/path")" ] || fail "'$(cat "$tmp/path")' is not there"
"$kflight" report "$(cat "$tmp/path")" >"$tmp/report" || fail "report failed"
expect_match 'the reason' 'checkout slow' "$tmp/report"

# Two at once, several times: each gets a file or hears that one is being written; nobody hangs.
busy=0
for _ in 1 2 3 4 5; do
	asked=()
	for i in 1 2 3; do
		start "$kflight" snapshot --socket "$tmp/socket" --reason "nr $i" >"$tmp/path.$i" 2>"$tmp/err.$i"
		asked+=("$pid")
	done
	for i in 1 2 3; do
		if exit_status 20 "${asked[i - 1]}"; then
			[ -s "$(cat "$tmp/path.$i")" ] || fail "status 0, but no file '$(cat "$tmp/path.$i")'"
		else
			expect_match 'a refusal' 'busy|being (taken|written)' "$tmp/err.$i"
			busy=$((busy + 1))
		fi
	done
done
[ $busy -gt 0 ] || fail "three requests at once were never refused"
figure "of 15 requests, three at a time, $busy were answered busy"
before=$(snapshots)
stop_recorder
expect 'Ctrl-C without a trigger leaves one more snapshot' $((before + 1)) "$(snapshots)"
[ ! -e "$tmp/socket" ] || fail "the socket was left behind"

record --duration 500ms --window 2s,32mb
exit_status 10 "$recorder" || fail "--duration: status $?"
expect '--duration ends with a snapshot' 1 "$(snapshots)"

echo "- nobody reads standard output: paths go to the log, and the loop goes on"
mkfifo "$tmp/pipe"
exec 5<>"$tmp/pipe"
head -c 65536 /dev/zero >&5
start "$kflight" record --window 1s,8mb --trigger 'runq>10m' --socket "$tmp/socket" -o "$tmp/out" >"$tmp/pipe" 2>"$tmp/rec.err"
recorder=$pid
wait_recording "$recorder" "$tmp/rec.err"
kill -USR1 "$recorder"
wait_line 20 "wrote '.*request.*\.kfl'" "$tmp/rec.err"
timeout 10 "$kflight" status --socket "$tmp/socket" >"$tmp/status" 2>&1 || fail "no answer: $(cat "$tmp/status")"
stop_recorder
exec 5>&-

record --trigger 'runq>10m' --window 2s,32mb
stop_recorder
expect 'no snapshot on Ctrl-C with a trigger that did not fire' 0 "$(snapshots)"

"$kflight" snapshot --socket "$tmp/nobody" >"$tmp/out.txt" 2>"$tmp/err"
expect 'nobody listens: status' 3 $?
expect_match 'nobody listens: words' "error: .*'$tmp/nobody'" "$tmp/err"
