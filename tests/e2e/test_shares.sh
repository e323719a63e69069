#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Processes that flood the recorder with syscalls, births or names: the history of a quiet one beside them stays, the refused records
# are counted and told. Without shares the same floods do evict it, or nothing is shown here.
. "$(dirname "$0")/lib.sh"
need_bpf
cpus=$(nproc)

# count_kept JOURNAL [NAME]: the calls that were made within the window ($told), and those of that thread in the snapshot ($seen).
count_kept() {
	"$kflight" info --json "$snapshot" >"$tmp/info" || fail "cannot read '$snapshot'"
	from=$(json_field floor_ns <"$tmp/info" | head -1)
	to=$(json_field end_ns <"$tmp/info" | head -1)
	told=$(json_field call_ns <"$tmp/$1.journal" | awk -v from="$from" -v to="$to" '$1 >= from && $1 < to' | wc -l)
	"$kflight" check --json "$snapshot" "count(syscall:getppid) of ${2:-$1} >= 0" >"$tmp/check"
	seen=$(json_field value <"$tmp/check" | head -1)
	seen=${seen:-0}
	[ "$told" -gt 20 ] || fail "'$1' did only $told calls in the window"
}

# flooded_with ROLE QUIET: records 3 s of one flooder per CPU beside a quiet process; how much of what the quiet one did in the
# window is in the snapshot, in $kept_percent.
flooded_with() {
	local flooders=() i

	record --syscalls all --window 2s
	start "$work/shares" "$2" >"$tmp/$2.journal"
	quiet=$pid
	for ((i = 0; i < cpus; i++)); do
		start "$work/shares" "$1"
		flooders+=("$pid")
	done
	sleep 3 # the floods have time to come round in the rings
	request
	for i in "${flooders[@]}" "$quiet"; do
		kill "$i"
		exit_status 5 "$i"
	done
	stop_recorder
	count_kept "$2" "${3:-$2}"
	kept_percent=$(awk "BEGIN { printf \"%.1f\", 100 * $seen / $told }")
	flooded=$(json_field flooded <"$tmp/info" | head -1)
	figure "$1 beside $2: $seen of $told calls kept ($kept_percent %), ${flooded:-no} records refused"
}

flooded_with calls quiet
expect_true "a quiet process keeps its syscalls beside a flood of them" "$kept_percent > 98"
expect_true "refused records are told" "${flooded:-0} > 1000"
"$kflight" info "$snapshot" >"$tmp/text"
expect_match "info says so" 'had its share' "$tmp/text"

for flood in forks renames; do
	flooded_with $flood births born
	expect_true "names stay beside a flood of $flood" "$kept_percent > 90"
	expect_true "refused records are told" "${flooded:-0} > 100"
	"$kflight" report "$snapshot" >"$tmp/report" || fail "report of a flood of $flood failed"
done

# A busy process is no flood: the ring has room for its window twice. Nobody else's syscalls are recorded.
cpu=$(last_cpu)
record --comm busy --comm quiet --syscalls all --window 2s
start taskset -c "$cpu" "$work/shares" quiet >"$tmp/quiet.journal"
quiet=$pid
start taskset -c "$cpu" "$work/shares" busy >"$tmp/busy.journal"
busy=$pid
sleep 4
request
for i in "$busy" "$quiet"; do
	kill "$i"
	exit_status 5 "$i"
done
stop_recorder
count_kept busy
kept_percent=$(awk "BEGIN { printf \"%.1f\", 5 * $seen / $told }") # of 20 calls one is told
figure "a busy process: $seen calls in the window ($kept_percent %)"
expect_true 'a busy process that leaves room for others loses nothing' "$kept_percent > 95"

export KFLIGHT_NO_SHARES=1
flooded_with calls quiet
expect_true "without shares the flood evicts" "$kept_percent < 50"
flooded_with forks births born
