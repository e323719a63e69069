#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Independent truth: ftrace runs beside the recorder under five loads, and once more with rings that are overwritten
# several times. Its gaps and kflight's are the same, and so are the culprits. How they are compared: tests/go/cmd/truth.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ftrace.sh"
need_bpf
need_command hackbench
need_command stress-ng
go_helper truth
go_helper goload

seconds=${quick:+3}
seconds=${seconds:-6}
load_seconds=$((seconds + 15)) # enough for the recorder to start; ended earlier
. "$(dirname "$0")/loads.sh"
failed=

# measure NAME: one recording, compared. Returns 1 if they disagree.
measure() {
	local name=$1 window=15s,512mb floor end agree

	[ "$name" != overwritten ] || window=15s,4mb
	start_load "$name"
	ftrace_start
	record --window $window
	sleep "$seconds" # how long is compared
	request
	ftrace_stop "$tmp/ftrace"
	stop_load
	stop_recorder
	keep "truth-$name" "$snapshot"
	"$kflight" export -f ndjson "$snapshot" >"$tmp/gaps" || fail "export to NDJSON failed"
	"$kflight" report --json "$snapshot" >"$tmp/json" || fail "report failed"
	floor=$(json_field floor_ns <"$tmp/json" | head -1)
	end=$(json_field end_ns <"$tmp/json" | head -1)
	"$root/build/e2e/truth" compare "$name" "$tmp/ftrace" "$trace" "$tmp/gaps" "$floor" "$end"
	agree=$?
	if [ -n "${KEEP_FTRACE:-}" ]; then
		mkdir -p "$KEEP_FTRACE/$name" && cp -r "$tmp/ftrace" "$snapshot" "$trace" "$tmp/gaps" "$KEEP_FTRACE/$name"
	fi
	rm -rf "$tmp/ftrace" "$tmp/out"
	return $agree
}

# Every miss is printed with what ftrace saw. Those seen so far: two tracers stamp one event one after the other, and an
# interrupt, or the hypervisor, comes between them (50 to 130 us). On a busy host they are too many now and then, so there
# is a second and a third try.
compare() {
	local try

	for try in 1 2 3; do
		measure "$1" >"$tmp/result" 2>&1 && break
		sed "s/^figure:/try $try:/" "$tmp/result"
		echo >"$tmp/result"
	done
	cat "$tmp/result"
	grep -q '^figure:' "$tmp/result" || failed="$failed $1"
}

ftrace_open 131072
for name in ${LOADS:-hackbench stress forks hogs go overwritten}; do
	compare "$name"
done
[ -z "$failed" ] || fail "kflight and ftrace disagree under:$failed"
