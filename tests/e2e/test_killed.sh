#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kill -9 at random moments under load, again and again, in one folder and with one socket: never half a file under a final name,
# nothing left in the kernel, and the next one starts. ROUNDS=200 for more.
. "$(dirname "$0")/lib.sh"
need_bpf

rounds=${ROUNDS:-30}
[ -z "$quick" ] || rounds=8
RANDOM=${SEED:-$$}
figure_seed=$RANDOM

start "$work/churn" threads -s 600
start "$work/hog" -c "$(last_cpu)" -b 7 -p 12 -s 600
written=0
for round in $(seq "$rounds"); do
	# As soon as it has begun, or a moment later: while it loads, records, copies or writes.
	rm -f "$tmp/rec.err"
	mkdir -p "$tmp/out"
	start "$kflight" record -o "$tmp/out" --socket "$tmp/socket" --trigger 'runq>100us' --cooldown 0s \
		--window 2s,32mb >>"$tmp/rec.out" 2>"$tmp/rec.err"
	recorder=$pid
	case $((RANDOM % 4)) in
	0) ;;
	1) until_true 20 record_decided "$recorder" "$tmp/rec.err" ;;
	*)
		until_true 20 record_decided "$recorder" "$tmp/rec.err"
		grep -q '^kflight: recording' "$tmp/rec.err" || fail "round $round did not start: $(cat "$tmp/rec.err")"
		;;
	esac
	sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
	bpf_of "$recorder" >"$tmp/loaded"
	kill -9 "$recorder"
	end_within 10 "$recorder" || fail "round $round: the recorder survived"
	started=("${started[@]:0:2}")
	all_gone() {
		[ -z "$(still_loaded "$tmp/loaded")" ]
	}
	until_true 10 all_gone || fail "round $round: still loaded: $(still_loaded "$tmp/loaded")"
	for file in "$tmp"/out/*.kfl; do
		[ -e "$file" ] || continue
		"$kflight" info "$file" >"$tmp/info" 2>&1 || fail "round $round: '$file' is not whole: $(cat "$tmp/info")"
		written=$((written + 1))
		rm "$file"
	done
done

# One more, which is let live: leftovers of the others go.
record --socket "$tmp/socket" --trigger 'runq>100us'
wait_snapshots 20 1
stop_recorder
left=$(find "$tmp/out" -name '.kflight-*' | wc -l)
figure "$rounds times kill -9 (seed $figure_seed): $written snapshots, all whole; nothing left in the kernel; $left temporary files left"
[ "$written" -gt 0 ] || fail 'no snapshot was ever written: this tried nothing'
expect 'temporary files' 0 "$left"
