/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_findings.h - what the rules found, for a page.
 *
 *	[{rule, summary, severity, message, detail, suggestion, where, count, worst, total, gap}, ...]
 *
 * worst and total are ns; gap is the number of the gap it is about in the page's list, null if there is none.
 */
#ifndef KF_OUTPUT_HTML_FINDINGS_H
#define KF_OUTPUT_HTML_FINDINGS_H

struct kf_page;

/* More are not written, worst first. */
#define KF_HTML_MAX_FINDINGS 300

void kf_html_findings_write(const struct kf_page *p);

#endif
