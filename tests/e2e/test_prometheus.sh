#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A real Prometheus scrapes a recorder. promtool finds nothing wrong with the metrics and with the rules in docs/metrics.md,
# and the 99th percentile of the wait to run that PromQL answers agrees with what the victim of a hog measured itself: to a factor
# of two, which is how fine the buckets are.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command prometheus
need_command promtool
need_command curl
need_command jq
need_command python3

sed -n '/^groups:/,/^```/p' docs/metrics.md | grep -v '^```' >"$tmp/rules.yml"
promtool check rules "$tmp/rules.yml" >"$tmp/promtool" 2>&1 || fail "promtool check rules: $(cat "$tmp/promtool")"
expect_match 'the rules were looked at' '9 rules found' "$tmp/promtool"

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
now_ns() {
	python3 -c 'import time; print(time.monotonic_ns())'
}
metrics_port=$(free_port)
port=$(free_port)

scrape() {
	curl -sSf -D "$tmp/headers" "http://127.0.0.1:$metrics_port/metrics" >"$tmp/metrics"
}

# value NAME-AND-LABELS: in the text that was scraped last.
value() {
	awk -v name="$1" '$1 == name { print $2 }' "$tmp/metrics"
}

# query PROMQL: the only number that it answers, or nothing.
query() {
	curl -sSf "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1" |
		jq -r 'select(.status == "success") | .data.result | select(length == 1) | .[0].value[1]'
}

ms() {
	awk -v s="$1" 'BEGIN { printf "%.2f", s * 1000 }'
}

is_scraped_often() {
	[ "$(query 'count_over_time(up{job="kflight"}[1m])')" -ge 12 ]
}

cpu=$(last_cpu)
start "$work/victim" -c "$cpu" -r -s 120 -j "$tmp/victim" 2>"$tmp/victim.err"
victim=$pid
start "$work/hog" -c "$cpu" -r -s 120
record -p "$victim" --trigger 'runq>5ms{name=late}' --cooldown 5s --window 2s,16mb --metrics "127.0.0.1:$metrics_port"
recording_ns=$(now_ns)

cat >"$tmp/prometheus.yml" <<END
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: ['$tmp/rules.yml']
scrape_configs:
  - job_name: kflight
    static_configs:
      - targets: ['127.0.0.1:$metrics_port']
END
promtool check config "$tmp/prometheus.yml" >"$tmp/promtool" 2>&1 || fail "promtool check config: $(cat "$tmp/promtool")"
start prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" --log.level=warn \
	--web.listen-address="127.0.0.1:$port" >"$tmp/prometheus.log" 2>&1
until_true 60 is_scraped_often || fail "Prometheus did not scrape: $(tail -5 "$tmp/prometheus.log")"

p99_s=$(query 'histogram_quantile(0.99, rate(kflight_run_queue_wait_seconds_bucket[1m]))')
[ -n "$p99_s" ] || fail "the query for the 99th percentile answered nothing: $(cat "$tmp/prometheus.log")"
expect 'the recorder is up' 1 "$(query 'up{job="kflight"}')"
expect 'the recording rule agrees' 1 "$(query 'count(instance:kflight_run_queue_wait_seconds:p99_5m > 0)')"

scraped_ns=$(now_ns)
scrape || fail 'cannot scrape'
expect_match 'the type of the text' '^Content-Type: text/plain; version=0.0.4' "$tmp/headers"
promtool check metrics <"$tmp/metrics" >"$tmp/promtool" 2>&1 || fail "promtool check metrics: $(cat "$tmp/promtool")"
[ ! -s "$tmp/promtool" ] || fail "promtool check metrics: $(cat "$tmp/promtool")"

# The numbers agree with each other, and with the files.
waits=$(value kflight_run_queue_wait_seconds_count)
expect 'the last bucket has them all' "$waits" "$(value 'kflight_run_queue_wait_seconds_bucket{le="+Inf"}')"
[ "$waits" -ge 500 ] || fail "only $waits waits of the victim were counted"
[ -z "$(value 'kflight_syscall_seconds_count')" ] || fail 'syscalls are not recorded, but counted'
wait_snapshots 10 1
files_are_counted() {
	scrape && [ "$(value 'kflight_snapshots_total{result="written"}')" = "$(snapshots)" ]
}
until_true 5 files_are_counted || fail "$(grep kflight_snapshots "$tmp/metrics"), but $(snapshots) files"
expect 'hits were written' "$(value 'kflight_snapshots_total{result="written"}')" \
	"$(value 'kflight_triggers_fired_total{rule="late",result="hit"}')"
expect_true 'others were suppressed' "$(value 'kflight_triggers_fired_total{rule="late",result="cooling"}') > 0"
stop_recorder
figure "$(grep -c '^[a-z]' "$tmp/metrics") samples of $(grep -c '^# TYPE' "$tmp/metrics") families"

kill "$victim"
end_within 5 "$victim" || fail "the victim did not end"
# Only those it slept before: after a long wait it makes up for the wake-ups it missed without sleeping.
paste <(json_field due_ns <"$tmp/victim") <(json_field woke_ns <"$tmp/victim") <(json_field late_ns <"$tmp/victim") |
	awk -v from="$recording_ns" -v to="$scraped_ns" '$1 > before && $2 >= from && $2 <= to { print $3 } { before = $2 }' |
	sort -n >"$tmp/late"
own_s=$(awk '{ ns[NR] = $1 } END { print ns[int(NR * 0.99)] / 1e9 }' "$tmp/late")
figure "99th percentile of the wait to run: $(ms "$p99_s") ms by PromQL, $(ms "$own_s") ms by the victim's own $(wc -l <"$tmp/late") wake-ups"
expect_true 'PromQL agrees with the victim' "$p99_s >= $own_s / 2 && $p99_s <= $own_s * 2"
expect_true 'every wake-up was counted' "$waits >= $(wc -l <"$tmp/late")"
