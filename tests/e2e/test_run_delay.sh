#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The kernel's own audit: for every thread that lived through the window the sum of its gaps agrees with the growth of
# run_delay in its schedstat within 1 % + 100 us, under five loads. How they are compared: tests/go/cmd/rundelay.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/loads.sh"
need_bpf
need_command hackbench
need_command stress-ng
[ -r /proc/self/schedstat ] || skip "this kernel counts no waits (CONFIG_SCHED_INFO)"
go_helper rundelay
go_helper goload

seconds=${quick:+2}
seconds=${seconds:-6}
rundelay=$root/build/e2e/rundelay
failed=

# measure NAME: one recording, audited. Returns 1 if they disagree.
measure() {
	local agree

	start_load "$1"
	record --window 15s,512mb
	sleep 1 # threads that were ready when recording started have run
	"$rundelay" watch "$seconds" "$tmp/readings" || fail "cannot read schedstat"
	request
	stop_load
	stop_recorder
	"$kflight" export -f ndjson "$snapshot" >"$tmp/gaps" || fail "export to NDJSON failed"
	"$kflight" report --json "$snapshot" >"$tmp/json" || fail "report failed"
	"$rundelay" compare "$1" "$tmp/readings" "$tmp/gaps" "$tmp/json"
	agree=$?
	if [ -n "${KEEP_RUN_DELAY:-}" ]; then
		mkdir -p "$KEEP_RUN_DELAY/$1.$try" && cp "$snapshot" "$tmp/readings" "$tmp/gaps" "$tmp/json" "$KEEP_RUN_DELAY/$1.$try"
	fi
	rm -rf "$tmp/out"
	return $agree
}

for name in ${LOADS:-hackbench stress forks hogs go}; do
	for try in 1 2; do
		measure "$name" >"$tmp/result" 2>&1 && break
		sed "s/^figure:/try $try:/" "$tmp/result"
		echo >"$tmp/result"
	done
	cat "$tmp/result"
	grep -q '^figure:' "$tmp/result" || failed="$failed $name"
done
[ -z "$failed" ] || fail "kflight and the kernel disagree under:$failed"
