#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A full disk loses the snapshot, not the recorder; no half file is ever visible.
. "$(dirname "$0")/lib.sh"
need_bpf

mkdir "$tmp/out"
mount -t tmpfs -o size=1m none "$tmp/out" 2>/dev/null || skip "cannot mount a tmpfs"
mounted+=("$tmp/out")
start "$work/churn" threads -s 60
record --window 5s,32mb
sleep 2 # lets the window grow beyond the disk
dd if=/dev/zero of="$tmp/out/filler" bs=1k count=900 2>/dev/null
kill -USR1 "$recorder"
wait_line 20 '[Nn]o space' "$tmp/rec.err"
is_gone "$recorder" && fail "the recorder ended: $(cat "$tmp/rec.err")"
expect 'files' filler "$(ls -A "$tmp/out")"
grep -i 'no space' "$tmp/rec.err"
rm "$tmp/out/filler"
mount -o remount,size=200m "$tmp/out"
request
"$kflight" info "$snapshot" >/dev/null || fail "the snapshot after that cannot be read"
# At its end the recorder tells that a snapshot was lost.
kill -INT "$recorder"
exit_status 20 "$recorder"
expect 'exit status' 3 $?
