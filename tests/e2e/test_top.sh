#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `kflight top` shows a victim whom a hog makes wait, with waits as long as the victim measures itself; it ends cleanly in
# every way there is, and leaves neither the terminal nor the kernel changed.
. "$(dirname "$0")/lib.sh"
need_bpf

cpu=$(last_cpu)
start "$work/victim" -c "$cpu" -r -s 120 -j "$tmp/victim"
victim=$pid
start "$work/hog" -c "$cpu" -b 8 -p 20 -r -s 120
"$kflight" top --every 2s --count 3 --comm victim >"$tmp/out" 2>"$tmp/err" || fail "top ended with status $?: $(cat "$tmp/err")"
kill "$victim" # writes its journal
exit_status 5 "$victim" || fail "the victim ended with status $?"
expect 'looks' 3 "$(grep -c 'UTC, last' "$tmp/out")"
expect 'rows of the victim' 3 "$(grep -c "^victim *$victim " "$tmp/out")"
expect 'nothing else is said' '' "$(cat "$tmp/err")"

# in_us FIELD: column of the victim's last row, "7.10 ms" being two words.
in_us() {
	grep "^victim *$victim " "$tmp/out" | tail -1 |
		awk -v n="$1" '{ for (i = 1; i <= NF; i++) if ($i ~ /^(ns|us|ms|s)$/ && ++k == n) {
			f["ns"] = 1e-3; f["us"] = 1; f["ms"] = 1e3; f["s"] = 1e6; print $(i - 1) * f[$i] } }'
}
p99=$(in_us 2) max=$(in_us 3)
worst=$(json_field late_ns <"$tmp/victim" | sort -n | tail -1)
figure "victim in top: p99 $p99 us, max $max us; its own worst lateness $((worst / 1000)) us"
expect_true 'the longest wait is one behind a burst of 8 ms' "$max > 3000 && $max * 1000 < $worst * 1.1 + 1000000"
expect_true 'p99 is one of the long ones, too' "$p99 > 2000 && $p99 <= $max"
waits=$(grep "^victim *$victim " "$tmp/out" | tail -1 | awk '{ print $4 }')
expect_true "it wakes 100 times a second ($waits waits/s)" "$waits > 60 && $waits < 140"

# Futex waits: 5 ms each.
start "$work/waits" mutex -w 5 -n 20000
waiter=$pid
"$kflight" top --every 2s --count 1 -p "$waiter" --sort futex >"$tmp/futex" 2>&1 || fail "top --sort futex: $(cat "$tmp/futex")"
expect_match 'a row of the waiter' "^waits *$waiter " "$tmp/futex"
figure "futex: $(grep '^waits' "$tmp/futex" | awk '{ print $(NF - 4), "waits/s, p99", $(NF - 3), $(NF - 2) ", max", $(NF - 1), $NF }')"
expect_true 'futex waits of some ms' "$(grep '^waits' "$tmp/futex" | awk '{ print ($NF == "ms" && $(NF - 1) > 2) }')"

# A pipe whose reader goes away, a signal, kill -9.
timeout 20 "$kflight" top --every 100ms | head -3 >"$tmp/head"
expect 'exit status with a closed pipe' '0 0' "${PIPESTATUS[*]}"
for signal in INT TERM; do
	start "$kflight" top --every 100ms >"$tmp/out" 2>"$tmp/err"
	wait_line 10 'UTC, last' "$tmp/out"
	bpf_of "$pid" >"$tmp/loaded"
	kill -$signal "$pid"
	exit_status 5 "$pid" || fail "status $? after SIG$signal: $(cat "$tmp/err")"
done
[ "$(wc -l <"$tmp/loaded")" -ge 8 ] || fail "only loaded: $(cat "$tmp/loaded")"
start "$kflight" top --every 100ms >"$tmp/out" 2>"$tmp/err"
wait_line 10 'UTC, last' "$tmp/out"
bpf_of "$pid" >"$tmp/loaded"
kill -9 "$pid"
all_gone() {
	[ -z "$(still_loaded "$tmp/loaded")" ]
}
until_true 10 all_gone || fail "still loaded after kill -9: $(still_loaded "$tmp/loaded")"

# Bad options: one line, what and why, status 2.
bad() {
	local wanted=$1

	shift
	"$kflight" top "$@" >"$tmp/out" 2>"$tmp/err"
	expect "status of top $*" 2 $?
	expect_match "what top $* says" "$wanted" "$tmp/err"
	expect "output of top $*" '' "$(cat "$tmp/out")"
}
bad "'runqueue'" --sort runqueue
bad 'too short' --every 1us
bad "give a unit" --every 5
bad "'x'" -p x
bad "unexpected|no operand|'more'" more
bad 'did you mean' --pain
bad "'0s' is nothing" --every 0s
bad "'0' is nothing" --count 0
bad "no process '999999'" -p 999999
bad "'1,$$' is more than one process" -p "1,$$"
if has setpriv; then
	setpriv --bounding-set=-bpf,-perfmon,-sys_admin --inh-caps=-bpf,-perfmon,-sys_admin "$kflight" top --count 1 \
		>"$tmp/out" 2>"$tmp/err"
	expect 'status without rights' 3 $?
fi

has python3 || skip "no python3 for a terminal of our own"
python3 -c 'import pty; pty.openpty()' 2>/dev/null ||
	skip "not tried on a terminal: there are no pseudo terminals (/dev/pts is not mounted); all before has passed"
for way in q ctrl-c TERM hangup resize-q stop-q; do
	timeout 60 python3 tests/e2e/terminal.py $way "$kflight" top --every 200ms >"$tmp/terminal" 2>&1 ||
		fail "on a terminal, ended by $way: $(tail -c 600 "$tmp/terminal" | cat -v)"
done
figure "on a terminal: ended by q, Ctrl-C, SIGTERM and SIGHUP, resized, stopped and continued; given back as it was"
