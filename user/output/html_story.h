/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_story.h - for a page: why the wait that fired took so long, and the queues for locks.
 *
 *	["checkout/91 waited 41.0 ms: ...\n  pg/77 meanwhile: ...", ...]
 *
 * Each text as story.h has it; empty when there is nothing to add.
 */
#ifndef KF_OUTPUT_HTML_STORY_H
#define KF_OUTPUT_HTML_STORY_H

struct kf_error;
struct kf_page;

/* To p->out. */
int kf_html_story_write(const struct kf_page *p, struct kf_error *e);

#endif
