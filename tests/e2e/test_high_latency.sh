#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Somebody else's program, which knows Go traces and nothing of kflight, flags every goroutine that was runnable for over
# 10 ms: it finds the demo's victim in our trace, with exactly the waits that kflight's own account of the gaps has.
. "$(dirname "$0")/lib.sh"
need_bpf
go_helper highlatency

cpu=$(last_cpu)
start "$work/victim" -c "$cpu" -r -s 60 -j "$tmp/victim"
victim=$pid
# 12 ms at a time: what the victim waits is over 10 ms now and then, and under it as often.
record -p "$victim" --trigger 'runq>10ms' --after 700ms --count 1 --window 3s,64mb
start "$work/hog" -c "$cpu" -b 12 -p 20 -r -s 30
wait_snapshots 20 1
exit_status 10 "$recorder" || fail "the recorder ended with status $?"
kill "$victim"
keep high_latency "$snapshot"

"$root/build/e2e/highlatency" "$trace" >"$tmp/found"
expect 'exit status with findings' 1 $?
expect_match 'a finding' '^{"rule":"HighSchedulingLatency","severity":"WARN"' "$tmp/found"
grep "\"goroutine\":$victim," "$tmp/found" >"$tmp/victim_found" || fail "the victim is not named: $(cat "$tmp/found")"
expect_match 'its name' '"name":"victim"' "$tmp/victim_found"

# kflight's own account of the same threads. Two events of one moment are some ns apart in a trace: at the threshold
# itself either may be right.
"$kflight" export -f ndjson "$snapshot" >"$tmp/all" || fail "export to NDJSON failed"
paste <(json_field tid <"$tmp/all") <(json_field start_ns <"$tmp/all") <(json_field wait_ns <"$tmp/all") |
	awk '$3 > 10000000 + 1000' | sort -k1,1n -k2,2n >"$tmp/ours"
paste <(json_field goroutine <"$tmp/found") <(json_field timestamp_ns <"$tmp/found") <(json_field wait_ns <"$tmp/found") |
	awk '$3 > 10000000 + 1000' | sort -k1,1n -k2,2n >"$tmp/theirs"
awk '
	BEGIN { n = 0 }
	FNR == NR { tid[n] = $1; start[n] = $2; wait[n++] = $3; next }
	{
		for (i = 0; i < n; i++) {
			d = wait[i] - $3
			e = start[i] - $2
			if (tid[i] == $1 && d < 10000 && d > -10000 && e < 10000 && e > -10000 && !used[i]) {
				used[i] = 1
				same++
				next
			}
		}
		print "only in the trace: thread", $1, "at", $2, "for", $3, "ns"
	}
	END {
		for (i = 0; i < n; i++)
			if (!used[i])
				print "only in the model: thread", tid[i], "at", start[i], "for", wait[i], "ns"
		print "same", same + 0
	}' "$tmp/ours" "$tmp/theirs" >"$tmp/compared"
floor=$("$kflight" report --json "$snapshot" | json_field floor_ns | head -1)
# A trace cuts gaps that began before the window.
awk -v floor="$floor" '/^only/ && $8 > floor + 1000000' "$tmp/compared" >"$tmp/misses"
[ -s "$tmp/misses" ] && fail "the trace and the model differ: $(head -5 "$tmp/misses")"
same=$(sed -n 's/^same //p' "$tmp/compared")
n_victim=$(wc -l <"$tmp/victim_found")
[ "$same" -ge 1 ] || fail "nothing compared: $(cat "$tmp/compared")"
figure "waits over 10 ms that a checker of Go traces finds: $(wc -l <"$tmp/found"), $n_victim of the demo's victim; $same the same in kflight's gaps, to 10 us"

"$root/build/e2e/highlatency" -over 1h "$trace" >"$tmp/none" || fail "findings over an hour: $(cat "$tmp/none")"
"$root/build/e2e/highlatency" "$snapshot" >"$tmp/none" 2>"$tmp/err"
expect 'exit status with a file that is no trace' 2 $?
