# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# ftrace.sh - the kernel's own tracer, beside the recorder: an instance of its own, which leaves the host's alone.
# Needs tests/e2e/lib.sh.
# shellcheck disable=SC2154

tracefs=
instance=

# ftrace_open KIB_PER_CPU: scheduler events, CLOCK_MONOTONIC, not running yet. tracefs is mounted in $tmp.
ftrace_open() {
	local event

	tracefs=$tmp/tracefs
	mkdir "$tracefs"
	mount -t tracefs nodev "$tracefs" 2>/dev/null || skip "cannot mount tracefs: the kernel has no ftrace, or forbids it"
	mounted+=("$tracefs")
	instance=$tracefs/instances/kflight-test-$$
	mkdir "$instance" || fail "cannot make an ftrace instance"
	at_end+=(ftrace_close)
	echo 0 >"$instance/tracing_on"
	echo mono >"$instance/trace_clock"
	echo "$1" >"$instance/buffer_size_kb" || fail "no memory for ftrace's buffers"
	for event in sched_switch sched_waking sched_wakeup_new sched_migrate_task; do
		echo 1 >"$instance/events/sched/$event/enable" || fail "ftrace has no '$event'"
	done
}

ftrace_start() {
	echo >"$instance/trace"
	echo 1 >"$instance/tracing_on"
}

# ftrace_stop DIR: stops and copies what was recorded.
ftrace_stop() {
	echo 0 >"$instance/tracing_on"
	mkdir -p "$1"
	"$root/build/e2e/truth" drain "$instance" "$1" || fail "cannot read ftrace's buffers"
}

ftrace_close() {
	if [ -d "$instance" ]; then
		echo 0 >"$instance/tracing_on"
		rmdir "$instance"
	fi
	instance=
}
