#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# --keep deletes the oldest snapshots of kflight's own, also those of earlier runs, and nothing else.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command python3
: >"$tmp/probe"
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.kflight", b"x")' "$tmp/probe" 2>"$tmp/python.err" ||
	skip "'$tmp' takes no extended attributes: $(tail -1 "$tmp/python.err")"

out=$tmp/out
mkdir "$out"

# files: what is there, but for what is in $tmp/foreign.
own() {
	find "$out" -mindepth 1 -printf '%f\n' | sort | comm -23 - "$tmp/foreign"
}

check_foreign() {
	local name

	while read -r name; do
		[ -e "$out/$name" ] || [ -L "$out/$name" ] || fail "'$name' was deleted"
	done <"$tmp/foreign"
}

echo "- half files of recorders that were killed go at the start, those of living ones stay"
: >"$out/.kflight-tmp-dead"
: >"$out/.kflight-tmp-living"
start flock --no-fork "$out/.kflight-tmp-living" sleep 1000
until_true 5 bash -c "! flock -n '$out/.kflight-tmp-living' true" || fail "no lock"

: >"$tmp/foreign"
record --window 1s,4mb --keep 2
expect 'after the start' .kflight-tmp-living "$(own)"
echo .kflight-tmp-living >"$tmp/foreign"

request
first=$snapshot
cp -a "$first" "$out/kflight-20200101T000000Z-copy.kfl"
cp "$first" "$out/kflight-20200101T000000Z-plain.kfl"
echo mine >"${first%.kfl}.trace"
ln -s "$first" "$out/kflight-20200101T000001Z-link.kfl"
mkdir "$out/kflight-20200101T000002Z-dir.kfl"
request
mv "$snapshot" "$out/renamed.kfl"
find "$out" -mindepth 1 -printf '%f\n' | grep -vxF "$(basename "$first")" | sort >"$tmp/foreign"

for _ in 1 2 3 4; do
	request
done
own
expect 'kept' 2 "$(own | wc -l)"
check_foreign
[ -e "$first" ] && fail "the oldest is still there"
expect 'the newest' "$(basename "$snapshot")" "$(own | tail -1)"
expect_match 'told' 'deleted 1 old snapshot, ' "$tmp/rec.err"
stop_recorder

echo "- after a restart"
before=$(own)
: >"$tmp/rec.out"
record --window 1s,4mb --keep 2
request
expect 'kept' 2 "$(own | wc -l)"
expect 'of before' 1 "$(own | grep -cxF "$before")"
check_foreign
stop_recorder

echo "- by size"
: >"$tmp/rec.out"
record --window 1s,4mb --keep 1k
request
expect 'kept' "$(basename "$snapshot")" "$(own)"
stop_recorder

echo "- with what was converted"
: >"$tmp/rec.out"
record --window 1s,4mb --keep 2 --convert go,html
for _ in 1 2 3; do
	request
	until_true 30 test -e "${snapshot%.kfl}.html" || fail "no page: $(cat "$tmp/rec.err")"
done
expect 'kept' 6 "$(own | wc -l)"
expect 'stems' 2 "$(own | sed 's/\.[a-z]*$//' | sort -u | wc -l)"
check_foreign
stop_recorder

echo "- a file system without marks is refused"
mkdir "$tmp/ramfs"
if mount -t ramfs none "$tmp/ramfs" 2>/dev/null; then
	mounted+=("$tmp/ramfs")
	"$kflight" record --socket none --duration 100ms -o "$tmp/ramfs" --keep 3 >"$tmp/ramfs.out" 2>&1
	expect 'status' 2 $?
	expect_match 'why' 'extended attribute' "$tmp/ramfs.out"
	"$kflight" record --socket none --duration 100ms -o "$tmp/ramfs" >"$tmp/ramfs.out" 2>&1 ||
		fail "without --keep: $(cat "$tmp/ramfs.out")"
fi
exit 0
