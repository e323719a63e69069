#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Processes that flood the recorder with syscalls, births or names: the history of a quiet one beside them stays, the refused records
# are counted and told. Without shares the same floods do evict it, or nothing is shown here.
. "$(dirname "$0")/lib.sh"
need_bpf
cpus=$(nproc)

# flooded_with ROLE QUIET: records 3 s of one flooder per CPU beside a quiet process; how much of what the quiet one did in the
# window is in the snapshot, in $kept_percent.
flooded_with() {
	local flooders=() i told seen

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
	"$kflight" info --json "$snapshot" >"$tmp/info" || fail "cannot read '$snapshot'"
	from=$(json_field floor_ns <"$tmp/info" | head -1)
	to=$(json_field end_ns <"$tmp/info" | head -1)
	told=$(json_field call_ns <"$tmp/$2.journal" | awk -v from="$from" -v to="$to" '$1 >= from && $1 < to' | wc -l)
	"$kflight" check --json "$snapshot" "count(syscall:getppid) of ${3:-$2} >= 0" >"$tmp/check"
	seen=$(json_field value <"$tmp/check" | head -1)
	[ "$told" -gt 20 ] || fail "$1: the quiet process did only $told calls in the window"
	kept_percent=$(awk "BEGIN { printf \"%.1f\", 100 * ${seen:-0} / $told }")
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

export KFLIGHT_NO_SHARES=1
flooded_with calls quiet
expect_true "without shares the flood evicts" "$kept_percent < 50"
flooded_with forks births born
