#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad input: one line that says what, which and why, a hint, the right exit status, and nothing left behind.
. "$(dirname "$0")/lib.sh"
need_root
need_command setpriv
need_command unshare

bad=0
# refuses NAME STATUS REGEX COMMAND... (STATUS is a regular expression, too): in one line "kflight: error: ..." that fits REGEX.
refuses() {
	local name=$1 status=$2 regex=$3 got errors

	shift 3
	timeout 20 "$@" >"$tmp/stdout" 2>"$tmp/stderr" </dev/null
	got=$?
	errors=$(grep -c '^kflight: error: ' "$tmp/stderr")
	if ! [[ $got =~ ^$status$ ]]; then
		echo "FAILED: $name: exit status $got instead of $status: $(head -c 600 "$tmp/stderr")"
		bad=1
	elif [ "$errors" != 1 ]; then
		echo "FAILED: $name: $errors error lines: $(head -c 600 "$tmp/stderr")"
		bad=1
	elif ! grep '^kflight: error: ' "$tmp/stderr" | grep -qE -- "$regex"; then
		echo "FAILED: $name: no '$regex' in: $(head -c 600 "$tmp/stderr")"
		bad=1
	else
		echo "$name: $(grep '^kflight: error: ' "$tmp/stderr")"
	fi
	if [ -d "$tmp/out" ] && [ -n "$(ls -A "$tmp/out")" ]; then
		echo "FAILED: $name: left behind: $(ls -A "$tmp/out")"
		bad=1
	fi
}

hinted() {
	grep -q '^kflight: hint: .' "$tmp/stderr" || grep -q 'did you mean' "$tmp/stderr" || {
		echo "FAILED: no hint: $(cat "$tmp/stderr")"
		bad=1
	}
}

without_btf() {
	cat >"$tmp/no-btf" <<-END
		mount -t tmpfs none /sys/kernel/btf && exec "\$@"
	END
	refuses 'no BTF' 3 'BTF' unshare -m sh "$tmp/no-btf" "${rec[@]}"
	hinted
}

