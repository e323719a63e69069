/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h - the answer of a snapshot, for people and as JSON: the trigger and its cause, what the rules found, the worst
 * gaps, how each thread spent the window, who made others wait, and what is not known.
 */
#ifndef KF_OUTPUT_REPORT_H
#define KF_OUTPUT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rules/finding.h"

struct kf_error;
struct kf_snapshot;
struct kf_timeline;

struct kf_report_options {
	uint64_t top;	  /* so many gaps, and findings per rule */
	uint64_t gap_ns;  /* only gaps this long */
	uint32_t tid;	  /* only this thread waited; 0 all */
	const char *comm; /* only threads whose own or process name fits this glob waited; NULL all */
	bool no_findings; /* the rules are not applied */
	/* Thresholds, and rules switched off; what is selected, and top, come from above. */
	struct kf_rule_options rules;
	bool colour;	    /* escape sequences for a terminal */
	unsigned int width; /* break sentences to fit so many columns; 0 never: one line each, good for grep */
};

/* t is the timeline of s. Both flush out; a full disk or closed pipe is an error. */
int kf_report_text(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_report_options *o,
		   FILE *out, struct kf_error *e);

/*
 * One JSON object, keys in this order:
 *
 *	kflight   version that recorded
 *	trigger   {kind, sentence, reason, tid, tgid, comm, ts_ns, since_ns, threshold_ns, time, and as circumstances_json.h: rule,
 *	          requester, suppressed}
 *	host, kernel, machine
 *	window    {floor_ns, end_ns, held_ns, asked_ns, cpus}
 *	recorder  [as circumstances_json.h]: what recording cost, and gave up for that
 *	findings  [as findings_json.h], worst first, at most `top` per rule
 *	story     {text, chain: [as story.h], convoys: [as story.h]}: why the trigger's wait took so long; text is "" when
 *	          that adds nothing to the sentence
 *	gaps      {count, wait_ns, worst: [as gap_json.h, and time, sentence]}
 *	threads   [{tid, tgid, comm, process, pod, container, unit, running_ns, runnable_ns, blocked_ns, unknown_ns, gaps, worst_gap_ns,
 *	            blocked_by_ns: {kind: ns}}], most runnable time first
 *	culprits  [{kind, name, tid, comm, threads, ns, thread_ns, victims, top_victim_tid, top_victim_comm,
 *	            top_victim_ns}], most ns first; kind as that of parts in gap_json.h. Of threads one per name: tid is the
 *	          worst of that name, thread_ns its share of ns. name is comm, or the vector, or the cgroup of a throttle;
 *	          null if the kind says it all, or it is not known
 *	cpus      [as cpu_use.h]: how each CPU spent the window
 *	missing   [text]: empty when nothing is known to be missing
 *
 * _ns moments are CLOCK_MONOTONIC, time is ISO 8601 in UTC.
 */
int kf_report_json(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_report_options *o,
		   FILE *out, struct kf_error *e);

#endif
