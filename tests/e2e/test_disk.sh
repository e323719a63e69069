#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What can happen to the folder loses a snapshot, not the recorder: full, read-only, removed, replaced, below its floor. No half
# file is ever visible. And folders in which others could write are refused.
. "$(dirname "$0")/lib.sh"
need_bpf
need_command python3

out=$tmp/out

told() {
	grep -cE "$1" "$tmp/rec.err"
}

told_more() {
	[ "$(told "$1")" -gt "$2" ]
}

# lost REGEX: asks for a snapshot that cannot be written.
lost() {
	local before

	before=$(told "$1")
	kill -USR1 "$recorder"
	until_true 20 told_more "$1" "$before" || fail "not told '$1': $(cat "$tmp/rec.err")"
	is_gone "$recorder" && fail "the recorder ended: $(cat "$tmp/rec.err")"
	grep -E "$1" "$tmp/rec.err" | tail -1
}

# written: asks for one that can.
written() {
	request
	"$kflight" info "$snapshot" >/dev/null || fail "the snapshot after that cannot be read"
}

mkdir "$out"
mount -t tmpfs -o size=1m none "$out" 2>/dev/null || skip "cannot mount a tmpfs"
mounted+=("$out")
start "$work/churn" threads -s 60
record --window 5s,32mb
sleep 2 # lets the window grow beyond the disk

echo "- full"
dd if=/dev/zero of="$out/filler" bs=1k count=900 2>/dev/null
lost '[Nn]o space'
for _ in 1 2 3; do
	kill -USR1 "$recorder"
	sleep 0.5
done
expect 'the same reason is told once a minute' 1 "$(told '[Nn]o space')"
expect 'files' filler "$(ls -A "$out")"
rm "$out/filler"
mount -o remount,size=200m "$out"
written

echo "- read-only"
mount -o remount,ro "$out"
lost 'Read-only file system'
mount -o remount,rw "$out"
written
expect 'half files' '' "$(find "$out" -name '.*' -type f)"

echo "- unmounted: what the path leads to now"
umount -l "$out" || fail "cannot unmount"
mounted=()
written
expect 'files' 1 "$(find "$out" -name '*.kfl' | wc -l)"
grep -E 'is another one now' "$tmp/rec.err" || fail "not told: $(cat "$tmp/rec.err")"

echo "- removed"
rm -r "$out"
written
expect 'mode' 700 "$(stat -c %a "$out")"

echo "- a file in its place"
mv "$out" "$tmp/aside"
: >"$out"
lost 'Not a directory'
rm "$out"

echo "- a link in its place"
ln -s "$tmp/aside" "$out"
lost 'is a symbolic link'
rm "$out"

echo "- one of others in its place"
mkdir -m 777 "$out"
chmod 777 "$out"
lost 'can be written by everybody'
chmod 700 "$out"
written

# At its end the recorder tells that snapshots were lost.
kill -INT "$recorder"
exit_status 20 "$recorder"
expect 'exit status' 3 $?

echo "- below the floor"
mount -t tmpfs -o size=100m none "$out" || skip "cannot mount a tmpfs"
mounted+=("$out")
: >"$tmp/rec.out"
record --window 1s,4mb --min-free 60%
written
dd if=/dev/zero of="$out/filler" bs=1M count=45 2>/dev/null
lost 'less free than --min-free asks for'
expect 'snapshots' 1 "$(find "$out" -name '*.kfl' | wc -l)"
rm "$out/filler"
written
kill -INT "$recorder"
exit_status 20 "$recorder"
expect 'exit status' 3 $?

# A snapshot of an earlier boot and its mark, 8 MiB. Fails where files take no marks (tmpfs before Linux 6.6).
put_old() {
	dd if=/dev/zero of="$1" bs=1M count=8 2>/dev/null
	python3 - "$1" <<'END' && touch -d 2020-01-01 "$1"
import os, sys
os.setxattr(sys.argv[1], "user.kflight", b"1 %d of-an-earlier-boot 5" % os.stat(sys.argv[1]).st_ino)
END
}

