#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Ground truth: every scenario of tests/e2e/truth, whose workloads know what they do to whom. One line each with the share
# of the victim's waiting that kflight puts on the right cause and kind; 95 % have to be right. A scenario is skipped only if
# this host lacks what it needs.
. "$(dirname "$0")/lib.sh"
need_bpf
go_helper blame
go_helper spin
export HAVE_BLAME=1

failed=
for scenario in "$root"/tests/e2e/truth/*.sh; do
	name=$(basename "$scenario" .sh)
	[ "$name" != lib ] || continue
	bash "$scenario" </dev/null
	case $? in
	0) ;;
	77) figure "$name: skipped, see above" ;;
	*) failed="$failed $name" ;;
	esac
done
[ -z "$failed" ] || fail "wrong or unknown causes in:$failed"
