#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Go's own reader, of every release since 1.22, accepts every trace that the other tests wrote; whole and cut.
. "$(dirname "$0")/lib.sh"
need_go
shopt -s nullglob

releases='go1.22.12 go1.23.12 go1.24.13 go1.25.14 go1.26.11 go1.27.4'
[ -z "$quick" ] || releases='go1.22.12 go1.27.4'

traces=("$kept"/*.trace)
cut=0
for file in "$kept"/*.kfl tests/data/*.kfl; do
	name=$(basename "$file" .kfl)
	"$kflight" export -f go --last 300ms "$file" -o "$tmp/$name-last.trace" 2>"$tmp/export" || fail "'$name' cannot be cut: $(cat "$tmp/export")"
	traces+=("$tmp/$name-last.trace")
	cut=$((cut + 1))
done
[ ${#traces[@]} -gt 0 ] || skip "no traces: run the other tests first"

# One job: RELEASE FILE. Up to 1.23 the option has another name.
read_one() {
	local option=-d=parsed

	case $1 in go1.22* | go1.23*) option=-d=1 ;; esac
	GOTOOLCHAIN=$1 "$go" tool trace $option "$2" >/dev/null 2>"$tmp/error.$1.$(basename "$2")" ||
		echo "$1 refuses $(basename "$2"): $(head -c 300 "$tmp/error.$1.$(basename "$2")")"
}
export -f read_one
export go tmp

for release in $releases; do
	GOTOOLCHAIN=$release "$go" version >"$tmp/version" 2>&1 ||
		skip "cannot get $release: $(tail -1 "$tmp/version")"
done
for release in $releases; do
	printf "$release %s\n" "${traces[@]}"
done | xargs -P "$(nproc)" -L 1 bash -c 'read_one "$@"' read_one >"$tmp/refused" 2>&1
figure "${#traces[@]} traces ($cut of them cut) with: $releases"
[ ! -s "$tmp/refused" ] || fail "$(cat "$tmp/refused")"

# Other format versions of one trace, for the readers that know them.
file=$(find "$kept" tests/data -name '*.kfl' -printf '%s %p\n' | sort -n | head -1 | cut -d' ' -f2-)
for pair in 1.23:go1.23.12 1.25:go1.25.14 1.26:go1.26.11; do
	"$kflight" export -f go --go-version "${pair%:*}" "$file" -o "$tmp/v.trace" || fail "--go-version ${pair%:*}"
	read_one "${pair#*:}" "$tmp/v.trace" >"$tmp/refused"
	[ ! -s "$tmp/refused" ] || fail "--go-version ${pair%:*}: $(cat "$tmp/refused")"
	rm "$tmp/v.trace"
done
