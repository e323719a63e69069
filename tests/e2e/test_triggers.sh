#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every kind of trigger fires on a wait of its kind, of the right thread, and names it.
. "$(dirname "$0")/lib.sh"
need_bpf

# fires NAME TRIGGER KIND COMM WORKLOAD...: the snapshot's name has KIND, and its report begins with the thread's wait.
fires() {
	local name=$1 trigger=$2 kind=$3 comm=$4

	shift 4
	record --comm "$comm" --trigger "$trigger" --count 1 --window 2s,32mb
	start "$@"
	wait_snapshots 10 1
	exit_status 10 "$recorder" || fail "$name: the recorder ended with status $?"
	kill "$pid" 2>/dev/null
	expect "$name: kind in the file's name" "$kind" "$(basename "$snapshot" | cut -d- -f3)"
	"$kflight" report "$snapshot" >"$tmp/report" || fail "$name: report failed"
	echo "$name: $(head -1 "$tmp/report")"
	head -1 "$tmp/report" >"$tmp/first"
	expect_match "$name: first line names the thread" "$comm/[0-9]+" "$tmp/first"
	keep "trigger-$name" "$snapshot"
	rm "$snapshot"
}

fires futex 'futex>20ms' futex w-mutex "$work/waits" mutex -w 40 -n 3
fires cond 'futex>20ms' futex w-cond "$work/waits" cond -w 40 -n 3
fires read 'syscall:read>20ms' syscall w-pipe "$work/waits" pipe -w 40 -n 3
fires recv 'syscall:recvfrom,recvmsg>20ms' syscall w-socket "$work/waits" socket -w 40 -n 3
fires poll 'syscall>20ms' syscall w-poll "$work/waits" poll -w 40 -n 3
fires sleep 'block>20ms' block w-sleep "$work/waits" sleep -w 40 -n 3
start "$work/hog" -c "$(last_cpu)" -r -s 30
fires runq 'runq>4ms' runq victim "$work/victim" -c "$(last_cpu)" -s 20
