#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A thread waits behind one hog, is sent to another CPU in the middle of its wait, and waits on behind another hog.
. "$(dirname "$0")/lib.sh"
need_fifo
[ "$cpu" -gt 0 ] 2>/dev/null || skip "there is one CPU only"

scenario() {
	record_scenario
	start "$work/moved" -c $((cpu - 1)) -s "$seconds" -j "$tmp/journal"
	measured
	judge moved -of moved "$tmp/journal" "$tmp/gaps"
}

hold moved "migration mid-wait"
