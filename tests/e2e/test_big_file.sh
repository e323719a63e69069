#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A window of over 1,000,000 records is reported within 3 s of CPU time and 400 MB. Memory is a hard limit; time on a busy
# host is only a figure, and fails at four times its limit.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command stress-ng

max_cpu_ms=3000
max_rss_kib=400000

# At least so many records: a gap ends with a switch of its own, and if it was woken, begins with a wake-up of its own.
records_in() {
	"$kflight" export -f ndjson "$1" | awk '
		!/"open": *true/ { n++ }
		/"kind": *"woken/ { n++ }
		END { print n + 0 }'
}

# record_for MS: what the kernel did under a load of switches, futex waits and pipes; the snapshot in $snapshot.
record_for() {
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	start stress-ng --switch 2 --futex 1 --pipe 1 --cpu 1 -t 60 >"$tmp/load.log" 2>&1
	"$kflight" record --duration "$1ms" --window 1m,512mb --socket none -o "$tmp/out" >"$tmp/rec.out" 2>"$tmp/rec.err" ||
		fail "recording failed: $(cat "$tmp/rec.err")"
	kill "$pid"
	end_within 10 "$pid"
	snapshot=$(echo "$tmp"/out/*.kfl)
}

duration=2000
for _ in 1 2 3 4 5 6 7; do
	record_for $duration
	records=$(records_in "$snapshot")
	[ "$records" -lt 1000000 ] || break
	duration=$((duration * 1200000 / (records + 100000)))
	[ $duration -le 30000 ] || duration=30000
done
[ "$records" -ge 1000000 ] || skip "this host wrote only $records records in $duration ms: too few for a big file"
figure "file: $records records, $(($(stat -c %s "$snapshot") / 1000000)) MB"
if [ "$records" -gt 1250000 ]; then
	max_cpu_ms=$((max_cpu_ms * records / 1250000))
	max_rss_kib=$((max_rss_kib * records / 1250000))
fi

# measure NAME COMMAND...
measure() {
	local name=$1 cpu rss status

	shift
	"$work/usage" "$tmp/usage" "$@" >"$tmp/printed" 2>"$tmp/err"
	status=$?
	case $status in
	0) ;;
	4) [ "$name" = check ] || fail "$name ended with status 4" ;; # the window has holes: an answer, too
	*) fail "$name ended with status $status: $(cat "$tmp/err")" ;;
	esac
	[ -s "$tmp/printed" ] || fail "$name printed nothing"
	cpu=$(json_field cpu_ms <"$tmp/usage")
	rss=$(json_field max_rss_kib <"$tmp/usage")
	figure "$name: $cpu ms of CPU time (limit $max_cpu_ms), $((rss / 1024)) MiB"
	[ "$rss" -le $max_rss_kib ] || fail "$name took $rss KiB, limit $max_rss_kib"
	[ "$cpu" -le $((4 * max_cpu_ms)) ] || fail "$name took $cpu ms of CPU time, limit $max_cpu_ms"
}

measure 'report' "$kflight" report "$snapshot"
measure 'report --json' "$kflight" report --json "$snapshot"
if "$kflight" report --help | grep -q -- --html; then
	measure 'report --html' "$kflight" report --html - "$snapshot"
fi
if "$kflight" --help | grep -q '^ *check '; then
	measure 'check' "$kflight" check "$snapshot" 'max(runq) < 1h'
fi
