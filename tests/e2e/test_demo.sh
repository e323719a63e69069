#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The demo, as a user runs it: in some folder, twice; and where BPF is refused, with the stored recording.
. "$(dirname "$0")/lib.sh"
need_bpf

cd "$tmp" || exit
# On a busy host somebody else may make the victim wait before the hog does: that answer is right, too.
for _ in 1 2 3; do
	"$root/scripts/demo" >out 2>err || fail "the demo ended with status $?: $(tail -5 err)"
	grep -qE '^runq > .* hog/[0-9]+ \((SCHED_FIFO 2, )?(9[5-9]|100) %\)' out && break
	head -2 out
done
expect_match 'the hog is the culprit' 'victim.* waited .* hog/[0-9]+ \((SCHED_FIFO 2, )?(9[5-9]|100) %\)' out
expect_match 'how to open it' 'go tool trace demo.trace' out
expect_match 'the comparison' 'victim itself measured' out
for file in demo.kfl demo.trace; do
	[ -s $file ] || fail "$file is missing"
done
figure "$(grep 'victim itself measured' out)"
cp demo.kfl first.kfl
keep demo "$tmp/first.kfl"

if has setpriv; then
	rm demo.kfl demo.trace
	setpriv --bounding-set=-bpf,-perfmon,-sys_admin --inh-caps=-bpf,-perfmon,-sys_admin \
		"$root/scripts/demo" >out 2>err || fail "the demo without BPF ended with status $?: $(tail -5 err)"
	expect_match 'said to be stored' 'STORED recording' out
	expect_match 'the stored answer' 'waited .* to run' out
	for file in demo.kfl demo.trace; do
		[ -s $file ] || fail "$file of the stored recording is missing"
	done
fi
