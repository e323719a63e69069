#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kflight run: the command's exit status is kept, its children are watched, a snapshot comes at its end.
. "$(dirname "$0")/lib.sh"
need_bpf

mkdir "$tmp/out"
"$kflight" run -o "$tmp/out" --window 2s,32mb -- sh -c 'sleep 0.3; echo said; exit 7' >"$tmp/stdout" 2>"$tmp/stderr"
expect 'exit status' 7 $?
expect_match "the command's own output" '^said$' "$tmp/stdout"
ls "$tmp/out"/*.kfl >/dev/null 2>&1 || fail "no snapshot: $(cat "$tmp/stderr")"
rm "$tmp/out"/*

"$kflight" run -o "$tmp/out" --window 2s,32mb --trigger 'futex>10m' -- true >"$tmp/stdout" 2>"$tmp/stderr"
expect 'exit status without a hit' 0 $?
[ -z "$(ls "$tmp/out")" ] || fail "a snapshot although no trigger fired: $(ls "$tmp/out")"

"$kflight" run -o "$tmp/out" --window 2s,32mb --trigger 'futex>20ms' -- "$work/waits" mutex -w 40 -n 5 \
	>"$tmp/stdout" 2>"$tmp/stderr"
expect 'exit status with a hit' 0 $?
snapshot=$(ls "$tmp/out"/*-futex-*.kfl) || fail "no snapshot of the futex wait: $(cat "$tmp/stderr")"
keep run "$snapshot"

"$kflight" run -o "$tmp/out" -- /nonexistent/command >"$tmp/stdout" 2>"$tmp/stderr"
status=$?
[ $status != 0 ] || fail "a command that does not exist: status 0"
expect_match 'a command that does not exist' "error: .*'/nonexistent/command'" "$tmp/stderr"
