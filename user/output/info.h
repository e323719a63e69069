/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * info.h - what a snapshot holds, told from its own numbers alone: no model is built, so this works for every file that
 * can be read, however odd its records.
 */
#ifndef KF_OUTPUT_INFO_H
#define KF_OUTPUT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_snapshot;

struct kf_info_options {
	const char *path;    /* of the file, as given */
	uint64_t file_bytes; /* its length */
	bool tasks;	     /* list the tasks of the scan, too */
};

#define KF_INFO_HEADLINE_BYTES 512

/*
 * What triggered, when, and the window held, in one line:
 * "runq > 5 ms: nginx/2144 waited 11.4 ms to run on CPU 3 at 2026-11-21T08:15:02.112345Z; window of 9.98 s held".
 */
size_t kf_info_headline(const struct kf_snapshot *s, char *buf, size_t len);

/* "off", "blocking", "slow", "all", "unknown" */
const char *kf_syscall_mode_name(uint32_t mode);
/* "scheduling", "syscall", "birth and name", "interrupt" (also what else takes CPU time: steal, quotas) */
const char *kf_class_name(unsigned int class);
/* "irq", ... as --causes has it: of 1 << i; NULL behind the last one */
const char *kf_source_name(unsigned int i);

/* Both flush out; a full disk or closed pipe is an error. */
int kf_info_text(const struct kf_snapshot *s, const struct kf_info_options *o, FILE *out, struct kf_error *e);

/*
 * One JSON object, keys in this order:
 *
 *	file, file_bytes
 *	headline
 *	kflight  version that recorded
 *	host, kernel, machine
 *	trigger  {kind, open, tid, tgid, comm, process, cpu, nr, ts_ns, since_ns, threshold_ns, reason}
 *	window   {started_ns, floor_ns, end_ns, held_ns, asked_ns, after_ns, from, to}
 *	clocks   {mono_ns, real_ns, boot_ns}
 *	filter, triggers, syscalls
 *	causes   ["irq", "steal", "quota", "prio"]: those that were recorded
 *	knows    {interrupts, steal, quotas, priorities, affinity, cgroups}: whether the file tells of them
 *	counts   [{kind, hits, cooling, busy}]
 *	losses   {missed_runs, no_state, bad_waits, lost_triggers}
 *	n_cpus   possible CPUs
 *	rings    [{cpu, class, slots, written, overwritten, dropped, torn, oldest_ns, drop_first_ns, drop_last_ns}]:
 *	         those that ever got a record
 *	n_tasks, n_cgroups
 *	tasks    [{tid, tgid, ppid, comm, state, cpu, kernel, on_cpu, in_syscall, nr}], if asked for
 *
 * _ns moments are CLOCK_MONOTONIC, but real_ns and boot_ns; from and to are ISO 8601 in UTC.
 */
int kf_info_json(const struct kf_snapshot *s, const struct kf_info_options *o, FILE *out, struct kf_error *e);

#endif
