#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The control socket of a live recorder, asked by curl and by the verbs: the same answers, the same refusals.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command curl
need_command jq

control=$tmp/socket
trace=4bf92f3577b34da6a3ce929d0e0e4736
span=00f067aa0ba902b7

# ask STATUS PATH CURL-OPTIONS...: the body in $tmp/body, the header in $tmp/header.
ask() {
	local wanted=$1 path=$2 got

	shift 2
	got=$(curl -sS --max-time 20 --unix-socket "$control" -D "$tmp/header" -o "$tmp/body" -w '%{http_code}' "$@" \
		"http://localhost$path") || fail "curl $path: status $?"
	[ "$got" = "$wanted" ] || fail "$path $*: wanted $wanted, got $got: $(head -c 1000 "$tmp/body")"
}

# field JQ WANTED: of the body.
field() {
	expect "$1" "$2" "$(jq -r "$1" "$tmp/body")"
}

after_trigger() {
	[ "$("$kflight" status --json --socket "$control" | jq -r .state)" = after ]
}

record --socket "$control" --window 2s,32mb --trigger 'runq>10m{name=never}'

ask 200 /
expect_match 'help' 'POST /snapshot' "$tmp/body"
ask 200 /status
field .state recording
field .snapshots.written 0
field .pid "$recorder"
expect_match 'not to be cached' '^Cache-Control: no-store' "$tmp/header"
ask 200 /status -I
ask 404 /nothing
field .error not_found
ask 405 /status -X DELETE
expect_match 'Allow' '^Allow: GET, HEAD' "$tmp/header"
ask 400 /snapshot -d 'reason=slow'
field .error bad_request
ask 400 /snapshot -d '{"trace_id":"1"}'
head -c 5000 /dev/zero >"$tmp/large"
ask 413 /snapshot --data-binary "@$tmp/large"
ask 200 /snapshots
field '.snapshots | length' 0

# A snapshot by curl, and one by the verb: both say who asked, and why.
ask 200 /snapshot -H 'Content-Type: application/json' -d "{\"reason\":\"by curl\",\"trace_id\":\"$trace\",\"span_id\":\"$span\"}"
first=$(jq -r .path "$tmp/body")
expect 'name' "$(basename "$first")" "$(jq -r .name "$tmp/body")"
second=$("$kflight" snapshot --socket "$control" --reason 'by verb' --trace-id $trace) || fail "kflight snapshot: status $?"
for file in "$first" "$second"; do
	"$kflight" info --json "$file" >"$tmp/info" || fail "info '$file'"
	by=$([ "$file" = "$first" ] && echo curl || echo verb)
	expect "reason of '$file'" "by $by" "$(jq -r .trigger.reason "$tmp/info")"
	expect "trace of '$file'" $trace "$(jq -r .trigger.requester.trace_id "$tmp/info")"
	expect "uid of '$file'" "$(id -u)" "$(jq -r .trigger.requester.uid "$tmp/info")"
	expect "comm of '$file'" "$([ "$by" = curl ] && echo curl || echo kflight)" "$(jq -r .trigger.requester.comm "$tmp/info")"
done
expect 'span' $span "$("$kflight" info --json "$first" | jq -r .trigger.requester.span_id)"

ask 200 /snapshots
field '.snapshots | map(.path) | join(" ")' "$second $first"
field '.snapshots[1].reason' 'by curl'
field '.snapshots[1].bytes' "$(stat -c %s "$first")"
field '.snapshots[1].trigger' request
rm "$first"
ask 200 /snapshots
field '.snapshots | length' 1

"$kflight" list --socket "$control" >"$tmp/list" || fail "kflight list"
expect_match 'list' "by verb +$second" "$tmp/list"
expect 'list --json' "$second" "$("$kflight" list --json --socket "$control" | jq -r '.snapshots[0].path')"
"$kflight" status --socket "$control" >"$tmp/status" || fail "kflight status"
head -1 "$tmp/status" >"$tmp/first"
expect_match 'first line' "pid $recorder: recording for .* since 20" "$tmp/first"
expect_match 'status' 'snapshots +2 written' "$tmp/status"
expect 'status --json' 2 "$("$kflight" status --json --socket "$control" | jq .snapshots.written)"

# Triggers: read, changed, refused; the change takes effect.
"$kflight" triggers --socket "$control" >"$tmp/triggers" || fail "kflight triggers"
expect_match 'triggers' '^never +yes +0 +0 .*runq>10m' "$tmp/triggers"
ask 400 /triggers/never -X PUT -d '{"trigger":"rumq>5ms"}'
expect_match 'names the column' column "$tmp/body"
ask 404 /triggers/ever -X PUT -d '{"enabled":false}'
ask 200 /triggers/never -X PUT -d '{"enabled":false}'
field .enabled false
"$kflight" triggers never 'runq>rubbish' --socket "$control" >"$tmp/out.txt" 2>"$tmp/err"
expect 'a bad trigger: status' 2 $?
expect_match 'a bad trigger' 'column' "$tmp/err"
"$kflight" triggers ever --socket "$control" 2>"$tmp/err"
expect 'no such trigger: status' 2 $?
before=$(snapshots)
sleep 0.3
expect 'disabled: no snapshots' "$before" "$(snapshots)"
"$kflight" triggers never 'runq>1us{name=never}' --enable --socket "$control" >"$tmp/triggers" || fail "cannot change the trigger"
expect_match 'changed' '^never +yes .*runq>1us' "$tmp/triggers"
wait_snapshots 10 $((before + 1))
expect 'by that trigger' never "$("$kflight" info --json "$snapshot" | jq -r .trigger.rule.name)"
ask 200 /triggers/never
expect_true 'hits' "$(jq .hits "$tmp/body") >= 1"

ask 200 /metrics
expect_match 'metrics' '^kflight_' "$tmp/body"
expect_match 'content type' '^Content-Type: text/plain; version=0.0.4' "$tmp/header"

stop_recorder
"$kflight" status --socket "$control" 2>"$tmp/err"
expect 'nobody listens: status' 3 $?
expect_match 'nobody listens' "no recorder is running: nobody listens at '$control'" "$tmp/err"

# Enough for now: refused with the time to wait. (What lies in the folder would count.)
rm "$tmp"/out/*.kfl
record --socket "$control" --window 2s,32mb --limit 1/h
ask 200 /snapshot -d '{}'
ask 429 /snapshot -d '{}'
field .error limited
after=$(tr -d '\r' <"$tmp/header" | sed -n 's/^Retry-After: //p')
expect_true 'Retry-After' "${after:-0} > 3000 && ${after:-0} <= 3601"
"$kflight" snapshot --socket "$control" 2>"$tmp/err"
expect 'limited: status' 3 $?
expect_match 'limited' 'error: limited: 1/h' "$tmp/err"
"$kflight" status --socket "$control" --json >"$tmp/body" || fail "kflight status"
field .requests.limited 2
stop_recorder

# A recorder that is told to end first gives a client who waits its file.
record --socket "$control" --window 60s,32mb --after 30s
start "$kflight" snapshot --socket "$control" >"$tmp/path"
asking=$pid
until_true 10 after_trigger || fail "the recorder does not wait for its --after"
ask 409 /snapshot -d '{}'
field .error busy
kill -TERM "$recorder"
exit_status 10 "$recorder" || fail "the recorder ended with status $?"
exit_status 10 "$asking" || fail "the client that waited: status $?"
"$kflight" info "$(cat "$tmp/path")" >/dev/null || fail "the client that waited has no file: '$(cat "$tmp/path")'"
