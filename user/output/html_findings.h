/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_findings.h - what the rules found, for a page.
 *
 *	[{rule, summary, severity, message, detail, suggestion, where, count, worst, total, own, again, gap}, ...]
 *
 * Worst first. worst and total are ns; own: the process that triggered suffers; again: another one tells that wait
 * better (rules/told.h); gap is [who, start, wait] of the gap it is about (html_gaps.h), null if there is none.
 */
#ifndef KF_OUTPUT_HTML_FINDINGS_H
#define KF_OUTPUT_HTML_FINDINGS_H

struct kf_page;
struct kf_who;

/* More are not written. */
#define KF_HTML_MAX_FINDINGS 300

void kf_html_findings_write(const struct kf_page *p, struct kf_who *who);

#endif
