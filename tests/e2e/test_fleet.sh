#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The queries of docs/fleet.md, as they stand there, in DuckDB on recordings of several hosts; every answer is computed a second
# time without it. DuckDB comes from PyPI.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/python.sh"
need_venv duckdb==2.0.0
mkdir -p "$tmp/gaps" "$tmp/reports"

# export_all NAME SNAPSHOT
export_all() {
	"$kflight" export -f csv "$2" -o "$tmp/gaps/$1.csv" || fail "CSV of $1"
	"$kflight" export -f ndjson "$2" -o "$tmp/gaps/$1.ndjson" || fail "NDJSON of $1"
	"$kflight" report --json "$2" >"$tmp/reports/$1.json" || fail "report of $1"
}

for file in tests/data/*.kfl; do
	export_all "$(basename "$file" .kfl)" "$file"
done

# A CPU quota for a loop, where there is a cpu controller; the folder is gone at the end.
quota_group=''
make_quota_group() {
	if [ -e /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]; then
		quota_group=/sys/fs/cgroup/cpu/kflight-fleet-$$
		mkdir "$quota_group" && echo 50000 >"$quota_group/cpu.cfs_period_us" && echo 5000 >"$quota_group/cpu.cfs_quota_us"
	elif grep -qw cpu /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
		quota_group=/sys/fs/cgroup/kflight-fleet-$$
		mkdir "$quota_group" && echo '5000 50000' >"$quota_group/cpu.max"
	fi
}
# The loop itself is in a pod below.
pod=2ca4a155-3599-498d-bb9d-4446693fa3ea
container=0ba8ac17e4e7a31fb82279503552fe94e64bab4745bf6fd2ff231e7c8ca8bed0
pod_group=kubepods/burstable/pod$pod/$container
remove_quota_group() {
	[ -z "$quota_group" ] || until_true 5 find "$quota_group" -depth -type d -exec rmdir {} +
}
printf 'pod,namespace,name\n%s,default,loop\n' "$pod" >"$tmp/pods.csv"

# A thread with a comma and quotes in its name, and one that is called by a number: what a table has to survive.
odd_names() {
	local name

	for name in '1,"2"' 123; do
		cp "$(command -v sleep)" "$tmp/$name"
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			"$tmp/$name" 0.01
		done
	done
}

busy_loop() {
	exec timeout "$1" "$BASH" -c 'while :; do :; done'
}
export -f busy_loop

# record_on HOST: what a host of that name records while it has trouble.
record_on() {
	# shellcheck disable=SC2016 # for the script that is written
	printf '#!/bin/sh\nexec unshare --uts sh -c '\''hostname %s; exec "$0" "$@"'\'' %q "$@"\n' "$1" "$real_kflight" >"$tmp/kflight-$1"
	chmod +x "$tmp/kflight-$1"
	kflight=$tmp/kflight-$1
	record --window 10s,256mb
	if [ -n "$quota_group" ]; then # whose path is asked for when the snapshot is taken: it has to be there then
		start "$BASH" -c "echo \$\$ >'$quota_group/$pod_group/cgroup.procs' && busy_loop 60"
		limited=$pid
	fi
	start "$BASH" -c 'busy_loop 0.5'
	start chrt -f 10 "$BASH" -c 'busy_loop 0.2'
	start "$BASH" -c 'busy_loop 0.5'
	odd_names
	until_true 5 is_gone "$pid"
	request
	stop_recorder
	if [ -n "$quota_group" ]; then
		kill "$limited"
		end_within 5 "$limited" || fail "process $limited did not end"
	fi
	kflight=$real_kflight
	export_all "$1" "$snapshot"
}

real_kflight=$(realpath "$kflight")
if [ "$(id -u)" = 0 ] && "$kflight" doctor >/dev/null 2>&1; then
	need_command unshare
	need_command chrt
	at_end+=(remove_quota_group)
	make_quota_group
	[ -z "$quota_group" ] || mkdir -p "$quota_group/$pod_group"
	record_on web1
	record_on web2
	for name in web1 web2; do
		expect_match "the host of $name" "\"host\": \"$name\"" "$tmp/reports/$name.json"
		expect_match 'a real-time culprit' ',SCHED_FIFO 10,' "$tmp/gaps/$name.csv"
		expect_match 'a name with a comma' ',"1,""2""",' "$tmp/gaps/$name.csv"
		expect_match 'a number as name' ',123,123,' "$tmp/gaps/$name.csv"
		[ -n "$quota_group" ] || continue
		expect_match 'the quota' ",throttled,.*,/kflight-fleet-$$," "$tmp/gaps/$name.csv"
		expect_match 'the pod' ",$pod,0ba8ac17e4e7," "$tmp/gaps/$name.csv"
	done
fi

"$python" tests/e2e/fleet.py docs/fleet.md "$tmp" >"$tmp/said" 2>&1 || fail "$(cat "$tmp/said")"
while read -r line; do
	figure "$line"
done <"$tmp/said"
[ -e "$tmp/gaps/web1.csv" ] || skip 'stored recordings only: this host cannot record'
