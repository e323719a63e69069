#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Between triggers user space sleeps: no wake-up of the recorder under load, open waits being watched in the kernel.
. "$(dirname "$0")/lib.sh"
need_bpf

switches() {
	cat "/proc/$recorder"/task/*/status | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum }'
}

seconds=${quick:+8}
seconds=${seconds:-30}
start "$work/churn" threads -s 120
start "$work/waits" mutex -w 5 -n 20000
# A kernel that refuses the memory of a BPF timer just now makes user space look itself, and says so: not what is tested here.
for try in 1 2 3 4 5; do
	record --trigger 'runq>10m' --trigger 'futex>10m' --trigger 'block>1h' --window 5s,64mb
	until_true 2 grep -q 'from user space' "$tmp/rec.err" || break
	echo "try $try: $(tail -1 "$tmp/rec.err")"
	stop_recorder
done
settled() {
	local before

	before=$(switches)
	sleep 0.5
	[ "$(switches)" = "$before" ]
}
until_true 20 settled || fail "the recorder does not come to rest: $(switches) switches"
before=$(switches)
sleep "$seconds" # how long is watched
after=$(switches)
figure "$((after - before)) wake-ups of the recorder in $seconds s of load"
expect 'wake-ups' 0 $((after - before))
memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$recorder/status")
figure "resident memory of the recorder: $((memory / 1024)) MiB"
