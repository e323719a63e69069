#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Waits that have not ended: a thread stuck in a futex, and one that starves, fire before their wait ends.
. "$(dirname "$0")/lib.sh"
need_bpf

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
record -p "$victim" --trigger 'runq>100ms' --count 1 --window 2s,32mb
start "$work/hog" -c "$cpu" -r -b 700 -p 300 -s 5 -j "$tmp/hog"
hog=$pid
wait_snapshots 10 1
"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
head -1 "$tmp/report"
expect_match 'the starving thread is named' "victim/$victim" "$tmp/report"
expect_match 'the hog is named' "hog/$hog" "$tmp/report"
keep open-runq "$snapshot"
# It fired while the wait went on: the last record of the window comes before the burst's end.
"$kflight" export -f ndjson "$snapshot" | gaps_of "$victim" >"$tmp/gaps"
expect_match 'the gap is open' '"open": *true' "$tmp/gaps"
