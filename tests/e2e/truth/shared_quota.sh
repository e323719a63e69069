#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Two siblings share their parent's quota, and one has one of its own that is smaller but never used up: it is the parent's
# that both wait for, and the kernel counts that, too.
. "$(dirname "$0")/lib.sh"

own_throttles() {
	awk '$1 == "nr_throttled" { print $2 }' "$1/cpu.stat"
}

# waits_for REGEXP: how many of the gaps that have ended are said to be the quota's of such a group.
waits_for() {
	grep -F '"kind":"throttled"' "$tmp/gaps" | grep -F '"open":false' | grep -c "\"quota_cgroup\":\"[^\"]*$1\""
}

scenario() {
	local group before shared own

	quota_group 16
	[ ! -e "$quota_group/cpu.max" ] || echo +cpu >"$quota_group/cgroup.subtree_control"
	for group in a b; do
		make_group "$quota_group/$group" || fail "cannot make a group in '$quota_group'"
	done
	if [ -e "$quota_group/cpu.max" ]; then
		echo 15000 100000 >"$quota_group/a/cpu.max"
	else
		echo 15000 >"$quota_group/a/cpu.cfs_quota_us"
	fi
	before=$(own_throttles "$quota_group/a")
	record_scenario
	start_in "$quota_group/b" "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l
	start_in "$quota_group/a" "$work/victim" -c "$cpu" -p 0 -s "$seconds" -l -j "$tmp/journal"
	measured
	shared=$(waits_for /quota)
	own=$(waits_for /quota/a)
	echo "$shared waits for the shared quota, $own for the own one, which the kernel used up" \
		"$(($(own_throttles "$quota_group/a") - before)) times" >>"$tmp/result"
	# At the end only one of them may still run, and use up its own.
	[ "$shared" -ge 5 ] && [ $((own * 20)) -le "$shared" ]
}

hold shared_quota "a quota that siblings share"