echo "- below the floor, and old ones may go"
big=$out/kflight-20200101T000000Z-big.kfl
if put_old "$big" 2>"$tmp/python.err"; then
	: >"$tmp/rec.out"
	record --window 1s,4mb --min-free 60% --keep 100
	used=$(df --output=used -k "$out" | tail -1)
	dd if=/dev/zero of="$out/filler" bs=1k count=$((40 * 1024 - used)) 2>/dev/null
	request
	expect 'the oldest' gone "$([ -e "$big" ] && echo there || echo gone)"
	expect_match 'what was deleted is told' 'deleted 1 old snapshot, 8.00 MiB' "$tmp/rec.err"
	stop_recorder
else
	echo "not tried: $(tail -1 "$tmp/python.err")"
fi

# refused REGEX OPTIONS...
refused() {
	local want=$1 status=0

	shift
	timeout 20 "$kflight" record --socket none --duration 100ms "$@" >"$tmp/refused.out" 2>"$tmp/refused" || status=$?
	expect "status with $*" 2 $status
	expect_match "$*" "$want" "$tmp/refused"
}

echo "- folders that are refused from the start"
umount "$out"
mounted=()
ln -s "$out" "$tmp/link"
mkdir "$tmp/open" "$tmp/foreign" "$tmp/group" "$tmp/sticky"
chmod 777 "$tmp/open"
chmod 1777 "$tmp/sticky"
chown 12345 "$tmp/foreign"
chgrp 12345 "$tmp/group" && chmod 770 "$tmp/group"
refused 'symbolic link' -o "$tmp/link"
refused 'symbolic link' -o "$tmp/link/"
refused 'symbolic link' -o "$tmp/link/."
refused 'written by everybody' -o "$tmp/open"
refused 'belongs to user 12345' -o "$tmp/foreign"
refused 'written by group 12345' -o "$tmp/group"
refused 'Not a directory' -o "$tmp/rec.out"
refused "no group 'no-such-group'" -o "$out" --group no-such-group
refused 'bad --min-free' -o "$out" --min-free 5
SUDO_UID=12345 timeout 20 "$kflight" record --socket none --duration 100ms -o "$tmp/foreign" >"$tmp/sudo.out" 2>&1 ||
	fail "the folder of sudo's caller: $(cat "$tmp/sudo.out")"
timeout 20 "$kflight" record --socket none --duration 100ms -o "$tmp/sticky" >"$tmp/sticky.out" 2>&1 ||
	fail "a sticky folder: $(cat "$tmp/sticky.out")"
(cd "$tmp/sticky" && timeout 20 "$kflight" record --socket none --duration 100ms >"$tmp/dot.out" 2>&1) ||
	fail "the current folder: $(cat "$tmp/dot.out")"

echo "- modes and the group"
timeout 20 "$kflight" record --socket none --duration 100ms -o "$tmp/group" --group 12345 >"$tmp/group.out" 2>&1 ||
	fail "a group: $(cat "$tmp/group.out")"
expect 'of a group' '640 0 12345' "$(stat -c '%a %u %g' "$tmp/group/"*.kfl)"
expect 'the folder' '770' "$(stat -c %a "$tmp/group")"
timeout 20 "$kflight" record --socket none --duration 100ms -o "$tmp/made" --group 12345 >"$tmp/made.out" 2>&1 ||
	fail "a new folder of a group: $(cat "$tmp/made.out")"
expect 'a new folder' '750 12345' "$(stat -c '%a %g' "$tmp/made")"
expect 'without' '600' "$(stat -c %a "$tmp/sticky/"*.kfl | sort -u)"

echo "- what a recorder with our pid left when it was killed while it tried the folder is no obstacle"
mkdir "$tmp/again"
# shellcheck disable=SC2016 # for that shell, whose pid the recorder takes over
timeout 20 bash -c 'touch "$1/.kflight-try-$$" "$1/.kflight-tmp-try-$$"; exec "$0" record --socket none --duration 100ms -o "$1"' \
	"$kflight" "$tmp/again" >"$tmp/again.out" 2>&1 || fail "refused: $(cat "$tmp/again.out")"
exit 0
