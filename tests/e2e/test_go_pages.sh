#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What Go's tools make of a trace: the profiles add up to the model's own sums, a checker of goroutine latency finds the
# victim, gaps read from the trace are those of the model, and the browser shows the gap by processor, thread and task.
. "$(dirname "$0")/lib.sh"
need_bpf
for helper in readtrace gaps highlatency pprofsum; do
	go_helper $helper
done
helpers=$root/build/e2e
cpu=$(last_cpu)

record --window 10s,64mb --trigger 'runq>4ms' --count 1 --after 3s --comm victim
start "$work/hog" -c "$cpu" -s 3 -r
start "$work/victim" -c "$cpu" -s 3
"$work/waits" poll -n 30 -w 5 &
"$work/waits" cond -n 60 -w 10 &
waits=$!
dd if=/dev/zero of="$tmp/disk" bs=64k count=400 oflag=dsync 2>"$tmp/dd" &
disk=$!
wait_snapshots 20 1
exit_status 20 "$waits" || fail "waits ended with status $?"
exit_status 20 "$disk" || fail "dd: $(cat "$tmp/dd")"
keep go_pages "$snapshot"

"$helpers/readtrace" "$trace" || fail "Go's reader refuses the trace"

# A gap in the trace is at most some nanoseconds off: events of one moment follow one another.
"$helpers/gaps" -min 100us "$trace" >"$tmp/gaps" || fail "gaps"
"$kflight" export -f ndjson --gap 100us "$snapshot" >"$tmp/ndjson" || fail "ndjson"
"$kflight" report --json "$snapshot" >"$tmp/report" || fail "report"
"$helpers/highlatency" -over 4ms "$trace" >"$tmp/late"
expect 'status of highlatency' 1 $?
expect_match 'the victim is late' '\(victim\) waited' "$tmp/late"
in_trace=$(wc -l <"$tmp/gaps")
in_model=$(grep -c '"open": *false' "$tmp/ndjson")
expect_true "as many gaps in the trace ($in_trace) as in the model ($in_model), but for the ends of the window" \
	"$in_trace - $in_model <= 3 && $in_model - $in_trace <= 3"

# Tools before 1.26 sum up sched and syscall wrongly, whoever wrote the trace.
"$kflight" export -f ndjson "$snapshot" >"$tmp/all" || fail "ndjson"
for pid in "$waits" "$disk"; do
	GOTOOLCHAIN=go1.27.4 PATH=$(dirname "$go"):$PATH "$helpers/pprofsum" -pid "$pid" -gaps "$tmp/all" \
		-report "$tmp/report" "$trace" >>"$tmp/sums" 2>&1 || fail "$(cat "$tmp/sums")"
done
sort -u "$tmp/sums" | grep -v nothing | sed 's/^/figure: /'

# All before has passed; whether the pages show it is another question.
if ! has chromium || ! has python3; then
	skip "the pages were not looked at: no chromium (scripts/setup pages), or no python3"
fi
# Fewer rows draw faster; what surrounds the trigger has the gap.
"$kflight" export --around 100ms "$snapshot" -o "$tmp/around.trace" || fail "export --around"
GO=$go python3 tests/e2e/viewer.py "$tmp/around.trace" victim hog "${SCREENSHOT:-$tmp/page.png}" >"$tmp/pages" 2>&1 ||
	fail "$(cat "$tmp/pages")"
figure "$(grep -c '^viewer: ' "$tmp/pages") checks of the pages in $(chromium --version 2>/dev/null | cut -d. -f1)"