# No tracefs and no debugfs: nothing is missed.
without_tracefs() {
	cat >"$tmp/no-tracefs" <<-END
		mount -t tmpfs none /sys/kernel/debug 2>/dev/null
		mount -t tmpfs none /sys/kernel/tracing 2>/dev/null
		exec "\$@"
	END
	if ! unshare -m sh "$tmp/no-tracefs" "$kflight" record --socket none -o "$tmp/out" --duration 300ms \
		>"$tmp/stdout" 2>"$tmp/stderr" || [ -z "$(ls "$tmp/out")" ]; then
		echo "FAILED: without tracefs: $(cat "$tmp/stderr")"
		bad=1
	fi
	rm -f "$tmp/out"/*
}

mkdir "$tmp/out"
rec=("$kflight" record --socket none -o "$tmp/out" --duration 1s)
refuses 'no such verb' 2 "'recrod'.*did you mean 'record'" "$kflight" recrod
refuses 'no such option' 2 'triger' "${rec[@]}" --triger 'runq>5ms'
hinted
refuses 'unit missing' 2 "'runq>5'|unit" "${rec[@]}" --trigger 'runq>5'
hinted
refuses 'misspelt kind' 2 "'?rnq" "${rec[@]}" --trigger 'rnq>5ms'
hinted
refuses 'no comparison' 2 'runq' "${rec[@]}" --trigger 'runq'
refuses 'unknown syscall' 2 'raed' "${rec[@]}" --trigger 'syscall:raed>5ms'
hinted
refuses 'bad window' 2 'window|10' "${rec[@]}" --window 10
refuses 'bad duration' 2 '5x' "$kflight" record --socket none -o "$tmp/out" --duration 5x
refuses 'no time' 2 "duration: '0s' is nothing" "$kflight" record --socket none -o "$tmp/out" --duration 0s
hinted
refuses 'no time to measure' 2 "time: '0s' is nothing" "$kflight" bench --time 0s
hinted
refuses 'no snapshot' 2 "count: '0' is nothing" "$kflight" run -o "$tmp/out" --trigger 'runq>5ms' --count 0 -- true
hinted
refuses 'help for no such verb' 2 "'recrod'.*did you mean 'record'" "$kflight" help recrod
expect 'help for a verb' "$("$kflight" diff --help)" "$("$kflight" help diff)"
refuses 'unknown PID' 2 '32769|999999' "${rec[@]}" -p 999999
hinted
refuses 'PID is no number' 2 'abc' "${rec[@]}" -p abc
refuses 'unknown TID' 2 '999999' "${rec[@]}" -t 999999
refuses 'no such cgroup' '[23]' 'nowhere|no cgroup2' "${rec[@]}" --cgroup /nowhere
refuses 'bad syscall mode' 2 'some' "${rec[@]}" --syscalls some
refuses 'run without a command' 2 '.' "$kflight" run -o "$tmp/out"

"$kflight" doctor >"$tmp/doctor" 2>&1
if [ $? != 3 ]; then
	refuses 'window larger than memory' '[23]' 'memory|window' "${rec[@]}" --window 100000g
	hinted
	touch "$tmp/file"
	refuses 'output is a file' 2 "'$tmp/file'" "$kflight" record --socket none -o "$tmp/file" --duration 1s
	refuses 'output cannot be made' '[23]' "'/proc/nowhere'" "$kflight" record --socket none -o /proc/nowhere --duration 1s
	cp "$kflight" "$tmp/kflight"
	chmod 711 "$tmp"
	refuses 'not root' 3 'root|permi|CAP' setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/kflight" record \
		--socket none --duration 1s
	hinted
	refuses 'no BPF rights' 3 'CAP|permi|root' setpriv --bounding-set=-bpf,-perfmon,-sys_admin \
		--inh-caps=-bpf,-perfmon,-sys_admin "${rec[@]}"
	hinted
	# In a chroot that is no mount point a private mount namespace cannot be had.
	if unshare -m true 2>/dev/null; then
		without_btf
		without_tracefs
	else
		figure 'no BTF, no tracefs: left out, a private mount namespace is refused here'
	fi
	"$kflight" record --socket none -o "$tmp/out" --duration 300ms >"$tmp/stdout" 2>"$tmp/stderr" ||
		fail "cannot record: $(cat "$tmp/stderr")"
	good=$(ls "$tmp/out"/*.kfl)
	mv "$good" "$tmp/good.kfl"
else
	cp tests/data/demo.kfl "$tmp/good.kfl"
fi

: >"$tmp/empty.kfl"
head -c 5000 /dev/urandom >"$tmp/foreign.kfl"
for verb in report info 'export -f go' 'export -f ndjson'; do
	# shellcheck disable=SC2086 # a verb and its options
	{
		refuses "$verb: not there" 2 'nowhere.kfl' "$kflight" $verb "$tmp/nowhere.kfl"
		refuses "$verb: empty" 2 'empty.kfl' "$kflight" $verb "$tmp/empty.kfl"
		refuses "$verb: foreign" 2 'foreign.kfl' "$kflight" $verb "$tmp/foreign.kfl"
		refuses "$verb: folder" 2 "$tmp" "$kflight" $verb "$tmp"
	}
done

# Cut anywhere: always an error, never a crash, never half a trace.
size=$(stat -c %s "$tmp/good.kfl")
cuts=$(awk -v size="$size" 'BEGIN { for (i = 0; i < 40; i++) print int(size * i / 40); for (i = 1; i <= 20; i++) print size - i; print 1; print 15; print 100 }')
for cut in $cuts; do
	head -c "$cut" "$tmp/good.kfl" >"$tmp/cut.kfl"
	refuses "cut at $cut" 2 'cut.kfl' "$kflight" export -f go "$tmp/cut.kfl" -o "$tmp/cut.trace"
	[ ! -e "$tmp/cut.trace" ] || { echo "FAILED: cut at $cut: a trace was left" && bad=1; }
done
# One byte changed: an error, or what it says is still read; no crash.
bytes=$(awk -v size="$size" 'BEGIN { srand(3); for (i = 0; i < 60; i++) print int(rand() * size) }')
for at in $bytes; do
	cp "$tmp/good.kfl" "$tmp/bent.kfl"
	printf '\377' | dd of="$tmp/bent.kfl" bs=1 seek="$at" conv=notrunc 2>/dev/null
	"$kflight" report "$tmp/bent.kfl" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	[ $status = 0 ] || [ $status = 2 ] || { echo "FAILED: byte $at changed: status $status" && bad=1; }
done
[ $bad = 0 ] || fail "see above"
