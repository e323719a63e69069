#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Random loads, a new set every ten seconds: whatever they do to one another, the parts of every gap of every thread add up
# to the gap to the nanosecond, and none is negative. SEED repeats a run.
. "$(dirname "$0")/lib.sh"

rounds=${quick:+1}
rounds=${rounds:-6}
round_seconds=10
RANDOM=${SEED:=$$}

# Starts one of them, on a CPU or on all of them.
random_load() {
	local on=(-c $((RANDOM % (cpu + 1)))) length=$((round_seconds + 5))

	[ $((RANDOM % 2)) = 0 ] || on=()
	case $((RANDOM % 12)) in
	0) start_in "" "$work/hog" "${on[@]}" -b $((RANDOM % 30 + 1)) -p $((RANDOM % 30)) -s $length -n $((RANDOM % 40 - 20)) ;;
	1) start_in "" "$work/hog" "${on[@]}" -b $((RANDOM % 10 + 1)) -p $((RANDOM % 30 + 10)) -s $length -r ;;
	2) start_in "" "$work/crowd" "${on[@]}" -t $((RANDOM % 60 + 2)) -b $((RANDOM % 500 + 50)) -s $length ;;
	3) start_in "" "$work/flood" "${on[@]}" -s $length ;;
	4) start_in "$quota_group" "$work/victim" "${on[@]}" -p 0 -s $length ;;
	5) start_in "" "$work/convoy" -t $((RANDOM % 10 + 2)) -h $((RANDOM % 5)) -s $length ;;
	6) start_in "" "$work/inversion" -c "$cpu" -s $length ;;
	7) start_in "" "$work/moved" -s $length ;;
	8) start_in "" "$work/churn" storm -s $length ;;
	9) start_in "" "$work/victim" "${on[@]}" -p $((RANDOM % 5 + 5)) -w 0.$((RANDOM % 9 + 1)) -y -s $length ;;
	10) start_in "" "$work/faults" page -s $length ;;
	11) start_in "" "$work/stopped" "${on[@]}" -s $length ;;
	esac >/dev/null
}

stop_loads() {
	local p

	for p in "${started[@]}"; do
		[ "$p" = "$recorder" ] || { disown "$p" && kill -9 "$p"; } 2>/dev/null
	done
	started=("$recorder")
}

scenario() {
	local round load status=0

	quota_group 40
	record --window $((round_seconds + 1))s,256mb
	for ((round = 0; round < rounds; round++)); do
		for ((load = RANDOM % 4 + 2; load > 0; load--)); do
			random_load
		done
		sleep $round_seconds # how long these are recorded together
		request
		stop_loads
		judge sums <("$kflight" export -f ndjson "$snapshot") || status=1
		[ $round = $((rounds - 1)) ] || rm -f "$snapshot"
	done
	awk -v what="seed $SEED, $rounds times $round_seconds s" '/^[0-9]+ gaps,/ { gaps += $1; wrong += $NF }
		END { printf "%s: %d gaps, %d whose parts do not add up to the nanosecond or are negative\n", what, gaps, wrong }
	' "$tmp/result" >"$tmp/sum"
	cat "$tmp/sum" >>"$tmp/result"
	return $status
}

hold mix "random mix"
