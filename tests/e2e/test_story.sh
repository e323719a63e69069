#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Why it took so long: waits whose waker is known, and a line for a lock, are told as they were.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command jq

# A thread waits for the main thread of its process, which sleeps. On a busy host the sleep may not be most of it.
tell_wait() {
	local waiter=$1 waker

	record --comm "w-$waiter" --trigger 'block>25ms' --after 200ms --count 1 --window 2s,32mb
	start "$work/waits" "$waiter" -n 40 -w 50 -j "$tmp/journal"
	waker=$pid
	wait_snapshots 20 1
	kill "$waker"
	exit_status 20 "$recorder" || fail "the recorder ended with status $?: $(cat "$tmp/rec.err")"
	"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
	"$kflight" report --json "$snapshot" | jq .story >"$tmp/story" || fail "report --json failed"
	expect "who ended the $waiter wait" "$waker" "$(jq '.chain[0].waker_tid' "$tmp/story")"
	expect "next in the chain of the $waiter wait" "$waker" "$(jq '.chain[1].tid' "$tmp/story")"
	expect_match "the $waiter wait is told" '^Why it took so long' "$tmp/report"
	expect_match "the $waiter wait is told" "until waits/$waker woke it" "$tmp/report"
	expect_match "the other side of $waiter is told" "^ +waits/$waker meanwhile: .*clock_nanosleep \(sleep\)" \
		"$tmp/report"
	expect 'lines for a lock' 0 "$(jq "[.convoys[] | select(.tgid == $waker)] | length" "$tmp/story")"
	figure "$(grep -A1 -m1 "until waits/$waker" "$tmp/report" | sed 's/^ *//' | tr '\n' ';')"
}

for kind in mutex cond pipe socket; do
	tell_wait $kind
done

start "$work/convoy" -t 8 -s 3 -j "$tmp/journal" >"$tmp/address"
convoy=$pid
wait_line 10 address "$tmp/address"
record -p "$convoy" --window 2s,32mb
sleep 1
request
stop_recorder
kill "$convoy"
"$kflight" report --json "$snapshot" | jq ".story.convoys[] | select(.tgid == $convoy)" >"$tmp/story" ||
	fail "report --json failed"
expect 'one lock' 1 "$(jq -s length "$tmp/story")"
expect 'its address' "$(($(jq -r .address "$tmp/address")))" "$(jq .address "$tmp/story")"
expect 'threads in line' 9 "$(jq .threads "$tmp/story")"
expect_true 'in line at once' "$(jq .max_waiters "$tmp/story") >= 6"
# The lock goes from one to the next, who holds it for 3 ms: almost all hand-overs are by the one woken before.
expect_true 'hand-overs go from one to the next' "$(jq '[.steps as $s | range(1; $s | length) |
	select($s[.].from_tid == $s[. - 1].tid)] | length' "$tmp/story") >= 0.8 * ($(jq '.steps | length' "$tmp/story") - 1)"
held=$(jq '[.steps[].held_ns] | sort | .[length / 2 | floor] / 1e6' "$tmp/story")
expect_true 'each holds it for 3 ms' "$held >= 2.9 && $held < 30"
figure "a line of $(jq .threads "$tmp/story"), $(jq .handovers "$tmp/story") hand-overs, held $held ms in the middle"

"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
expect_match 'the line is told' "futex 0x[0-9a-f]+ of convoy.*/$convoy: 9 threads in line" "$tmp/report"
