#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# --exec and --convert: what they get, what they may not, and that nothing they do reaches the recorder.
. "$(dirname "$0")/lib.sh"
need_bpf

out=$tmp/out

script() {
	printf '#!/bin/sh\n%s\n' "$2" >"$tmp/$1"
	chmod 700 "$tmp/$1"
}

# The process that runs the hooks of recorder $1.
runner_of() {
	grep -l '^Name:.kflight-hooks$' /proc/[0-9]*/status 2>/dev/null | while read -r status; do
		grep -q "^PPid:.$1\$" "$status" && basename "$(dirname "$status")"
	done
}

pid_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"
}

echo "- path and environment"
# shellcheck disable=SC2016 # for the script
script ship.sh 'env | grep ^KFLIGHT_ | sort >"$1/env.tmp"; printf "%s\n" "$2" >"$1/arg"; cat /proc/self/status >"$1/rights"
cp "$KFLIGHT_PATH" "$1/copy.kfl" && mv "$1/env.tmp" "$1/env"; echo "shipped it"'
mkdir "$tmp/shipped"
start "$work/waits" mutex -w 30 -n 100000
record --comm w-mutex --trigger 'futex>20ms{name=slow-lock}' --window 1s,4mb --cooldown 1h --convert go,html \
	--exec "'$tmp/ship.sh' $tmp/shipped {}"
wait_snapshots 20 1
until_true 60 test -e "$tmp/shipped/env" || fail "nothing was shipped: $(cat "$tmp/rec.err")"
cat "$tmp/shipped/env"
expect 'argument' "$snapshot" "$(cat "$tmp/shipped/arg")"
expect_match 'path' "^KFLIGHT_PATH=$snapshot\$" "$tmp/shipped/env"
expect_match 'name' "^KFLIGHT_NAME=$(basename "$snapshot")\$" "$tmp/shipped/env"
expect_match 'trigger' '^KFLIGHT_TRIGGER=slow-lock$' "$tmp/shipped/env"
expect_match 'text' '^KFLIGHT_TRIGGER_TEXT=futex>20ms' "$tmp/shipped/env"
expect_match 'pid' '^KFLIGHT_PID=[0-9]+$' "$tmp/shipped/env"
expect_match 'name of the process' '^KFLIGHT_COMM=waits$' "$tmp/shipped/env"
expect_match 'host' "^KFLIGHT_HOST=$(uname -n)\$" "$tmp/shipped/env"
expect_match 'converted' "^KFLIGHT_GO=${snapshot%.kfl}.trace\$" "$tmp/shipped/env"
expect_match 'converted' "^KFLIGHT_HTML=${snapshot%.kfl}.html\$" "$tmp/shipped/env"
expect_match 'rights' '^CapEff:.0000000000000000$' "$tmp/shipped/rights"
expect_match 'rights' '^CapBnd:.0000000000000000$' "$tmp/shipped/rights"
expect_match 'rights' '^NoNewPrivs:.1$' "$tmp/shipped/rights"
wait_line 10 'ship\.sh: shipped it' "$tmp/rec.err"
"$kflight" info "$tmp/shipped/copy.kfl" >/dev/null || fail "what was shipped cannot be read"
"$kflight" export -f go "$snapshot" -o "$tmp/by-hand.trace" 2>/dev/null
cmp "$tmp/by-hand.trace" "${snapshot%.kfl}.trace" || fail "converted differs from export"
grep -q '</html>' "${snapshot%.kfl}.html" || fail "no whole page"
expect 'modes' 600 "$(stat -c %a "${snapshot%.kfl}.html" "${snapshot%.kfl}.trace" | sort -u)"
kflight-hooks-rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$(runner_of "$recorder")/status"
}
echo "- signals that are meant for the recorder and reach all processes of that name"
for signal in USR1 HUP INT TERM; do
	kill -$signal "$(runner_of "$recorder")"
done
sleep 0.3
runner_of "$recorder" | grep -q . || fail "they end the hook runner"
figure "the hook runner holds $(kflight-hooks-rss) KiB and $(find "/proc/$(runner_of "$recorder")/fd" -mindepth 1 | wc -l) descriptors"
stop_recorder

echo "- a hook that hangs, ignoring SIGTERM, is ended; the recorder goes on meanwhile"
script hang.sh 'trap "" TERM; sleep 1000 & echo $! >>'"$tmp"'/hang.pids; wait; sleep 1000'
: >"$tmp/rec.out"
record --window 1s,4mb --exec "$tmp/hang.sh {}" --exec-timeout 1s
began=$SECONDS
for _ in 1 2 3; do
	request
