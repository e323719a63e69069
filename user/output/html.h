/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html.h - the report as one HTML file that needs nothing else: no network, no library, no server.
 *
 * The page is user/output/html/page.{html,css,js}, put together by the Makefile; what it shows is JSON in the middle of
 * it (html_data.h). Names are strangers' bytes: in the JSON everything that could end a script is escaped, the page puts
 * text in only as text, and its content security policy forbids any script but its own.
 */
#ifndef KF_OUTPUT_HTML_H
#define KF_OUTPUT_HTML_H

#include <stdio.h>

struct kf_error;
struct kf_report_options;
struct kf_snapshot;
struct kf_timeline;

/*
 * t is the timeline of s. Of the options, those that select gaps and rules count; the page holds many more gaps than
 * `top`, and says what it leaves out. Flushes out; a full disk is an error.
 */
int kf_report_html(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_report_options *o,
		   FILE *out, struct kf_error *e);

#endif
