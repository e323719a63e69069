/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * csv.h - the gaps of a timeline as a table, for databases that hold those of many hosts: one row per gap and part.
 * docs/fleet.md has the queries.
 *
 * The first row names the columns. Of the file, the same in every row:
 *
 *	host, kernel     where it was recorded
 *	snapshot_time    when the trigger fired
 *	trigger          "runq", "futex", "syscall", "block", "request"
 *	window_ns        how long a time the file holds
 *
 * Of the gap, the same in all its rows:
 *
 *	gap              number of the gap in the file, from 0; with host and snapshot_time it is unique
 *	tid, tgid, comm, process, cpu, start_ns, end_ns, wait_ns, kind, waker_tid, waker_irq, open: as in gap_json.h
 *	start_time       start_ns as time of day
 *	waker_comm       name of waker_tid
 *	throttled_ns     how long its CPU quota kept it from running; 0 also when that is not known
 *	quota_cgroup     whose quota
 *	quota_ns, period_ns, idle_elsewhere_ns: as in gap_json.h
 *	cgroup           of the thread
 *	prio             of the thread when the gap began: "nice 5", "SCHED_FIFO 50"
 *
 * Of the part: part (its number in the gap, from 0), part_kind, part_tid, part_comm, part_process, part_prio, part_vector,
 * part_cpu, part_ns. The part_ns of a gap add up to its wait_ns. A gap of no length has one row without a part.
 *
 * Of the containers: pod, container, unit of the thread that waited; part_pod, part_container, part_unit of that of the part, as the path of
 * its cgroup tells (model/container.h).
 *
 * _ns moments are CLOCK_MONOTONIC; times of day are ISO 8601 in UTC, in microseconds. What does not apply or is not known is
 * empty. Fields are quoted as RFC 4180 has it, only where they need it; lines end with a newline alone. Names are escaped
 * (base/text.h), so no field spans lines; but one may begin with '=', which a spreadsheet takes for a formula.
 *
 * Columns are only ever added, at the end.
 */
#ifndef KF_OUTPUT_CSV_H
#define KF_OUTPUT_CSV_H

#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_snapshot;
struct kf_timeline;

/* Gaps of min_gap_ns and more, in order of their end. t is the timeline of s. Flushes out; a full disk or closed pipe is
 * an error. */
int kf_csv_write(const struct kf_timeline *t, const struct kf_snapshot *s, FILE *out, uint64_t min_gap_ns,
		 struct kf_error *e);

#endif
