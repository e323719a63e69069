/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.h - the report for people in pieces, of which report_text.c makes a page. Write errors stay with page->out.
 *
 * "Own" is what belongs to the process whose wait fired the trigger: it comes first, because on a busy host the worst
 * gaps of all concern nobody.
 */
#ifndef KF_OUTPUT_PAGE_H
#define KF_OUTPUT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_report_data;
struct kf_report_options;
struct kf_snapshot;
struct kf_timeline;

struct kf_page {
	FILE *out;
	const struct kf_timeline *t;
	const struct kf_snapshot *s;
	const struct kf_report_options *o;
	const struct kf_report_data *d;
};

void kf_page_heading(const struct kf_page *p, const char *text);
/* text in lines that fit o->width; column places of the first are used, the next ones begin at indent. */
void kf_page_wrapped(const struct kf_page *p, const char *text, size_t column, size_t indent);

/* Whether there is such a process, and the options do not choose others. */
bool kf_page_has_own(const struct kf_page *p);
bool kf_page_is_own(const struct kf_page *p, uint32_t thread);
/* "WHAT of process nginx/2144" */
void kf_page_own_title(const struct kf_page *p, const char *what, char *title, size_t len);

/* Why the trigger's wait took so long, and the worst convoys; nothing if there is nothing to add to the first line. */
int kf_page_story(const struct kf_page *p, struct kf_error *e);

/* Own ones first, if there are any, then those of all others. */
void kf_page_gaps(const struct kf_page *p);
int kf_page_threads(const struct kf_page *p, struct kf_error *e);
int kf_page_culprits(const struct kf_page *p, struct kf_error *e);
/* How each CPU spent the window. */
int kf_page_cpus(const struct kf_page *p, struct kf_error *e);

#endif
