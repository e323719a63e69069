#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Triggers that fire more than 10,000 times a second, for a minute: the recorder's memory stays flat, every one of them is counted,
# and the host hardly notices.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command hackbench

seconds=60
[ -z "$quick" ] || seconds=10

storm=(--trigger 'runq>1us{name=a}' --trigger 'runq>2us{name=b}' --trigger 'block>1us{name=c}')

# How long a fixed amount of work takes, in ms.
work_ms() {
	local from to

	from=$(date +%s%3N)
	hackbench -s 64 -l 2000 -g 2 -f 4 >/dev/null 2>&1 || fail "hackbench"
	to=$(date +%s%3N)
	echo $((to - from))
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

rss_kib() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$recorder/status"
}

# The same work beside a recorder without triggers, and beside one whose triggers storm, in turns.
: >"$tmp/calm" && : >"$tmp/stormy"
for _ in 1 2 3 4 5; do
	record --window 2s,64mb
	work_ms >>"$tmp/calm"
	kill -9 "$recorder"
	end_within 10 "$recorder"
	record --window 2s,64mb "${storm[@]}" --cooldown 1h
	work_ms >>"$tmp/stormy"
	stop_recorder
done
ratio=$(awk "BEGIN { printf \"%.2f\", $(median <"$tmp/stormy") / $(median <"$tmp/calm") }")

start hackbench -s 64 -l 100000000 -g 2 -f 4 >/dev/null 2>&1
load=$pid
record --window 2s,64mb "${storm[@]}" --cooldown 2s
until_true 20 has_snapshots 3 || fail "no snapshots: $(cat "$tmp/rec.err")"
from=$SECONDS
: >"$tmp/rss"
while [ $((SECONDS - from)) -lt $seconds ]; do
	rss_kib >>"$tmp/rss"
	sleep 0.5
done
request
stop_recorder
kill "$load"

"$kflight" info --json "$snapshot" >"$tmp/info" || fail "info"
read -r fired hits ran_s <<<"$(jq -r '[([.rules[].fired] | add), ([.rules[].hits] | add), ((.window.end_ns - .window.started_ns) / 1e9)] |
	map(tostring) | join(" ")' "$tmp/info")"
per_second=$(awk "BEGIN { printf \"%d\", $fired / $ran_s }")
lowest=$(sort -n "$tmp/rss" | head -1)
highest=$(sort -n "$tmp/rss" | tail -1)
figure "$per_second triggers a second for $seconds s: $fired fired, $hits snapshots; memory $lowest to $highest KiB; work takes $ratio times as long as beside triggers that are silent"
[ "$per_second" -ge 10000 ] || fail "only $per_second triggers a second"
[ "$hits" -ge $((seconds / 5)) ] || fail "only $hits snapshots in $seconds s"
# While one is written its copy is in memory: at most the rings once more.
[ $((highest - lowest)) -le $((70 * 1024)) ] || fail "memory grew from $lowest to $highest KiB"
first=$(head -20 "$tmp/rss" | sort -n | tail -1)
last=$(tail -20 "$tmp/rss" | sort -n | tail -1)
[ "$last" -le $((first * 13 / 10)) ] || fail "memory is not flat: $first KiB in the first 10 s, $last in the last"
expect_true 'the host must not slow down to half' "$ratio < 2"
