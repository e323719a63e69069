#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kflight check and run --check: each of the five exit states, on stored recordings and on the live kernel.
. "$(dirname "$0")/lib.sh"
need_command jq

data=$root/tests/data

# verdict WANTED-STATUS WHAT ARGUMENTS...: kflight check; output in $tmp/stdout, $tmp/stderr.
verdict() {
	local wanted=$1 what=$2 status

	shift 2
	"$kflight" check "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	[ $status = "$wanted" ] ||
		fail "$what: wanted status $wanted, got $status: $(cat "$tmp/stdout" "$tmp/stderr")"
}

# one_line WHAT REGEX: the error is one line, with at most a hint and the place under it.
one_line() {
	expect_match "$1" "^kflight: error: .*$2" "$tmp/stderr"
	expect "$1: lines of error" 1 "$(grep -c '^kflight: error: ' "$tmp/stderr")"
	[ ! -s "$tmp/stdout" ] || fail "$1: an answer in spite of the error: $(cat "$tmp/stdout")"
}

# 0: the victim's worst gap is 13.6 ms.
verdict 0 'nothing is wrong' "$data/demo.kfl" 'max(runq) of victim > 50ms' 'total(runq) of victim > 50%'
expect_match 'nothing is wrong' '^ok: 2 expressions$' "$tmp/stdout"

# 1: by expression, by finding, and in spite of something that is not known.
verdict 1 'a violation' "$data/demo.kfl" 'p99.9(runq) of victim > 2ms'
expect_match 'a violation' '^FAIL: 1 violation$' "$tmp/stdout"
expect_match 'the culprit' 'victim/[0-9]* waited 13\.6 ms .* hog/[0-9]* \(100 %\)' "$tmp/stdout"
verdict 1 'a finding' "$data/demo.kfl"
expect_match 'a finding' 'ERROR +RunQueueLatency' "$tmp/stdout"
verdict 1 'several rules about a wait' "$data/pipes.kfl"
expect_match 'several rules about a wait' '^  and [0-9]+ more about the same waits \(--json tells them\)$' "$tmp/stdout"
told=$(grep -cE '^  (ERROR|WARN|INFO) ' "$tmp/stdout")
more=$(sed -n 's/^  and \([0-9]*\) more about.*/\1/p' "$tmp/stdout")
expect 'findings that are told, or counted' "FAIL: $((told + more)) findings" "$(head -1 "$tmp/stdout")"
verdict 1 'a violation beside an unknown' "$data/demo.kfl" 'max(runq) of nobody > 1ms' 'max(runq) of victim > 2ms'
verdict 1 'a violation in a window too short' "$data/demo.kfl" --window-min 1h 'max(runq) of victim > 2ms'
verdict 1 'a long wait in futex' "$data/waits-mutex.kfl" 'futex of waits > 20ms'
verdict 0 'a longer one' "$data/waits-mutex.kfl" 'futex of waits > 2s' 'syscall:fsync of waits > 1ms'

# 2: bad usage and bad input, one line each.
verdict 2 'an unknown name' "$data/demo.kfl" 'max(rung) > 2ms'
one_line 'an unknown name' "column 5: unknown kind 'rung', did you mean 'runq'\?"
expect_match 'the place' '^      \^$' "$tmp/stderr"
verdict 2 'a missing unit' "$data/demo.kfl" 'max(runq) > 2'
one_line 'a missing unit' 'the unit is missing'
verdict 2 'a percentile out of range' "$data/demo.kfl" 'p101(runq) > 2ms'
one_line 'a percentile out of range' "'p101' is out of range"
verdict 2 'an unknown rule' "$data/demo.kfl" --rule RunQueLatency=5ms
one_line 'an unknown rule' "did you mean 'RunQueueLatency'\?"
verdict 2 'an unknown severity' "$data/demo.kfl" --fail-on eror
one_line 'an unknown severity' "did you mean 'error'\?"
verdict 2 'no file' "$tmp/none.kfl" 'runq > 1ms'
one_line 'no file' "none\.kfl'"
head -c 1000 "$data/demo.kfl" >"$tmp/half.kfl"
verdict 2 'half a file' "$tmp/half.kfl" 'runq > 1ms'
one_line 'half a file' "half\.kfl'"
printf 'runq > 1h # fine\n\nrule ForkStorm=off\nmax(futex) > 5\n' >"$tmp/rules"
verdict 2 'a bad rules file' "$data/demo.kfl" --file "$tmp/rules"
one_line 'a bad rules file' "rules '.*/rules', line 4: expression 'max\(futex\) > 5', column 14"

