#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Perfetto traces, read with Perfetto's own message definitions, tell the same as the report and the gaps: every thread's time in
# each state, who ran where, an arrow per wake-up, the sentences, the wall clock. The definitions come from PyPI.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/python.sh"
need_venv perfetto==0.59.1 protobuf==7.36.2

# check_trace NAME SNAPSHOT
check_trace() {
	local floor end middle

	"$kflight" export -f perfetto "$2" -o "$tmp/$1.pftrace" 2>"$tmp/err" || fail "export of $1: $(cat "$tmp/err")"
	"$kflight" export -f ndjson "$2" >"$tmp/$1.ndjson" || fail "NDJSON of $1"
	"$kflight" report --json "$2" >"$tmp/$1.json" || fail "report of $1"
	"$python" tests/e2e/read_perfetto.py "$tmp/$1.pftrace" "$tmp/$1.json" "$tmp/$1.ndjson" >"$tmp/said" 2>&1 ||
		fail "$1: $(tail -3 "$tmp/said")"
	figure "$1: $(cat "$tmp/said"), $(stat -c %s "$tmp/$1.pftrace") bytes"
	floor=$(json_field floor_ns <"$tmp/$1.json" | head -1)
	end=$(json_field end_ns <"$tmp/$1.json" | head -1)
	middle=$(((floor + end) / 2))
	"$kflight" export -f perfetto --from "$middle" --to "$((middle + 1000000))" "$2" -o "$tmp/cut" 2>"$tmp/err" ||
		fail "cut of $1: $(cat "$tmp/err")"
	"$python" tests/e2e/read_perfetto.py --cut "$tmp/cut" "$middle" "$((middle + 1000000))" >"$tmp/said" 2>&1 ||
		fail "cut of $1: $(tail -3 "$tmp/said")"
}

for file in tests/data/*.kfl; do
	check_trace "$(basename "$file" .kfl)" "$file"
done

# The name by default, and what the reader is told to do with it.
cp tests/data/demo.kfl "$tmp/mine.kfl"
"$kflight" export -f perfetto "$tmp/mine.kfl" 2>"$tmp/err" || fail "export: $(cat "$tmp/err")"
expect_match 'the hint' "wrote '.*/mine.pftrace': open it in ui.perfetto.dev" "$tmp/err"
cmp "$tmp/mine.pftrace" "$tmp/demo.pftrace" || fail 'two exports of one file differ'

need_bpf
need_command hackbench
record --trigger 'runq>2ms' --after 100ms --count 1
start hackbench -l 20000 -g 2 >"$tmp/hackbench" 2>&1
wait_snapshots 20 1
check_trace fresh "$snapshot"
