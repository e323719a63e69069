/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gap_json.h - a gap as JSON object, the same in `export -f ndjson` and in `report --json`. Keys in this order:
 *
 *	tid, tgid, comm     who waited
 *	process             name of its process
 *	prio                its priority when the gap began: "nice 5", "SCHED_FIFO 50"; null not known
 *	cgroup              path of its cgroup of the cpu controller; null not known
 *	pod, container      what that path tells (model/container.h); null none
 *	unit                of systemd, the same
 *	cpu                 where it ran at last, or whose queue it is on; null not known
 *	start_ns, end_ns    CLOCK_MONOTONIC; end_ns - start_ns == wait_ns
 *	wait_ns
 *	kind                "preempted", "yielded", "throttled", "woken" (its CPU was busy), "woken_idle" (it was
 *	                    idle for at least half of the gap), "forked", "unknown"
 *	waker_tid           who woke or forked it; 0 the idle task, null not known
 *	waker_irq           woken by an interrupt, which interrupted waker_tid
 *	open                still waiting when the window ended
 *	throttled, yielded  it left its CPU because of a CPU quota, by sched_yield
 *	throttled_ns        for how long a CPU quota kept it from running; 0 also when that is not known
 *	quota_cgroup        path of the cgroup whose quota that was, not always its own; null none, or not known
 *	quota_ns, period_ns that quota: so much CPU time per period; null without quota_cgroup, or if it has no quota (any more)
 *	idle_elsewhere_ns   for how long another CPU that it might use was idle; null for gaps below 1 ms, and if its affinity
 *	                    is not known
 *	parts               [{kind, tid, comm, cpu, ns, vector, prio, pod, container}] in order of appearance; the ns add up to wait_ns
 *
 * kind of a part is "thread", "idle" (tid 0), "irq", "softirq", "steal", "throttled" or "unknown": tid and comm are null but
 * for the first two, vector ("NET_RX", "timer", "call", "irq_work", the name of an interrupt or its number as text) but for
 * irq and softirq, prio, pod and container but for threads of which they are known. cpu is null for throttled. Names that are not printable text come
 * out escaped (base/text.h), so that the JSON is always valid UTF-8.
 */
#ifndef KF_OUTPUT_GAP_JSON_H
#define KF_OUTPUT_GAP_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "model/parts.h"

struct kf_error;
struct kf_gap;
struct kf_timeline;

/* Shorter gaps are not asked for idle CPUs: that looks at all of them, and nobody wants to know. */
#define KF_GAP_PLACED_NS 1000000

/* Keeps what many gaps have in common, so that a million of them are quick. */
struct kf_gap_json {
	const struct kf_timeline *timeline;
	/* As JSON text, NULL until used: names of threads, of their processes, paths of cgroups, their units. */
	char **names;
	char **processes;
	char **groups;
	char **units;
	struct kf_parts parts;
};

int kf_gap_json_init(struct kf_gap_json *g, const struct kf_timeline *t, struct kf_error *e);
/* As text without white space or newline. Whether out took it all is the caller's to ask. */
int kf_gap_json_write(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out, struct kf_error *e);
/* The same without the last brace, for more keys. */
int kf_gap_json_write_open(struct kf_gap_json *g, const struct kf_gap *gap, FILE *out, struct kf_error *e);
/* A new reference, or NULL with *e. */
json_t *kf_gap_json_make(struct kf_gap_json *g, const struct kf_gap *gap, struct kf_error *e);
void kf_gap_json_release(struct kf_gap_json *g);

/* A string of at most max bytes from strangers; NULL when out of memory. */
json_t *kf_json_text(const char *bytes, size_t max);

#endif