# 4: what the window cannot tell never passes.
verdict 4 'nobody of that name' "$data/demo.kfl" 'max(runq) of nginx > 2ms'
expect_match 'nobody of that name' "^INCOMPLETE" "$tmp/stdout"
expect_match 'nobody of that name' "no thread or process named 'nginx' is in the window" "$tmp/stdout"
verdict 4 'a misspelt name' "$data/demo.kfl" 'max(runq) of vicitm > 2ms'
expect_match 'a misspelt name' "named 'vicitm' is in the window, did you mean 'victim'\?" "$tmp/stdout"
verdict 4 'a window too short' "$data/demo.kfl" --window-min 2s 'max(runq) of victim > 50ms'
expect_match 'a window too short' 'the window holds 1\.20 s, less than 2\.00 s' "$tmp/stdout"
verdict 4 'a wait that has not ended' "$data/pipes.kfl" 'max(runq) of hackbench > 500ms'
verdict 4 'syscalls that were not recorded' "$data/demo.kfl" 'max(syscall) of victim > 10s'
expect_match 'syscalls that were not recorded' '--syscalls slow' "$tmp/stdout"
verdict 4 'quotas that were not recorded' "$data/demo.kfl" 'total(throttled) > 1%'

# The same as JSON and as JUnit XML.
printf '# all of it\nmax(runq) of victim > 2ms\nmax(runq) of nginx > 2ms\nrule Preempted=off\n' >"$tmp/rules"
verdict 1 'a rules file' "$data/demo.kfl" --file "$tmp/rules" --json --junit "$tmp/junit.xml" --fail-on error
expect 'verdict as JSON' 'fail 1 fail unknown ERROR' \
	"$(jq -r '[.verdict, .status, .expressions[].verdict, .findings[0].severity] | join(" ")' "$tmp/stdout")"
expect_match 'a failure in JUnit' '<failure type="violation" message="13\.6 ms, which is &gt; 2\.00 ms">' "$tmp/junit.xml"
expect_match 'an error in JUnit' '<error type="incomplete"' "$tmp/junit.xml"
expect_match 'a rule that is off in JUnit' '<skipped/>' "$tmp/junit.xml"
if has python3; then
	python3 - "$tmp/junit.xml" <<-'PY' || fail "the JUnit file is no XML, or its sums are wrong: $(head -c 2000 "$tmp/junit.xml")"
		import sys, xml.etree.ElementTree as tree
		suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
		for name, element in (("tests", "testcase"), ("failures", "testcase[failure]"), ("errors", "testcase[error]"), ("skipped", "testcase[skipped]")):
		    assert int(suite.get(name)) == len(suite.findall(element)), name
	PY
fi
verdict 3 'a full disk' "$data/demo.kfl" 'runq of victim > 1h' --junit /dev/full

need_bpf
mkdir "$tmp/out"

# checked WANTED-STATUS WHAT ARGUMENTS...: kflight run; the verdict is in $tmp/stderr.
checked() {
	local wanted=$1 what=$2 status

	shift 2
	"$kflight" run -o "$tmp/out" "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	[ $status = "$wanted" ] || fail "$what: wanted status $wanted, got $status: $(cat "$tmp/stderr")"
}

checked 0 'a run in which nothing is wrong' --check 'max(block) > 1h' --as-seen -- sh -c 'sleep 0.2; echo said'
expect_match "the command's own output" '^said$' "$tmp/stdout"
expect_match 'the verdict' '^ok: 1 expression$' "$tmp/stderr"
checked 1 'a run with a violation' --check 'max(block) > 100ms' -- sleep 0.2
expect_match 'the verdict' '^FAIL: 1 violation$' "$tmp/stderr"
expect_match 'what it slept in' 'sleep/[0-9]* waited .* in clock_nanosleep' "$tmp/stderr"
checked 1 'a lock held too long' --check 'futex > 20ms' -- "$work/waits" mutex -w 40 -n 5
checked 1 'a slow syscall' --check 'syscall:clock_nanosleep > 100ms' --check 'runq > 1h' -- sleep 0.2
checked 7 "the command's own status" --check 'max(block) > 100ms' -- sh -c 'sleep 0.2; exit 7'
expect_match 'the verdict nevertheless' '^FAIL: 1 violation$' "$tmp/stderr"
checked 4 'a window shorter than the run' --check 'runq > 1h' --window 100ms -- sleep 0.5
expect_match 'a window shorter than the run' 'the window holds the last 100 ms, and not the first' "$tmp/stderr"
checked 2 'a bad expression' --check 'max(rung) > 1ms' -- touch "$tmp/ran"
[ ! -e "$tmp/ran" ] || fail 'the command ran in spite of a bad expression'
checked 1 'a verdict with triggers' --trigger 'block>1h' --check 'max(block) > 100ms' -- sleep 0.2

# 3: without the rights. The files of the build may be out of reach for others.
need_command setpriv
cp "$kflight" "$tmp/kflight" && chmod 755 "$tmp" "$tmp/kflight"
(cd / && setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/kflight" run -o /tmp --check 'runq > 1h' -- true) \
	>"$tmp/stdout" 2>"$tmp/stderr"
expect 'without rights' 3 $?
