#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The published schemas are right: a validator that knows nothing of kflight accepts all its JSON, and nothing broken.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/python.sh"
need_module jsonschema python3-jsonschema

"$kflight" report --json-schema >"$tmp/report.schema" || fail "report --json-schema"
"$kflight" export --json-schema >"$tmp/gap.schema" || fail "export --json-schema"
cmp "$tmp/report.schema" docs/schema/report.schema.json || fail "the program has another schema than docs/"
cmp "$tmp/gap.schema" docs/schema/gap.schema.json || fail "the program has another schema than docs/"
"$python" - "$tmp/report.schema" "$tmp/gap.schema" <<'PYTHON' || fail "a gap of the report is not one of NDJSON"
import json, sys
report, gap = (json.load(open(name))["$defs"] for name in sys.argv[1:])
sys.exit(any(report[key] != gap[key] for key in gap))
PYTHON

# write_both NAME SNAPSHOT
write_both() {
	"$kflight" report --json --top 1000 "$2" >"$tmp/$1.json" || fail "report --json of $1"
	"$kflight" export -f ndjson "$2" >"$tmp/$1.ndjson" || fail "NDJSON of $1"
}

# check_both NAME...
check_both() {
	"$python" tests/e2e/schema.py "$tmp/report.schema" "${@/%/.json}" >"$tmp/said" || fail "report: $(cat "$tmp/said")"
	"$python" tests/e2e/schema.py "$tmp/gap.schema" "${@/%/.ndjson}" >"$tmp/gaps" || fail "gaps: $(cat "$tmp/gaps")"
}

names=()
for file in tests/data/*.kfl; do
	name=$(basename "$file" .kfl)
	write_both "$name" "$file"
	names+=("$tmp/$name")
done
check_both "${names[@]}" 2>"$tmp/err" || fail "$(cat "$tmp/err")"
figure "${#names[@]} reports and $(cat "$tmp/gaps") gaps of stored recordings fit"

for kind in report gap; do
	file=$tmp/demo.json
	[ $kind = report ] || file=$tmp/demo.ndjson
	"$python" tests/e2e/schema.py --breaks "$tmp/$kind.schema" "$file" >"$tmp/said" 2>&1 || fail "$(cat "$tmp/said")"
	n=$(tail -1 "$tmp/said")
	expect_true "many ways to break a $kind" "$n > 30"
	figure "$n broken documents are refused as $kind"
done

need_bpf
record --trigger 'runq>1ms'
request
stop_recorder
write_both fresh "$snapshot"
check_both "$tmp/fresh" 2>"$tmp/err" || fail "a fresh recording: $(cat "$tmp/err")"
figure "a fresh recording: its report and $(cat "$tmp/gaps") gaps fit"
