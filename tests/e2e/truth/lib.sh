# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# lib.sh - what every scenario of the ground truth starts with.
#
# A scenario is a program of its own: workloads that know what they do to whom, a recording, and the judge
# (tests/go/cmd/blame), which says how much of the victim's waiting kflight puts on the right cause. It defines the function
# `scenario`, which returns the judge's status, and calls `hold NAME TITLE`. A busy host may spoil a try, so there are three; the
# share that has to be right is 95 % in each.
#
# Whom it measures runs in the arena where it can: a cgroup of such a weight that nobody else gets the CPU from its threads.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# shellcheck disable=SC2034 # for the scenarios
cpu=$(last_cpu)
seconds=${quick:+0.7}
# shellcheck disable=SC2034 # for the scenarios
seconds=${seconds:-2}
groups=()
arena=

# One scenario at a time on a host: another one's arena is as heavy.
exec 9>"${TMPDIR:-/tmp}/kflight-truth.lock"
flock -w 300 9 || fail "another scenario of the ground truth does not end"

need_bpf
[ -n "${HAVE_BLAME:-}" ] || go_helper blame

# The folder where cgroups of the cpu controller are made: of version 1 or 2; fails if there is none.
cpu_groups() {
	local path

	path=$(awk '$3 == "cgroup" && "," $4 "," ~ /,cpu,/ { print $2; exit }' /proc/mounts)
	if [ -z "$path" ]; then
		path=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
		grep -qw cpu "$path/cgroup.controllers" 2>/dev/null || return 1
		grep -qw cpu "$path/cgroup.subtree_control" || echo +cpu >"$path/cgroup.subtree_control" || return 1
	fi
	echo "$path"
}

# make_group PATH: gone at the end.
make_group() {
	mkdir "$1" 2>/dev/null || return 1
	groups=("$1" "${groups[@]}")
}

end_groups() {
	local group

	for group in "${groups[@]}"; do
		until_true 5 rmdir "$group" || echo "cannot remove '$group'"
	done
	groups=()
}

open_arena() {
	local parent

	parent=$(cpu_groups) && make_group "$parent/kflight-truth-$$" || return 0
	arena=${groups[0]}
	[ ! -e "$arena/cgroup.subtree_control" ] || echo +cpu >"$arena/cgroup.subtree_control"
	echo 262144 2>/dev/null >"$arena/cpu.shares" || echo 10000 >"$arena/cpu.weight"
	make_group "$arena/all"
	arena=$arena/all
}

# quota_group PERCENT: a group in the arena that may use so much of one CPU, in periods of 100 ms; in $quota_group.
quota_group() {
	local above

	[ -n "$arena" ] || skip "no cgroup with the cpu controller"
	above=$(dirname "$arena")
	make_group "$above/quota" || fail "cannot make a cgroup in '$above'"
	quota_group=$above/quota
	if [ -e "$quota_group/cpu.cfs_quota_us" ]; then
		echo 100000 >"$quota_group/cpu.cfs_period_us"
		echo $(($1 * 1000)) >"$quota_group/cpu.cfs_quota_us" || skip "no CPU quota here"
	else
		echo "$(($1 * 1000)) 100000" >"$quota_group/cpu.max" || skip "no CPU quota here"
	fi
}

# start_in GROUP COMMAND...
start_in() {
	# shellcheck disable=SC2016 # for the inner shell
	start sh -c '[ -z "$0" ] || echo $$ >"$0/cgroup.procs"; exec "$@"' "$@" 2>>"$tmp/said"
}

# start_inside COMMAND...: in the arena.
start_inside() {
	start_in "$arena" "$@"
}

# Processes that were started are ended, by pid, and so are their children in our groups.
end_all() {
	local p

	for p in "${started[@]}"; do
		is_gone "$p" || { disown "$p" && kill -9 "$p"; } # disowned: bash says nothing of its end
	done
	for p in "${started[@]}"; do
		end_within 5 "$p" || echo "process $p does not end"
	done
	started=()
	while read -r p; do
		kill -9 "$p" 2>/dev/null
	done < <(cat "${groups[@]/%//cgroup.procs}" 2>/dev/null)
	end_groups
}
at_end+=(end_all)

need_fifo() {
	chrt -f 2 true 2>/dev/null || skip "this host refuses SCHED_FIFO here"
}

# judge ARGUMENTS...: what it found goes to $tmp/result.
judge() {
	"$root/build/e2e/blame" "$@" >>"$tmp/result" 2>&1
}

# finding RULE COMM CULPRIT REGEXP [REPORT-OPTIONS...]: the report tells threads or processes COMM of it. CULPRIT '' any.
finding() {
	local rule=$1 comm=$2 culprit=$3 says=$4

	shift 4
	"$kflight" report --json --top 100 --comm "$comm" "$@" "$snapshot" >"$tmp/findings" || fail "report failed"
	if "$root/build/e2e/blame" finding -rule "$rule" -culprit "$culprit" -says "$says" "$tmp/findings" >"$tmp/found"; then
		findings="$findings, $rule found"
		return 0
	fi
	cat "$tmp/found" >>"$tmp/result"
	return 1
}

# What a workload said when it gave up is a reason to skip.
check_workloads() {
	local p

	for p in "${started[@]}"; do
		if is_gone "$p"; then
			wait "$p"
			[ $? != 77 ] || skip "$(tail -1 "$tmp/said")"
		fi
	done
}

journal_written() {
	[ -s "$tmp/journal" ]
}

# Waits for the end of the measured phase, takes the snapshot and turns it into $tmp/gaps and $tmp/report.
measured() {
	until_true 20 journal_written
	check_workloads
	journal_written || fail "no journal within 20 s: $(cat "$tmp/said")"
	take_snapshot
}

take_snapshot() {
	request
	"$kflight" export -f ndjson "$snapshot" >"$tmp/gaps" || fail "export to NDJSON failed"
	"$kflight" report --json "$snapshot" >"$tmp/report" || fail "report failed"
}

record_scenario() {
	record --window 8s,256mb
}

# hold NAME TITLE: the scenario, until a try passes.
hold() {
	local try

	for try in 1 2 3; do
		open_arena
		rm -rf "$tmp/journal" "$tmp/out"
		: >"$tmp/said"
		: >"$tmp/result"
		findings=
		scenario
		status=$?
		end_all
		if [ $status = 0 ]; then
			keep "causes_$1" "$snapshot"
			figure "$2: $(tail -1 "$tmp/result")$findings"
			return 0
		fi
		echo "try $try: $(cat "$tmp/result" "$tmp/said")"
		[ -z "${KEEP_MISSES:-}" ] || cp "$snapshot" "$KEEP_MISSES/$1-$try.kfl"
	done
	fail "$2: less than 95 % in three tries, last: $(tail -1 "$tmp/result")"
}
