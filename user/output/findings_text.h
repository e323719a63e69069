/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * findings_text.h - findings as a section of the report for people: few, each with what to do.
 *
 *	Findings (2 errors, 5 warnings)
 *	  ERROR  RealtimeHog, 12 times, 80.0 ms in all: rt/812 (SCHED_FIFO 50) held CPU 3 for 9.10 ms of ...
 *	         try: ...
 *	  and 5 more: RunQueueLatency 4, Preempted (--json tells them all)
 *
 * Those of the process that triggered come first, and of several about the same wait only the one that names a cause.
 */
#ifndef KF_OUTPUT_FINDINGS_TEXT_H
#define KF_OUTPUT_FINDINGS_TEXT_H

struct kf_page;

void kf_page_findings(const struct kf_page *p);

#endif
