#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Threads that are born and die all the time, and one tid used again and again: every user of the tid has its own name.
. "$(dirname "$0")/lib.sh"
need_bpf

start "$work/churn" reuse -s 4 >"$tmp/churn"
churn=$pid
start "$work/churn" threads -s 4
record --window 10s,128mb
until_true 20 is_gone "$churn"
[ -s "$tmp/churn" ] || skip "this host does not let tests choose a tid"
request
stop_recorder
tid=$(json_field tid <"$tmp/churn")
born=$(json_field born <"$tmp/churn")
[ "$born" -ge 100 ] || fail "only $born users of tid $tid"
keep churn "$snapshot"
"$kflight" report --json "$snapshot" >"$tmp/json" || fail "report failed"
"$kflight" export -f ndjson "$snapshot" | gaps_of "$tid" | json_field comm | sort -u >"$tmp/names"
names=$(grep -c '^reuse-' "$tmp/names")
figure "tid $tid had $born users; gaps of $names of them under their own names"
[ "$names" -ge 50 ] || fail "names of tid $tid: $(head -5 "$tmp/names")"
