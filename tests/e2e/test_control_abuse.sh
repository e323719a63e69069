#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad clients of the control socket: the recorder goes on, its memory stays, and good clients are answered meanwhile.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command python3
need_command curl

control=$tmp/socket
abuse=tests/e2e/abuse.py

# Without the rings, which are shared and fill.
memory_kb() {
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$recorder/status"
}

descriptors() {
	find "/proc/$recorder/fd" -mindepth 1 | wc -l
}

# good WHEN: is answered, and how fast.
good() {
	local ms

	ms=$(curl -sS --max-time 10 --unix-socket "$control" -o "$tmp/body" -w '%{time_total}' http://localhost/status) ||
		fail "$1: a good client was not answered"
	expect_match "$1" '"state":' "$tmp/body"
	figure "$1: a good client was answered within $ms s"
}

few_descriptors() {
	[ "$(descriptors)" -le $((open + 4)) ]
}

record --socket "$control" --window 2s,32mb
for _ in 1 2 3; do # whatever is allocated once
	"$kflight" snapshot --socket "$control" >/dev/null || fail "no snapshot"
done
python3 $abuse "$control" many >/dev/null
good 'at rest'
before=$(memory_kb)
open=$(descriptors)

for round in 1 2 3; do
	python3 $abuse "$control" many >"$tmp/many" || fail "many: $(cat "$tmp/many")"
	figure "1,000 requests at once, round $round: $(cat "$tmp/many")"
	expect_match 'every one was answered, 900 with their status' '^200:9[0-9][0-9] (409:[0-9]+)?' "$tmp/many"
	! grep -q none "$tmp/many" || fail "some got no answer: $(cat "$tmp/many")"
done

exec 9> >(exec python3 $abuse "$control" loris >"$tmp/loris" 2>&1)
wait_line 20 there "$tmp/loris"
for _ in 1 2 3; do
	good '200 slow ones hold on'
done
"$kflight" snapshot --socket "$control" >"$tmp/path" || fail "no snapshot beside 200 slow clients"
exec 9>&-

python3 $abuse "$control" garbage >/dev/null || fail "garbage"
good 'after garbage'
python3 $abuse "$control" huge >"$tmp/huge" || fail "huge"
figure "requests that are too large: $(cat "$tmp/huge")"
! grep -q '200:' "$tmp/huge" || fail "too large a request was obeyed: $(cat "$tmp/huge")"
python3 $abuse "$control" hangup >/dev/null || fail "hangup"
good 'after 50 that hung up'
"$kflight" snapshot --socket "$control" >"$tmp/path" || fail "no snapshot in the end"
"$kflight" info "$(cat "$tmp/path")" >/dev/null || fail "the last snapshot is not whole"

until_true 10 few_descriptors || fail "$(descriptors) descriptors, $open before"
after=$(memory_kb)
figure "own memory: $before KiB before, $after KiB after"
expect_true 'memory stays' "$after < $before + 4096"
stop_recorder
