#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Rules of triggers: each with its own filter, chance and cool-down, joined by `and` and `or`; every wait that makes one true is counted
# once: as a hit that has its file, or as suppressed.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command jq

# rule NAME FIELD
rule() {
	jq -r --arg name "$1" ".rules[] | select(.name == \$name) | $2" "$tmp/info"
}

# A request is refused while a trigger's snapshot is written.
ask() {
	kill -USR1 "$recorder"
	sleep 0.3
	grep -qE -- '-request[^/]*\.kfl$' "$tmp/rec.out"
}

# The counts of all rules so far, to $tmp/info.
read_counts() {
	until_true 20 ask || fail "no snapshot on request: $(tail -c 1000 "$tmp/rec.err")"
	snapshot=$(grep -E -- '-request[^/]*\.kfl$' "$tmp/rec.out" | head -1)
	"$kflight" info --json "$snapshot" >"$tmp/info" || fail "info '$snapshot'"
}

# Lines of the journal that are longer than so many ms.
longer_than() {
	jq -s --argjson ms "$1" 'map(select(.end_ns - .start_ns > $ms * 1e6)) | length' "$tmp/journal"
}

# fired_as NAME COUNT: exactly.
fired_as() {
	expect "rule '$1' of $(jq -c .rules "$tmp/info"): fired" "$2" "$(rule "$1" .fired)"
}

# The thread w-pipe of process $reader, in $thread.
find_thread() {
	thread=$(grep -lsx w-pipe "/proc/$reader"/task/*/comm | cut -d/ -f5)
	[ -n "$thread" ]
}

# Our own workloads only: other tests may run beside this one.
record -p $$ --window 1s,16mb --cooldown 100ms \
	--trigger 'futex>20ms{comm=w-mutex,cooldown=1h,name=once}' \
	--trigger 'futex>20ms{comm=w-mutex,name=each}' \
	--trigger 'futex>20ms{comm=w-mutex,sample=30%,name=part}' \
	--trigger 'futex>1h or futex>20ms{comm=w-mutex,name=either}' \
	--trigger 'futex>20ms and block>20ms{comm=w-mutex,name=both}' \
	--trigger 'futex>20ms and block>1h{comm=w-mutex,name=never}' \
	--trigger 'futex>20ms{comm=w-nobody,name=other}' \
	--trigger 'futex>20ms{comm=w-mutex,enabled=no,name=off}'
"$work/waits" mutex -w 40 -n 60 -j "$tmp/journal" || fail "the workload"
read_counts
waits=$(longer_than 20)
fired=$(rule each .fired)
# On a busy host the two sides may wait for each other between the rounds, too.
expect_true "waits that the workload knows of are counted: $fired of $waits" \
	"$waits >= 30 && $fired >= $waits && $fired <= $waits * 1.3"
for name in once part either both; do
	fired_as $name "$fired"
done
for name in never other off; do
	fired_as $name 0
done
expect "the rule with a cool-down of an hour: hits" 1 "$(rule once .hits)"
expect_true "the rule without one gets others: $(rule each .hits)" "$(rule each .hits) > 2"
sampled=$(rule part .sampled)
expect_true "left out by chance of 70 %: $sampled of $fired" "$sampled > $fired * 0.4 && $sampled < $fired * 0.95"
hits=$(jq '[.rules[].hits] | add' "$tmp/info")
expect "hits are files" "$hits" "$(grep -E '\.kfl$' "$tmp/rec.out" | grep -vc request)"
expect "fired = hits + suppressed" true \
	"$(jq '[.rules[] | .fired == .hits + .cooling + .busy + .sampled + .limited] | all' "$tmp/info")"
stop_recorder
figure "$waits waits of the workload: fired $fired, hits $hits, left out by chance $sampled"

# Filters by number: dimensions must all fit, values of one are alternatives.
start "$work/waits" sleep -w 30 -n 1000
sleeper=$pid
start "$work/waits" pipe -w 30 -n 1000
reader=$pid
until_true 5 find_thread || fail "no thread w-pipe"
record --window 1s,16mb --cooldown 1h \
	--trigger "block>20ms{pid=$sleeper,name=sleeper}" \
	--trigger "block>20ms{tid=$thread,name=thread}" \
	--trigger "max(block) of $thread > 20ms{name=number}" \
	--trigger "block>20ms{pid=$sleeper|$reader,comm=w-pipe,name=one}" \
	--trigger "block>20ms{pid=$sleeper,comm=w-pipe,name=none}" \
	--trigger "block>20ms{pid=$$,name=child}"
"$work/waits" sleep -w 30 -n 10 -j "$tmp/journal" || fail "the workload"
sleep 0.5
kill -STOP "$sleeper" "$reader" # or they go on between the reading of two counters
read_counts
expect_true "the sleeper's waits: $(rule sleeper .fired)" "$(rule sleeper .fired) >= 10"
expect_true "the reading thread's waits: $(rule thread .fired)" "$(rule thread .fired) >= 10"
fired_as number "$(rule thread .fired)"
fired_as one "$(rule thread .fired)"
fired_as none 0
expect_true "children follow: $(rule child .fired) of $(longer_than 20)" "$(rule child .fired) >= $(longer_than 20)"
stop_recorder
kill -CONT "$sleeper" "$reader"
kill "$sleeper" "$reader"

# Where the cpu controller is: 10 ms of every 100 ms, and before others.
group=$(awk '$3 == "cgroup" && "," $4 "," ~ /,cpu,/ { print $2; exit }' /proc/mounts)
[ -n "$group" ] || skip "no cgroup v1 with the cpu controller: no throttled rule was tried"
group=$group/kflight-rules-$$
mkdir "$group" || fail "cannot make '$group'"
remove_group() {
	until_true 5 rmdir "$group" || echo "cannot remove '$group'"
}
at_end+=(remove_group)
echo 262144 >"$group/cpu.shares"
echo 100000 >"$group/cpu.cfs_period_us"
echo 10000 >"$group/cpu.cfs_quota_us" || skip "no CPU quota here"
record -p $$ --window 1s,16mb --cooldown 1h \
	--trigger 'throttled>20ms{comm=victim,name=short}' \
	--trigger 'throttled>10s{comm=victim,name=long}' \
	--trigger 'throttled>1ms{comm=hog,name=other}'
# shellcheck disable=SC2016 # for the inner shell
sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" "$work/victim" -c "$(last_cpu)" -p 0 -s 2 >/dev/null ||
	fail "the workload"
throttled=$(awk '/^nr_throttled/ { print $2 }' "$group/cpu.stat")
read_counts
[ "$throttled" -ge 5 ] || skip "the kernel throttled the group only $throttled times: no throttled rule was tried"
expect_true "throttled $throttled times by the kernel: fired $(rule short .fired)" \
	"$(rule short .fired) >= $throttled / 4 && $(rule short .fired) <= $throttled + 1"
expect "the first one has its file" 1 "$(rule short .hits)"
fired_as long 0
fired_as other 0
stop_recorder
figure "throttled $throttled times: fired $(rule short .fired)"
