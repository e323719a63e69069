#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kflight diff: a lock held longer is found, the other way round is not, and what cannot be compared is refused.
. "$(dirname "$0")/lib.sh"
need_command jq

data=$root/tests/data

# compared WANTED-STATUS WHAT ARGUMENTS...: kflight diff; output in $tmp/stdout, $tmp/stderr.
compared() {
	local wanted=$1 what=$2 status

	shift 2
	"$kflight" diff "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	[ $status = "$wanted" ] ||
		fail "$what: wanted status $wanted, got $status: $(cat "$tmp/stdout" "$tmp/stderr")"
}

refused() {
	expect_match "$1" "^kflight: error: .*$2" "$tmp/stderr"
	expect "$1: lines of error" 1 "$(grep -c '^kflight: error: ' "$tmp/stderr")"
}

compared 0 'a window and itself' "$data/demo.kfl" "$data/demo.kfl"
expect_match 'a window and itself' '^ok: of [0-9]* kinds of wait none got worse' "$tmp/stdout"
compared 0 'one long wait, and threads of the kernel' "$data/demo.kfl" "$data/pipes.kfl"
expect_match 'one long wait' '^few +kflight +runq .* 8\.87 ms' "$tmp/stdout"
expect_match 'threads of the kernel' '^kernel +ksoftirqd/0 +runq ' "$tmp/stdout"
compared 1 'threads of the kernel by name' --comm 'ksoftirqd*' "$data/demo.kfl" "$data/pipes.kfl"
expect_match 'threads of the kernel by name' '^WORSE +ksoftirqd/0 +runq ' "$tmp/stdout"
compared 4 'no process in both' --comm 'nginx*' "$data/demo.kfl" "$data/demo.kfl"
expect_match 'no process in both' '^INCOMPLETE: ' "$tmp/stdout"
compared 2 'a window too short' --window-min 10s "$data/demo.kfl" "$data/demo.kfl"
refused 'a window too short' "demo\.kfl' holds 1\.20 s, less than 10\.0 s"
compared 2 'syscalls without records' --waits syscall "$data/demo.kfl" "$data/waits-mutex.kfl"
refused 'syscalls without records' 'recorded with --syscalls blocking and slow'
compared 2 'a bad ratio' --ratio 0.5 "$data/demo.kfl" "$data/demo.kfl"
refused 'a bad ratio' "bad --ratio '0\.5'"
compared 2 'a bad kind' --waits futx "$data/demo.kfl" "$data/demo.kfl"
refused 'a bad kind' "did you mean 'futex'\?"
compared 2 'no file' "$data/demo.kfl" "$tmp/none.kfl"
refused 'no file' "none\.kfl'"

need_bpf

# recorded NAME COMMAND...: its snapshot becomes $tmp/NAME.kfl.
recorded() {
	local name=$1

	shift
	mkdir "$tmp/$name"
	"$kflight" run -o "$tmp/$name" --window 5s,32mb -- "$@" >/dev/null 2>"$tmp/stderr" ||
		fail "recording $name failed: $(cat "$tmp/stderr")"
	mv "$tmp/$name"/*.kfl "$tmp/$name.kfl"
}

# PIDs differ, the name is the same; the lock is held 100 ms instead of 10, twelve times.
recorded before "$work/waits" mutex -w 10 -n 20
recorded after "$work/waits" mutex -w 100 -n 12
compared 1 'a lock held longer' --comm waits --waits futex --json "$tmp/before.kfl" "$tmp/after.kfl"
row='.rows[] | select(.wait == "futex")'
expect 'the verdict' fail "$(jq -r "$row | .verdict" "$tmp/stdout")"
p99=$(jq -r "$row | \"\(.a.p99_ns) \(.b.p99_ns)\"" "$tmp/stdout")
figure "p99 of futex waits, ns: $p99"
expect_true 'p99 before, in ms' "${p99% *} / 1e6 > 5 && ${p99% *} / 1e6 < 60"
expect_true 'p99 after, in ms' "${p99#* } / 1e6 > 60"
compared 1 'the same for people' --comm waits --waits futex "$tmp/before.kfl" "$tmp/after.kfl"
expect_match 'the row' '^WORSE +waits +futex ' "$tmp/stdout"
compared 0 'a higher floor' --comm waits --waits futex --floor 10s "$tmp/before.kfl" "$tmp/after.kfl"

compared 2 'another host' "$data/demo.kfl" "$tmp/after.kfl"
refused 'another host' "hosts '.*' and '.*'"
compared 4 'another host, by force, but no process in both' --force --comm waits "$data/demo.kfl" "$tmp/after.kfl"
