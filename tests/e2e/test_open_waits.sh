#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Waits that have not ended: a thread stuck in a futex, and one that starves, fire before their wait ends.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command jq

record --comm 'w-stuck' --trigger 'futex>200ms' --count 1 --window 2s,32mb
start "$work/waits" stuck -s 30
stuck=$pid
wait_snapshots 5 1
is_gone "$stuck" && fail "the stuck thread ended: nothing was shown"
kill "$stuck"
exit_status 10 "$recorder" || fail "the recorder ended with status $?"
"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
head -1 "$tmp/report"
expect_match 'the stuck thread is named' "w-stuck/$stuck" "$tmp/report"
keep open-futex "$snapshot"

# The hog has real-time priority: the kernel gives fair threads 50 ms of every second, if any.
cpu=$(last_cpu)
start "$work/victim" -c "$cpu" -s 20
victim=$pid
starve() {
	record -p "$victim" --trigger 'runq>100ms' --count 1 --window 2s,32mb
	start "$work/hog" -c "$cpu" -r -b 700 -p 300 -s 5 -j "$tmp/hog"
	hog=$pid
	wait_snapshots 10 1
	kill "$hog"
	"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
	head -1 "$tmp/report"
	expect_match 'the starving thread is named' "victim/$victim" "$tmp/report"
	expect_match 'the hog is named' "hog/$hog" "$tmp/report"
	keep open-runq "$snapshot"
	"$kflight" export -f ndjson "$snapshot" | gaps_of "$victim" >"$tmp/gaps"
}

# It fires while the wait goes on: the last record of the window comes before the burst's end, unless a busy host keeps the recorder
# itself waiting that long.
for _ in 1 2 3; do
	starve
	grep -q '"open": *true' "$tmp/gaps" && break
done
expect_match 'the gap is open' '"open": *true' "$tmp/gaps"

# A wait that is seen while it is open counts once, whenever it ends: what is left out by chance is counted while it is open, the rest at
# its end, and both rules are about the same waits.
record --comm w-sleep --socket "$tmp/control" --window 1s,32mb \
	--trigger 'block>1ms{name=all}' --trigger 'block>1ms{name=half, sample=50%}'
sleepers=()
for _ in {1..12}; do
	start "$work/waits" sleep -n 300 -w 3
	sleepers+=("$pid")
done
for pid in "${sleepers[@]}"; do
	exit_status 60 "$pid" || fail "a sleeper ended with status $?"
done
"$kflight" triggers --json --socket "$tmp/control" >"$tmp/triggers"
stop_recorder
# fired NAME
fired() {
	jq --arg name "$1" '(.triggers // .)[] | select(.name == $name) | .fired' "$tmp/triggers"
}
echo "figure: $(fired all) waits fired, $(fired half) with half of them left out by chance"
difference=$(($(fired all) - $(fired half)))
# One that ends between two instructions of the look still may be missed.
[ "${difference#-}" -le 3 ] || fail "the same waits fired $(fired all) and $(fired half) times"
[ "$(fired all)" -gt 1800 ] || fail "of 3600 waits only $(fired all) fired"
