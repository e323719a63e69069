#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Triggers over many waits: each function fires when it is true, by its name and with its value; what is not true stays silent; and
# check finds in the file what fired.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command jq

control=$tmp/control
cpu=$(last_cpu)
start "$work/victim" -c "$cpu" -r -s 120

# The victim wants to run 100 times a second, and in nearly every third waits 4 ms on average for the hog. That comes when the window
# is longer than the period: of what threads did when recording began less is known.
# fires_once NAME TRIGGER
fires_once() {
	record --trigger "$2{comm=victim, name=$1}" --count 1 --window 4s,32mb
	sleep 1
	start "$work/hog" -c "$cpu" -r -s 60
	wait_snapshots 20 1
	kill "$pid"
	exit_status 20 "$recorder" || fail "$1: the recorder ended with status $?"
}

# fires NAME TRIGGER VALUE CHECK: VALUE is a regular expression for what is said of it, CHECK is true of the file; its limit is lower,
# as its periods are not those of the trigger. A busy host may lose records: then the file cannot tell, and there is another try.
fires() {
	local name=$1 value=$3 status

	for _ in 1 2 3 4; do
		fires_once "$name" "$2"
		"$kflight" check "$snapshot" "$4 {comm=victim}" >"$tmp/verdict"
		status=$?
		[ $status = 4 ] || break
	done
	expect "$name: check of what fired: $(cat "$tmp/verdict")" 1 $status
	"$kflight" info "$snapshot" >"$tmp/info" || fail "$name: info failed"
	expect_match "$name: the rule" "rule +$name: " "$tmp/info"
	expect_match "$name: its value" "$value" "$tmp/info"
	echo "$name: $(grep -m1 -oE "$value" "$tmp/info")"
}

fires p80 'p80(runq)>1ms/500ms' 'p80\(runq\) > 1.00 ms: [0-9]+ of [0-9]+ waits in the last [45][0-9]{2} ms' 'p90(runq)>500us/500ms'
fires avg 'avg(runq)>200us/500ms' 'avg\(runq\) > 200 us: .* of [0-9]+ waits' 'avg(runq)>50us/500ms'
fires total 'total(runq)>2%/500ms' 'total\(runq\) > 2 %: .* of [0-9]+ waits' 'total(runq)>1%/500ms'
fires count 'count(runq>1ms)>3/500ms' 'count\(runq > 1.00 ms\) > 3: [0-9]+ waits' 'count(runq>1ms)>1/500ms'
fires rate 'rate(runq>1ms)>6/s/500ms' 'rate\(runq > 1.00 ms\) > 6/s: .* waits' 'rate(runq>1ms)>2/s/500ms'

fired() {
	"$kflight" triggers --json --socket "$control" |
		jq -e --arg name "$1" '(.triggers // .)[] | select(.name == $name) | .fired > 0' >"$tmp/fired"
}

# Together: an event and an aggregate; what is false, of others, or has not fallen is silent; what falls silent is noticed.
start "$work/hog" -c "$cpu" -r -s 120
start "$work/victim" -c "$cpu" -p 5 -s 600
other=$pid
record --socket "$control" --window 2s,32mb --cooldown 300ms \
	--trigger 'runq>2ms and p80(runq)>1ms/500ms {comm=victim, name=both}' \
	--trigger 'runq>2ms and p80(runq)>10s/500ms {comm=victim, name=never}' \
	--trigger 'p80(runq)>1ms/500ms or (rate(runq)>=0/s/500ms and runq>1h) {comm=victim, name=either}' \
	--trigger 'count(runq)>0/200ms {comm=nobody-here, name=nobody}' \
	--trigger 'rate(runq)<1/s/200ms {comm=nobody-here, name=idle}' \
	--trigger "rate(runq)<1/s/300ms {pid=$other, name=fell, cooldown=1h}"
until_true 20 fired both || fail "'both' did not fire: $("$kflight" triggers --socket "$control")"
until_true 20 fired either || fail "'either' did not fire: $("$kflight" triggers --socket "$control")"
fired fell && fail "'fell' fired before it fell"
kill "$other"
until_true 20 fired fell || fail "'fell' did not fire: $("$kflight" triggers --socket "$control")"
for name in never nobody idle; do
	fired $name && fail "'$name' fired: $("$kflight" triggers --socket "$control")"
done
"$kflight" triggers --json --socket "$control" >"$tmp/triggers"
expect_match 'the value of an aggregate' '"p80\(runq\) > 1.00 ms: [0-9,]+ of [0-9,]+ waits in the last' "$tmp/triggers"
# Changed while it is in use, it begins a new period and fires.
"$kflight" triggers --socket "$control" never 'runq>2ms and p80(runq)>1ms/500ms {comm=victim}' >"$tmp/changed" ||
	fail "the change was refused: $(cat "$tmp/changed")"
until_true 20 fired never || fail "'never' did not fire after its change: $("$kflight" triggers --socket "$control")"
"$kflight" triggers --socket "$control" never 'futex>2ms' >"$tmp/changed" 2>&1
expect_match 'what cannot change' 'measures something else' "$tmp/changed"
stop_recorder
