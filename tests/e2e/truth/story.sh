#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The trigger fires for a thread whose lock was held by one that could not run: the story follows it back to who ran.
. "$(dirname "$0")/lib.sh"
need_fifo

says() {
	grep -qE -- "$1" "$tmp/told" && return
	echo "no line '$1' in: $(sed -n '/^Why/,/^$/p' "$tmp/told")" >>"$tmp/result"
	return 1
}

scenario() {
	record --comm high --trigger 'futex>15ms' --after 60ms --count 1 --window 8s,256mb
	start_in "" "$work/inversion" -c "$cpu" -s "$seconds" -j "$tmp/journal"
	wait_snapshots 20 1
	check_workloads
	"$kflight" report "$snapshot" >"$tmp/told" || fail "report failed"
	says '^ +high/[0-9]+ of inversion waited [0-9.]+ ms: [0-9.]+ ms in futex 0x[0-9a-f]+ until low/[0-9]+ of inversion woke it$' &&
		says '^ +low/[0-9]+ of inversion meanwhile: (1[5-9]|2[0-9])\.[0-9]+ ms ready but not running' &&
		says '^ +low/[0-9]+ of inversion was preempted by medium/.* ms medium/[0-9]+ of inversion \(SCHED_FIFO 2, (9[5-9]|100) %\)' &&
		echo "of high's wait the story tells that low had the lock and medium the CPU" >>"$tmp/result"
}

hold story "wake chain of a priority inversion"
