#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What a recorder that records may still do: exactly the list of docs/rights.md, in it and in the processes beside it. With that it
# goes through all of its life: triggers, requests, metrics, budget, retention, hooks, conversion, reload, a folder that is removed.
. "$(dirname "$0")/lib.sh"
need_bpf

# field PID NAME: of /proc/PID/status
field() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# rights PID WHO PERMITTED: hexadecimal
rights() {
	expect "$2: permitted" "$3" "$(field "$1" CapPrm)"
	expect "$2: effective" "$3" "$(field "$1" CapEff)"
	expect "$2: inheritable" 0000000000000000 "$(field "$1" CapInh)"
	expect "$2: ambient" 0000000000000000 "$(field "$1" CapAmb)"
	expect "$2: no_new_privs" 1 "$(field "$1" NoNewPrivs)"
}

# child NAME: the child of the recorder that is called so.
child() {
	local each

	xargs -n1 <"/proc/$recorder/task/$recorder/children" | while read -r each; do
		[ "$(cat "/proc/$each/comm")" != "$1" ] || echo "$each"
	done
}

filtered=2
! ldd "$kflight" | grep -q libasan || filtered=0 # a build with sanitizers has no filter
printf '#!/bin/sh\ngrep -E "^(Cap|NoNew)" /proc/self/status >"%s.$$" && mv "%s.$$" "%s"\n' "$tmp/hook" "$tmp/hook" "$tmp/hook.status" >"$tmp/hook"
chmod 755 "$tmp/hook"
printf '[record]\ncooldown = 1s\n' >"$tmp/conf"
export KFLIGHT_BUDGET_EVERY=500ms
# Above nothing and a little: it gives up syscalls and interrupts, and takes them back.
start "$kflight" record --config "$tmp/conf" --window 1s,16mb --trigger 'runq>1us {name=any}' --trigger 'p99(runq)>1us/1s' \
	--syscalls all --after 20ms --cooldown 300ms --keep 5 --exec "$tmp/hook" --convert go --budget 5% \
	--socket "$tmp/sock" --metrics 127.0.0.1:19473 -o "$tmp/out" >"$tmp/rec.out" 2>"$tmp/rec.err"
recorder=$pid
until_true 20 "$kflight" status --socket "$tmp/sock" || fail "not recording: $(cat "$tmp/rec.err")"

rights "$recorder" recorder 0000000000800000
expect "bounding set" 0000000000000000 "$(field "$recorder" CapBnd)"
expect "seccomp" $filtered "$(field "$recorder" Seccomp)"
expect "core dumps" 0 "$(awk '/^Max core file size/ { print $5 }' "/proc/$recorder/limits")"
expect "umask" 0077 "$(field "$recorder" Umask)"
opener=$(child kflight-opener)
[ -n "$opener" ] || fail "no opener among $(cat "/proc/$recorder/task/$recorder/children")"
rights "$opener" opener 0000000000280004
expect "the opener's filter" $filtered "$(field "$opener" Seccomp)"
expect "the opener's descriptors" '0 1 2 3' "$(find "/proc/$opener/fd" -type l -printf '%f\n' | sort -n | xargs)"
hooks=$(child kflight-hooks)
rights "$hooks" "hook runner" 0000000000000000

written() {
	[ "$(grep -c '\.kfl$' "$tmp/rec.out")" -ge "$1" ]
}
until_true 30 written 8 || fail "not 8 snapshots: $(cat "$tmp/rec.out" "$tmp/rec.err")"
"$kflight" snapshot --socket "$tmp/sock" --reason rights >"$tmp/asked" 2>&1 ||
	until_true 20 "$kflight" snapshot --socket "$tmp/sock" --reason rights || fail "no snapshot: $(cat "$tmp/asked")"
kill -USR1 "$recorder"
kill -HUP "$recorder"
until_true 10 test -s "$tmp/hook.status" || fail "the hook did not run: $(cat "$tmp/rec.err")"
expect "the hook's rights" 0000000000000000 "$(sed -n 's/^CapPrm:[[:space:]]*//p' "$tmp/hook.status")"
measured() {
	"$kflight" status --socket "$tmp/sock" --json | grep -qE '"cost_ppm": [0-9]'
}
until_true 10 measured || fail "the cost is not known: $("$kflight" status --socket "$tmp/sock" --json | grep ppm)"
mv "$tmp/out" "$tmp/gone"
: >"$tmp/rec.out"
until_true 20 written 2 || fail "nothing after the folder was removed: $(cat "$tmp/rec.err")"

# Of all that nothing may have been refused.
if grep -nE 'Function not implemented|Operation not permitted|Permission denied' "$tmp/rec.err"; then
	fail "refused something that it needs"
fi
latest=$(tail -1 "$tmp/rec.out")
"$kflight" info --json "$latest" >"$tmp/info" || fail "info of $latest"
figure "$(sed -n 's/^  "headline": "\(.*\)",$/\1/p' "$tmp/info" | cut -c1-120)"
kill "$recorder"
exit_status 10 "$recorder"
status=$?
# A snapshot that was being written when its folder went is lost, and told.
if [ $status != 3 ] || ! grep -q 'snapshot is lost' "$tmp/rec.err"; then
	expect "exit status" 0 $status
fi
! [ -e "/proc/$opener" ] || fail "the opener is still there"
for file in "$tmp"/out/*.kfl; do
	expect "mode of $file" 600 "$(stat -c %a "$file")"
done
expect "the socket is gone" '' "$(ls "$tmp/sock" 2>/dev/null)"

# The command of `run` has the rights of its user.
"$kflight" run --socket none -o "$tmp/run" -- sh -c 'grep CapEff /proc/self/status' >"$tmp/run.out" 2>"$tmp/run.err"
expect "run" 0 $?
expect_match "the rights of a command" "$(field $$ CapEff)" "$tmp/run.out"
figure "recorder cap_sys_nice, opener three, hooks none"
