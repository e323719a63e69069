#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The latency middlewares of docs/examples, each in a server: a slow request leaves a snapshot that carries its trace.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command curl
need_command jq
need_command python3
need_go

control=$tmp/socket
trace=4bf92f3577b34da6a3ce929d0e0e473
span=00f067aa0ba902b7

# A port that is free now.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# ask PATH DIGIT: with a trace id that ends in DIGIT.
ask() {
	curl -sS --max-time 10 -H "traceparent: 00-$trace$2-$span-01" "http://127.0.0.1:$port$1" >"$tmp/answer" ||
		fail "$name: no answer to $1"
}

# try NAME COMM SERVER...: COMM is the name of its process; its log goes to $tmp/NAME.log.
try() {
	local name=$1 comm=$2 before

	shift 2
	start "$@" >"$tmp/$name.log" 2>&1
	wait_line 20 '^.*listening' "$tmp/$name.log"
	before=$(snapshots)
	ask / 1
	ask /slow 2
	wait_snapshots 20 $((before + 1))
	wait_line 10 "snapshot of GET /slow.*took 1[0-9][0-9]" "$tmp/$name.log"
	wait_line 10 '"path":"/' "$tmp/$name.log"
	"$kflight" info --json "$snapshot" >"$tmp/info" || fail "$name: info failed"
	expect "$name: trace and span" "${trace}2 $span" "$(jq -r '.trigger.requester | .trace_id + " " + .span_id' "$tmp/info")"
	expect "$name: who asked" "$pid $comm" "$(jq -r '.trigger.requester | "\(.pid) \(.comm)"' "$tmp/info")"
	jq -r .trigger.reason "$tmp/info" >"$tmp/reason"
	expect_match "$name: reason" '^GET /slow.* took 1[0-9][0-9] ?ms' "$tmp/reason"
	# Within the time of one: none more.
	ask /slow 3
	ask /slow 4
	[ "$(grep -c 'snapshot of' "$tmp/$name.log")" = 1 ] || fail "$name: asked again: $(cat "$tmp/$name.log")"
	expect "$name: snapshots" $((before + 1)) "$(snapshots)"
	kill "$pid"
}

(cd docs/examples/go && GOTOOLCHAIN=local "$go" build -o "$tmp/go-server" .) || fail "the Go example does not compile"
(cd docs/examples/c && ${CC:-cc} -Wall -Wextra -Werror -o "$tmp/c-server" server.c kflight_slow.c -lpthread) ||
	fail "the C example does not compile"

record --socket "$control" --window 2s,32mb
port=$(free_port)
try go go-server "$tmp/go-server" -listen "127.0.0.1:$port" -socket "$control"
port=$(free_port)
try python python3 python3 -B docs/examples/python/kflight_wsgi.py --port "$port" --socket "$control"
port=$(free_port)
try c c-server "$tmp/c-server" "$port" "$control"
stop_recorder

# Without a recorder the servers go on.
port=$(free_port)
name=go
start "$tmp/go-server" -listen "127.0.0.1:$port" -socket "$tmp/nobody"
until_true 10 curl -sS "http://127.0.0.1:$port/" || fail "no server"
ask /slow 1
expect_match 'answer without a recorder' slow "$tmp/answer"
port=$(free_port)
start "$tmp/c-server" "$port" "$tmp/nobody"
until_true 10 curl -sS "http://127.0.0.1:$port/" || fail "no server"
ask /slow 1
expect_match 'answer without a recorder' 'done' "$tmp/answer"
