# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# lib.sh - what every end-to-end test starts with.
#
# Gives a temporary folder $tmp that goes away, ends every process that was started with `start` (and only those), and
# waits for what it needs to see instead of sleeping. A line that begins with "figure: " is shown by the runner.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../../scripts/lib.sh
. "$root/scripts/lib.sh"
cd "$root" || exit

kflight=${KFLIGHT:-$root/build/kflight}
# shellcheck disable=SC2034 # for the tests
work=$root/build/workloads
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kflight-test.XXXXXX") || exit
started=()
mounted=()
# Everything that was recorded, for the Go readers: see keep().
kept=$root/build/e2e/traces
# shellcheck disable=SC2034 # for the tests
quick=${QUICK:-}

# Commands to run at the end, before processes are ended.
at_end=()

clean_up() {
	local status=$? pid mount command

	trap - EXIT
	for command in "${at_end[@]}"; do
		$command
	done
	for pid in "${started[@]}"; do
		is_gone "$pid" || kill -CONT "$pid"
		is_gone "$pid" || kill "$pid"
	done
	for pid in "${started[@]}"; do
		end_within 5 "$pid" || kill -9 "$pid"
	done
	for mount in "${mounted[@]}"; do
		umount "$mount"
	done
	if [ -n "${KEEP_TMP:-}" ]; then
		echo "kept: $tmp"
	else
		rm -rf "$tmp"
	fi
	exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

figure() {
	echo "figure: $*"
}

# expect WHAT WANTED GOT
expect() {
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# expect_match WHAT REGEX FILE
expect_match() {
	grep -qE -- "$2" "$3" || fail "$1: no line matches '$2' in: $(head -c 2000 "$3")"
}

# expect_true WHAT AWK-EXPRESSION: numbers that bash cannot compare.
expect_true() {
	[ "$(awk "BEGIN { print ($2) ? 1 : 0 }")" = 1 ] || fail "$1: not true: $2"
}

# until_true SECONDS COMMAND...: returns 1 when COMMAND did not succeed in time.
until_true() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.02
	done
}

# wait_line SECONDS REGEX FILE
wait_line() {
	until_true "$1" grep -qE -- "$2" "$3" || fail "no line '$2' within $1 s in: $(head -c 2000 "$3")"
}

# A pid may belong to somebody else already: only a child of this shell that is no zombie is not gone.
is_gone() {
	! grep -q "^PPid:.$$\$" "/proc/$1/status" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

end_within() {
	until_true "$1" is_gone "$2"
}

# start COMMAND...: in the background; its pid in $pid.
start() {
	"$@" &
	pid=$!
	started+=("$pid")
}

# exit_status SECONDS PID: of a process that was started and has to end by itself.
exit_status() {
	end_within "$1" "$2" || fail "process $2 did not end within $1 s"
	wait "$2"
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# Recording has to be possible here at all.
need_bpf() {
	need_root
	"$kflight" doctor >"$tmp/doctor" 2>&1
	[ $? != 3 ] || skip "this host refuses BPF: $(grep -m1 -iE 'missing|refused|not ' "$tmp/doctor")"
}

need_command() {
	has "$1" || skip "'$1' is not installed (scripts/setup test)"
}

need_go() {
	go=$(find_go) || skip "no Go >= 1.22 (scripts/setup test)"
	export GOFLAGS=-buildvcs=false
}

# go_helper NAME: builds tests/go/cmd/NAME into build/e2e/NAME.
go_helper() {
	need_go
	mkdir -p "$root/build/e2e"
	(cd "$root/tests/go" && GOTOOLCHAIN=auto "$go" build -o "$root/build/e2e/$1" "./cmd/$1") ||
		fail "cannot build tests/go/cmd/$1"
}

# record OPTIONS...: starts a recorder and returns when it records. Its pid in $recorder, its output in $tmp/rec.out and
# $tmp/rec.err, snapshots in $tmp/out. No control socket unless asked for: tests run beside a recorder of the host.
record() {
	local socket=(--socket none)

	mkdir -p "$tmp/out"
	case " $* " in *" --socket"*) socket=() ;; esac
	start "$kflight" record -o "$tmp/out" "${socket[@]}" "$@" >"$tmp/rec.out" 2>"$tmp/rec.err"
	recorder=$pid
	wait_recording "$recorder" "$tmp/rec.err"
}

wait_recording() {
	until_true 20 record_decided "$1" "$2"
	grep -q '^kflight: recording' "$2" || fail "the recorder did not start: $(cat "$2")"
}

record_decided() {
	grep -q '^kflight: recording' "$2" || is_gone "$1"
}

snapshots() {
	grep -cE '\.kfl$' "$tmp/rec.out"
}

has_snapshots() {
	[ "$(snapshots)" -ge "$1" ]
}

# wait_snapshots SECONDS COUNT; the last one's path in $snapshot.
wait_snapshots() {
	until_true "$1" has_snapshots "$2" ||
		fail "wanted $2 snapshots within $1 s, got $(snapshots): $(tail -c 1000 "$tmp/rec.err")"
	snapshot=$(grep -E '\.kfl$' "$tmp/rec.out" | tail -1)
	[ -s "$snapshot" ] || fail "'$snapshot' was announced but is not there"
}

# Asks the recorder for a snapshot by signal and waits for it.
request() {
	local before

	before=$(snapshots)
	kill -USR1 "$recorder"
	wait_snapshots 20 $((before + 1))
}

stop_recorder() {
	kill -INT "$recorder"
	exit_status 20 "$recorder" || fail "the recorder ended with status $?: $(tail -c 1000 "$tmp/rec.err")"
}

# keep NAME SNAPSHOT: its Go trace in $trace; both stay for the Go reader tests under NAME.
keep() {
	local name=$1

	mkdir -p "$kept"
	cp "$2" "$kept/$name.kfl"
	trace=$kept/$name.trace
	rm -f "$trace"
	"$kflight" export -f go "$2" -o "$trace" 2>"$tmp/export.err" || fail "export of '$2' failed"
}

# json_field NAME: the first field of that name in every line of standard input; numbers and strings without escapes.
json_field() {
	awk -v key="\"$1\":" '{
		at = index($0, key)
		if (!at)
			next
		rest = substr($0, at + length(key))
		sub(/^ *"?/, "", rest)
		sub(/[",}\]].*/, "", rest)
		print rest
	}'
}

# gaps_of TID: lines of NDJSON on standard input.
gaps_of() {
	grep "^{\"tid\": *$1,"
}

# The last CPU this process may use.
last_cpu() {
	sed -n 's/^Cpus_allowed_list:.*[^0-9]\([0-9]*\)$/\1/p' /proc/self/status
}

# What process $1 has loaded into the kernel: lines "prog ID" and "map ID".
bpf_of() {
	cat "/proc/$1"/fdinfo/* 2>/dev/null | sed -nE 's/^(prog|map)_id:\t([0-9]+)$/\1 \2/p' | sort -u
}

# still_loaded FILE: which of the lines of bpf_of in FILE are still there.
still_loaded() {
	local kind id bpftool

	bpftool=$(find_bpftool) || skip "no bpftool (scripts/setup build)"
	while read -r kind id; do
		"$bpftool" "$kind" show id "$id" 2>/dev/null
	done <"$1"
}
