#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Go's own reader, of every release since 1.22, accepts every trace that the other tests wrote; whole and cut.
. "$(dirname "$0")/lib.sh"
need_go
shopt -s nullglob

[ -z "$quick" ] || export KF_GO_RELEASES='1.22.12 1.27.4'
export GO=$go
toolchains=tests/go/toolchains

traces=("$kept"/*.trace)
cut=0
for file in "$kept"/*.kfl tests/data/*.kfl; do
	name=$(basename "$file" .kfl)
	"$kflight" export -f go --last 300ms "$file" -o "$tmp/$name-last.trace" || fail "'$name' cannot be cut"
	traces+=("$tmp/$name-last.trace")
	cut=$((cut + 1))
done
[ ${#traces[@]} -gt 0 ] || skip "no traces: run the other tests first"

printf '%s\0' "${traces[@]}" | xargs -0 -P "$(nproc)" -n 1 $toolchains >"$tmp/read" 2>&1
status=$?
grep -q 'cannot get go' "$tmp/read" && skip "$(grep -m1 'cannot get go' "$tmp/read")"
releases=$(sed -n 's/^\(go1[0-9.]*\):.*/\1/p' "$tmp/read" | sort -uV | tr '\n' ' ')
figure "${#traces[@]} traces ($cut of them cut) with $releases"
[ $status = 0 ] || fail "$(grep -v ': fine$' "$tmp/read")"

# Other format versions of one trace, for the readers that know them.
file=$(find "$kept" tests/data -name '*.kfl' -printf '%s %p\n' | sort -n | head -1 | cut -d' ' -f2-)
for version in 1.23 1.25 1.26; do
	"$kflight" export -f go --go-version $version "$file" -o "$tmp/$version.trace" || fail "--go-version $version"
done
KF_GO_RELEASES=1.27.4 $toolchains "$tmp"/1.2?.trace >"$tmp/read" 2>&1 || fail "$(cat "$tmp/read")"
[ -n "$quick" ] || $toolchains "$tmp"/1.2?.trace >"$tmp/read" 2>&1 || fail "$(cat "$tmp/read")"
