#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Who may ask a recorder: root, a group (also a supplementary one), nobody else; what the metrics port gives to everybody.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command curl
need_command setpriv
need_command jq
need_command python3

group=54321
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
member=(setpriv --reuid=65534 --regid=65534 --groups="$group")
first=(setpriv --reuid=65534 --regid="$group" --clear-groups)
chmod 711 "$tmp" # they may come to the socket; what they may do there is the question
"${nobody[@]}" true || skip "cannot become another user here"
cp "$kflight" "$tmp/kflight" && chmod 755 "$tmp/kflight"

# refused WHO COMMAND...: by the mode of the socket.
refused() {
	local who=$1

	shift
	"$@" "$tmp/kflight" status --socket "$control" >"$tmp/out.txt" 2>"$tmp/err"
	expect "$who: status" 3 $?
	expect_match "$who" "error: cannot connect to '$control': Permission denied" "$tmp/err"
	[ ! -s "$tmp/out.txt" ] || fail "$who was told: $(cat "$tmp/out.txt")"
	"$@" curl -sS --unix-socket "$control" -d '{}' http://localhost/snapshot >"$tmp/out.txt" 2>&1 &&
		fail "$who: curl was answered: $(cat "$tmp/out.txt")"
	[ "$(snapshots)" = "$before" ] || fail "$who got a snapshot"
}

# allowed WHO COMMAND...: and the snapshot says so.
allowed() {
	local who=$1 path

	shift
	path=$("$@" "$tmp/kflight" snapshot --socket "$control" --reason "$who" 2>"$tmp/err") ||
		fail "$who: refused: $(cat "$tmp/err")"
	expect "$who: uid in the file" 65534 "$("$kflight" info --json "$path" | jq .trigger.requester.uid)"
	"$@" "$tmp/kflight" info "$path" >/dev/null 2>"$tmp/err" || fail "$who cannot read '$path': $(cat "$tmp/err")"
	"${nobody[@]}" head -c1 "$path" >"$tmp/out.txt" 2>/dev/null && fail "nobody can read '$path'"
	before=$((before + 1))
}

control=$tmp/run/control.sock
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
before=0
record --socket "$control" --group $group --metrics "$port" --window 2s,32mb
expect 'folder' '755 0:0' "$(stat -c '%a %u:%g' "$tmp/run")"
expect 'socket' "660 0:$group" "$(stat -c '%a %u:%g' "$control")"
refused nobody "${nobody[@]}"
allowed 'a member by a supplementary group' "${member[@]}"
allowed 'a member by its first group' "${first[@]}"

# The mode was opened by mistake: the peer is checked nevertheless.
chmod 666 "$control"
"${nobody[@]}" curl -sSi --unix-socket "$control" -d '{}' http://localhost/snapshot >"$tmp/body"
expect_match 'nobody at an open socket' '^HTTP/1.1 403' "$tmp/body"
expect_match 'nobody at an open socket' '"error":"forbidden"' "$tmp/body"
"${nobody[@]}" "$tmp/kflight" status --socket "$control" 2>"$tmp/err"
expect 'nobody at an open socket: status' 3 $?
expect 'snapshots' $before "$(snapshots)"
chmod 660 "$control"

# The metrics port: for everybody here, only metrics, no paths, loopback.
"${nobody[@]}" curl -sS "http://127.0.0.1:$port/metrics" >"$tmp/metrics" || fail "no metrics"
expect_match 'metrics' '^kflight_snapshots_total\{result="written"\} 2$' "$tmp/metrics"
! grep -F "$tmp" "$tmp/metrics" || fail "the metrics tell a path"
for path in / /status /snapshots /snapshot /triggers; do
	expect "$path at the metrics port" 404 "$(curl -sS -o "$tmp/body" -w '%{http_code}' "http://127.0.0.1:$port$path")"
done
expect 'POST /snapshot at the metrics port' 404 \
	"$(curl -sS -o "$tmp/body" -w '%{http_code}' -d '{}' "http://127.0.0.1:$port/snapshot")"
address=$(hostname -I | tr ' ' '\n' | grep -m1 '\.') || address=
if [ -n "$address" ]; then
	curl -sS --max-time 3 "http://$address:$port/metrics" >"$tmp/out.txt" 2>&1 && fail "the metrics are at $address, too"
fi
stop_recorder

# With another group.
before=0
record --socket "$control" --group 0 --window 2s,32mb
refused 'a member of another group' "${member[@]}"
stop_recorder

"$kflight" record --group no-such-group --socket "$control" 2>"$tmp/err"
expect 'no such group: status' 2 $?
expect_match 'no such group' "there is no group 'no-such-group'" "$tmp/err"
"$kflight" record --metrics localhost:1 --socket "$control" 2>"$tmp/err"
expect 'a bad address: status' 2 $?
expect_match 'a bad address' "bad address 'localhost:1'" "$tmp/err"