done
expect_true 'snapshots do not wait for hooks' "$((SECONDS - began)) < 6"
wait_line 30 "hang.sh' failed for .*not done after 1.00 s" "$tmp/rec.err"
pid_gone "$(head -1 "$tmp/hang.pids")" || fail "what the hook started still runs"

echo "- killed: what it ran is ended, too"
until_true 20 test "$(wc -l <"$tmp/hang.pids")" -ge 1
runner=$(runner_of "$recorder")
[ -n "$runner" ] || fail "no hook runner"
kill -9 "$recorder"
until_true 20 pid_gone "$runner" || fail "the hook runner outlived the recorder"
while read -r left; do
	until_true 10 pid_gone "$left" || fail "$left outlived the recorder"
done <"$tmp/hang.pids"

echo "- a hook that fails is told, the next one runs"
script fail.sh 'echo "no such bucket" >&2; [ ! -e '"$tmp"'/ok ] && exit 5; echo done >'"$tmp"'/ok2'
: >"$tmp/rec.out"
record --window 1s,4mb --exec "$tmp/fail.sh"
request
wait_line 10 "fail.sh: no such bucket" "$tmp/rec.err"
wait_line 10 "fail.sh' failed for '$(basename "$snapshot")': exit status 5" "$tmp/rec.err"
: >"$tmp/ok"
request
until_true 10 test -e "$tmp/ok2" || fail "the next hook did not run"
stop_recorder

echo "- the last snapshot is shipped before the recorder ends"
script last.sh "sleep 1; basename \"\$1\" >$tmp/last"
"$kflight" record --socket none -o "$out" --duration 300ms --exec "$tmp/last.sh {}" >"$tmp/last.out" 2>"$tmp/last.err" ||
	fail "status $?: $(cat "$tmp/last.err")"
expect 'shipped' "$(basename "$(cat "$tmp/last.out")")" "$(cat "$tmp/last" 2>/dev/null)"

echo "- a converter that gets no memory: told, nothing half left, the recorder goes on"
: >"$tmp/rec.out"
record --window 1s,4mb --convert go,perfetto
prlimit --pid "$(runner_of "$recorder")" --as=8000000 || fail "prlimit"
request
wait_line 20 "cannot convert '$(basename "$snapshot")' to go" "$tmp/rec.err"
wait_line 20 "cannot convert '$(basename "$snapshot")' to perfetto" "$tmp/rec.err"
expect 'half files' '' "$(find "$out" -name '.kflight-tmp-*')"
expect 'converted' no "$([ -e "${snapshot%.kfl}.trace" ] && echo yes || echo no)"
request

echo "- a hook runner that is killed is told, the recorder goes on"
kill -9 "$(runner_of "$recorder")"
wait_line 10 'process that ships snapshots is gone' "$tmp/rec.err"
request
stop_recorder

echo "- what cannot work is refused at the start"
refused() {
	local status=0

	timeout 20 "$kflight" record --socket none --duration 100ms -o "$out" "${@:2}" >"$tmp/refused" 2>&1 || status=$?
	expect "status with ${*:2}" 2 $status
	expect_match "${*:2}" "$1" "$tmp/refused"
}
refused 'column 6: \| is for a shell' --exec 'ship | tee'
refused 'no such program in PATH' --exec 'no-such-program-at-all {}'
refused "unknown 'elf'" --convert go,elf
# Who may write to a folder above decides which file the path is.
mkdir -p "$tmp/open/out" "$tmp/theirs/out"
ln -s "$tmp/open" "$tmp/link"
chmod 777 "$tmp/open"
out=$tmp/open/out refused "folder '$tmp/open' can be written by everybody" --exec '/bin/true {}'
out=$tmp/link/out refused "folder '$tmp/link' can be written by everybody" --convert go
chmod 755 "$tmp/open"
chown 12345 "$tmp/theirs" "$tmp/theirs/out"
chown 0 "$tmp/theirs/out"
out=$tmp/theirs/out refused "folder '$tmp/theirs' belongs to user 12345" --exec '/bin/true {}'
chown 12345 "$tmp/theirs/out"
out=$tmp/theirs/out SUDO_UID=12345 refused '--convert cannot write to folder .* belongs to user 12345' --convert go
timeout 60 "$kflight" record --socket none --duration 100ms -o "$tmp/link/out" --window 1s,4mb --exec '/bin/true {}' >"$tmp/refused" 2>&1 ||
	fail "refused through a link in the path: $(cat "$tmp/refused")"
exit 0
