/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * findings_json.h - findings as JSON objects, the same in `report --json`, `check --json` and HTML. Keys in this order:
 *
 *	severity      "INFO", "WARN", "ERROR"
 *	rule          "RunQueueLatency", ...
 *	message       what happened, in one sentence
 *	detail        more; "" none
 *	suggestion    what to do
 *	timestamp_ns  when the worst one began, CLOCK_MONOTONIC
 *	stack         [text]: what the thread was doing, innermost first; [] not known
 *
 * (These are the names of gotracer, a checker of Go traces; a reader of its JSON reads ours.)
 *
 *	tid, tgid, comm, process     who suffered from the worst one; null: nobody in particular
 *	cpu                          where; null not known
 *	count, worst_ns, total_ns    so many alike
 *	culprit_tid, culprit_comm    who made it suffer: tid 0 the idle task; null no thread, or not known
 */
#ifndef KF_OUTPUT_FINDINGS_JSON_H
#define KF_OUTPUT_FINDINGS_JSON_H

#include <jansson.h>

struct kf_error;
struct kf_finding;
struct kf_findings;
struct kf_timeline;

/* A new reference, or NULL with *e. */
json_t *kf_finding_json(const struct kf_finding *f, const struct kf_timeline *t, struct kf_error *e);
json_t *kf_findings_json(const struct kf_findings *f, const struct kf_timeline *t, struct kf_error *e);

#endif
