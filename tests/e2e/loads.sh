# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# loads.sh - five loads that make threads wait in different ways; sourced after lib.sh.
#
# start_load NAME runs one of them, for $load_seconds at most; stop_load ends it. Needs hackbench, stress-ng and the Go
# helper goload.
# shellcheck disable=SC2154 # lib.sh has them
load_seconds=${load_seconds:-60}
load=()

start_load() {
	load=()
	case $1 in
	hackbench | overwritten)
		start hackbench -s 64 -l 100000000 -g 2 -f 4 >"$tmp/load.log" 2>&1
		;;
	stress)
		start stress-ng --cpu 2 --switch 2 --futex 2 -t "$load_seconds" >"$tmp/load.log" 2>&1
		;;
	forks)
		start "$work/churn" forks -s "$load_seconds" >"$tmp/load.log" 2>&1
		load+=("$pid")
		start "$work/churn" threads -s "$load_seconds" >>"$tmp/load.log" 2>&1
		;;
	hogs)
		start "$work/hog" -c "$(last_cpu)" -b 7 -p 3 -s "$load_seconds"
		load+=("$pid")
		start "$work/hog" -c "$(last_cpu)" -b 5 -p 9 -s "$load_seconds" -n -5
		load+=("$pid")
		start "$work/hog" -c "$(last_cpu)" -b 3 -p 20 -s "$load_seconds" -r
		load+=("$pid")
		start "$work/victim" -c "$(last_cpu)" -p 4 -s "$load_seconds"
		;;
	go)
		start "$root/build/e2e/goload" "$load_seconds"
		;;
	esac
	load+=("$pid")
}

stop_load() {
	local p

	kill "${load[@]}" 2>/dev/null
	for p in "${load[@]}"; do
		end_within 10 "$p" || kill -9 "$p"
	done
}
