#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the recorder tells who started it: ready, signs of life from its loop, reloading, ending; log lines for programs; and what a
# reload changes.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command python3
need_command jq

conf=$tmp/kflight.conf
said=$tmp/said

# write_config LIMIT COOLDOWN [LINE]...
write_config() {
	cat >"$conf" <<-END
		[record]
		output = $tmp/out
		window = 2s,4mb
		socket = $tmp/socket
		cooldown = $2
		${3:-}
		${4:-}
		[trigger slow]
		when = runq>$1{comm=nobody-has-this}
	END
	chmod 600 "$conf"
}

# A stand-in for systemd: each line of each datagram, with the time in ms.
listen() {
	cat >"$tmp/listen.py" <<-'END'
		import socket, sys, time
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		while True:
		    for line in s.recv(4096).decode().splitlines():
		        print(int(time.monotonic() * 1000), line)
	END
	start python3 -u "$tmp/listen.py" "$tmp/notify" >"$said"
	until_true 10 test -S "$tmp/notify" || fail 'no listener'
}

count() {
	grep -cE -- "$1" "$said"
}

has_count() {
	[ "$(count "$1")" -ge "$2" ]
}

expect_count() {
	until_true 15 has_count "$2" "$3" || fail "$1: wanted $3 of '$2', got $(count "$2") in: $(tail -20 "$said")"
}

# has_message REGEX: a line of the log.
has_message() {
	jq -r .message "$tmp/rec.err" | grep -qE -- "$1"
}

expect_message() {
	until_true 15 has_message "$2" || fail "$1: no message '$2' in: $(cat "$tmp/rec.err")"
}

write_config 5s 10s 'log = json'
listen
NOTIFY_SOCKET=$tmp/notify WATCHDOG_USEC=400000 start "$kflight" record --config "$conf" >"$tmp/rec.out" 2>"$tmp/rec.err"
recorder=$pid
expect_count 'ready' 'READY=1$' 1
expect 'main process' "$recorder" "$(sed -n 's/.* MAINPID=//p' "$said")"
expect_match 'what it does' ' STATUS=recording' "$said"
expect_message 'it says so, too' '^recording'

# Signs of life stop when the loop does, and go on with it.
expect_count 'signs of life' 'WATCHDOG=1' 4
kill -STOP "$recorder"
sleep 1 # what was sent before is read
before=$(count 'WATCHDOG=1')
sleep 1
expect 'signs of life of a stopped recorder' "$before" "$(count 'WATCHDOG=1')"
kill -CONT "$recorder"
expect_count 'signs of life again' 'WATCHDOG=1' $((before + 2))

# Reload: what can change does at once, what cannot is named, and a broken file changes nothing.
write_config 7s 1m 'log = json' 'after = 1s'
kill -HUP "$recorder"
expect_count 'reloading' 'RELOADING=1' 1
expect_count 'reloading, when' 'MONOTONIC_USEC=[0-9]+$' 1
expect_count 'ready again' 'READY=1$' 2
expect_message 'the trigger' '^trigger slow: runq>5s.* -> runq>7s'
expect_message 'the cool-down' '^cooldown: 10s -> 1m$'
expect_message 'what waits for a restart' '^after: .* -> 1s: only a restart changes this'
"$kflight" triggers --socket "$tmp/socket" >"$tmp/triggers" || fail 'no answer'
expect_match 'the running trigger' 'runq>7s' "$tmp/triggers"
write_config 9s 1m 'log = json' 'nonsense = 1'
kill -HUP "$recorder"
expect_count 'reloading a broken file' 'RELOADING=1' 2
expect_count 'ready with the old settings' 'READY=1$' 3
expect_message 'what is broken' "line 7: unknown key 'nonsense'"
"$kflight" triggers --socket "$tmp/socket" >"$tmp/triggers" || fail 'no answer'
expect_match 'the trigger is as it was' 'runq>7s' "$tmp/triggers"
if [ ! -e /run/systemd/journal/socket ]; then
	write_config 8s 1m 'log = journal'
	kill -HUP "$recorder"
	expect_message 'where there is no journal' 'cannot log to the journal'
	"$kflight" triggers --socket "$tmp/socket" >"$tmp/triggers" || fail 'no answer'
	expect_match 'the trigger is still as it was' 'runq>7s' "$tmp/triggers"
	! grep -q 'json -> journal' "$tmp/rec.err" || fail "a change that was not: $(cat "$tmp/rec.err")"
fi

"$kflight" snapshot --socket "$tmp/socket" --reason 'a test' >"$tmp/snapshot" || fail 'no snapshot'
jq -e --arg path "$(cat "$tmp/snapshot")" 'select(.path == $path) | .message_id == "bb975704f58342ee843ed08cf529708d"' \
	"$tmp/rec.err" >"$tmp/entry" || fail "no line of the snapshot in: $(cat "$tmp/rec.err")"
write_config 7s 1m 'log = text'
kill -HUP "$recorder"
wait_line 15 '^kflight: log: json -> text$' "$tmp/rec.err"
grep '^{' "$tmp/rec.err" >"$tmp/lines"
kill -TERM "$recorder"
exit_status 20 "$recorder" || fail "ended with $?: $(cat "$tmp/rec.err")"
expect_count 'ending' 'STOPPING=1' 1
jq -e '.time and .level and .message' "$tmp/lines" >"$tmp/entry" || fail "lines that are no JSON: $(cat "$tmp/rec.err")"

# Others than systemd: a newline when it records, then the end of the file.
mkfifo "$tmp/ready"
start cat "$tmp/ready" >"$tmp/newline"
reader=$pid
start "$kflight" record --duration 1s --window 2s,4mb --socket none -o "$tmp/out" --notify-fd 7 7>"$tmp/ready" \
	>"$tmp/rec.out" 2>"$tmp/rec.err"
exit_status 20 "$reader" || fail 'the descriptor stays open'
expect 'what came over the descriptor' '0a' "$(od -An -tx1 "$tmp/newline" | tr -d ' ')"
expect_match 'it records by then' '^kflight: recording' "$tmp/rec.err"
exit_status 20 "$pid" || fail "ended with $?: $(cat "$tmp/rec.err")"
"$kflight" record --duration 1s --socket none -o "$tmp/out" --notify-fd 9 9>&- 2>"$tmp/bad" && fail 'took a descriptor that is not open'
expect_match 'a descriptor that is not open' '--notify-fd 9: Bad file descriptor' "$tmp/bad"

# Whoever reads its output goes away: recording goes on.
mkfifo "$tmp/reader"
start head -c 1 "$tmp/reader" >"$tmp/head"
reader=$pid
start "$kflight" record --window 1s,4mb --socket none -o "$tmp/unread" >"$tmp/reader" 2>"$tmp/rec.err"
recorder=$pid
wait_recording "$recorder" "$tmp/rec.err"
# written N: so many snapshots are in the folder.
written() {
	[ "$(find "$tmp/unread" -name '*.kfl' | wc -l)" = "$1" ]
}
kill -USR1 "$recorder"
exit_status 20 "$reader"
for n in 2 3; do
	kill -USR1 "$recorder"
	until_true 20 written $n || fail "no snapshot $n without a reader; the recorder: $(cat "/proc/$recorder/comm" "$tmp/rec.err")"
done
kill -INT "$recorder"
exit_status 20 "$recorder" || fail "ended with $?: $(cat "$tmp/rec.err")"
