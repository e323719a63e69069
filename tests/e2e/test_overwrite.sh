#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Small rings under full load, a snapshot every second: each one is whole from its floor on, and says what it holds.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command hackbench

seconds=${quick:+12}
seconds=${seconds:-60}
start hackbench -s 64 -l 100000000 -g 2 -f 4 >"$tmp/load.log" 2>&1
start "$work/churn" forks -s 100
record --window 60s,4mb
taken=0 worst=0 least=999999999
while [ $SECONDS -lt "$seconds" ]; do
	request
	taken=$((taken + 1))
	"$kflight" report --json "$snapshot" >"$tmp/json" || fail "snapshot $taken cannot be read"
	floor=$(json_field floor_ns <"$tmp/json" | head -1)
	end=$(json_field end_ns <"$tmp/json" | head -1)
	held=$(((end - floor) / 1000000))
	[ $held -gt 0 ] || fail "snapshot $taken holds nothing: floor $floor, end $end"
	[ $held -lt $least ] && least=$held
	[ $held -gt $worst ] && worst=$held
	"$kflight" export -f go "$snapshot" -o "$tmp/trace" || fail "snapshot $taken cannot be exported"
	[ $((taken % 10)) != 1 ] || keep "overwrite-$taken" "$snapshot"
	rm -f "$tmp/trace" "$snapshot"
	sleep 1 # the pace of the test
done
request
"$kflight" info "$snapshot"
[ $taken -ge 3 ] || fail "only $taken snapshots"
stop_recorder
figure "$taken snapshots of 4 MiB rings under load, windows of $least to $worst ms"
