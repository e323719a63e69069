#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `report --html` of a real recording with hostile thread names and thousands of gaps, looked at in a browser.
. "$(dirname "$0")/lib.sh"
need_bpf
cpu=$(last_cpu)

# hostile NAME: a thread of this name that takes a CPU for a while.
hostile() {
	printf '%s' "$1" >"/proc/$BASHPID/comm"
	while [ ! -e "$tmp/stop" ]; do :; done
}

record --window 10s,64mb --trigger 'runq>4ms' --count 1 --after 1s --comm victim
start hostile '</script><b>x'
start hostile $'<img/onerror=\xff'
start "$work/hog" -c "$cpu" -s 10 -r
start "$work/victim" -c "$cpu" -s 10 2>/dev/null # what it says at its end would hide why this was skipped
has hackbench && hackbench -g 1 -l 200 >/dev/null
wait_snapshots 20 1
touch "$tmp/stop"

page=$tmp/report.html
"$kflight" report --html "$page" "$snapshot" || fail "report --html ended with status $?"
"$kflight" report --html - "$snapshot" >"$tmp/other.html" || fail "report --html - ended with status $?"
cmp -s "$page" "$tmp/other.html" || fail "a file and standard output get different pages"
[ "$(stat -c %a "$page")" = 600 ] || fail "the page can be read by others: $(stat -c %A "$page")"
figure "$(stat -c %s "$page") bytes for $(grep -o '"n_gaps":[0-9]*' "$page" | cut -d: -f2) gaps"

# An error leaves nothing behind, and keeps what was there.
"$kflight" report --html "$tmp/none/report.html" "$snapshot" 2>"$tmp/err"
expect 'status for a folder that is not there' 2 $?
expect_match 'the error' "cannot .*none/report.html" "$tmp/err"
echo old >"$tmp/kept.html"
head -c 300 "$snapshot" >"$tmp/cut.kfl"
"$kflight" report --html "$tmp/kept.html" "$tmp/cut.kfl" 2>/dev/null
expect 'status for half a snapshot' 2 $?
expect 'what was there before' old "$(cat "$tmp/kept.html")"

# All before has passed; whether the page shows it is another question.
if ! has chromium || ! has python3; then
	skip "the page was not looked at: no chromium (scripts/setup pages), or no python3"
fi
python3 tests/e2e/report_page.py "$page" '</script><b>x' '<img/onerror=\xff' >"$tmp/looked" 2>&1 ||
	fail "$(tail -20 "$tmp/looked")"
figure "$(grep -c '^page: ' "$tmp/looked") checks of the page in $(chromium --version 2>/dev/null | cut -d. -f1)"
"$kflight" report --html "$tmp/stored.html" tests/data/demo.kfl || fail "report --html of a stored recording"
python3 tests/e2e/report_page.py "$tmp/stored.html" victim/ >"$tmp/looked" 2>&1 || fail "$(tail -20 "$tmp/looked")"
"$kflight" report --html "$tmp/none.html" --gap 1h tests/data/demo.kfl || fail "report --html without a gap that fits"
python3 tests/e2e/report_page.py "$tmp/none.html" >"$tmp/looked" 2>&1 || fail "$(tail -20 "$tmp/looked")"
expect_match 'nothing is said of gaps that were left out' '^page: no gap: No gap fits\.$' "$tmp/looked"
