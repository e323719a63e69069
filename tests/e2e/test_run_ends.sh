#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `run` keeps its command's exit status also when recording ends first, cannot begin, or the command is killed before.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command python3

mkdir "$tmp/out"
"$kflight" run --duration 200ms -o "$tmp/out" -- sh -c "sleep 1; touch '$tmp/ended'; exit 7" >"$tmp/run.out" 2>"$tmp/run.err"
expect 'exit status after the recording has ended' 7 $?
[ -e "$tmp/ended" ] || fail "the command was left alone"
expect_match 'it is told' 'recording has ended' "$tmp/run.err"

start "$kflight" run --duration 200ms -o "$tmp/out" -- sleep 30 >"$tmp/run.out" 2>"$tmp/run.err"
wait_line 10 'recording has ended' "$tmp/run.err"
kill -TERM "$pid"
exit_status 10 "$pid"
expect 'SIGTERM is passed on' 143 $?

record --socket "$tmp/socket"
"$kflight" run --socket "$tmp/socket" -o "$tmp/out" -- sh -c 'sleep 0.2; exit 0' 2>"$tmp/run.err"
expect 'exit status when it could not record' 3 $?
expect_match 'and why' 'another recorder' "$tmp/run.err"
! grep '^kflight: recording' "$tmp/run.err" || fail 'it tells that it records, and does not'
"$kflight" run --socket "$tmp/socket" -o "$tmp/out" -- sh -c 'sleep 0.2; exit 9' 2>"$tmp/run.err"
expect 'exit status of the command goes first' 9 $?
stop_recorder

# Ctrl-C at any time: never by SIGPIPE, never for ever.
python3 - "$kflight" "$tmp/out" <<'PYTHON' || fail "see above"
import os, signal, subprocess, sys, time
for ms in (20, 60, 100, 150, 200, 300, 500):
    p = subprocess.Popen([sys.argv[1], "run", "-o", sys.argv[2], "--", "sleep", "9"], start_new_session=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(ms / 1000)
    os.killpg(p.pid, signal.SIGINT)
    status = p.wait(timeout=8)
    print(ms, "ms:", status)
    if status not in (130, -signal.SIGINT):
        sys.exit(f"Ctrl-C after {ms} ms: status {status}")
PYTHON

# Many processes in the filter: file descriptors are left for snapshots.
pids=()
for _ in $(seq 600); do
	sleep 60 &
	pids+=($!)
done
started+=("${pids[@]}")
ulimit -n 512
record -p "$(IFS=,; echo "${pids[*]}")" --window 1s,16mb
request
stop_recorder
kill "${pids[@]}"
