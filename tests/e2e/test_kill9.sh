#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kill -9 of the recorder under load: nothing of it stays in the kernel, and the host goes on.
. "$(dirname "$0")/lib.sh"
need_bpf

start "$work/churn" threads -s 60
load=$pid
record --trigger 'runq>10m' --trigger 'futex>10m' --window 5s,64mb
bpf_of "$recorder" >"$tmp/loaded"
n_loaded=$(wc -l <"$tmp/loaded")
[ "$n_loaded" -ge 8 ] || fail "the recorder has only $n_loaded programs and maps: $(cat "$tmp/loaded")"
expect 'loaded before' "$n_loaded" "$(still_loaded "$tmp/loaded" | grep -c '^[0-9]*:')"
kill -9 "$recorder"
end_within 10 "$recorder" || fail "the recorder survived"
all_gone() {
	[ -z "$(still_loaded "$tmp/loaded")" ]
}
until_true 10 all_gone || fail "still loaded: $(still_loaded "$tmp/loaded")"
is_gone "$load" && fail "the load ended"
figure "kill -9: all $n_loaded programs and maps are gone"
