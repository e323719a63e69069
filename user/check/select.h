/* SPDX-License-Identifier: BSD-2-Clause */
/* select.h - the threads an expression is about. */
#ifndef KF_CHECK_SELECT_H
#define KF_CHECK_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_timeline;

struct kf_selection {
	bool *has; /* by thread */
	size_t n;  /* so many of those that lived in the window */
};

/*
 * who: a glob for thread or process names, "" every thread. pid: that process with what it started, or, if there is no
 * such process, that thread; 0 every one. tgid: only within this process and what it started; 0 no matter.
 */
int kf_select(struct kf_selection *out, const struct kf_timeline *t, const char *who, uint32_t pid, uint32_t tgid,
	      struct kf_error *e);
void kf_selection_release(struct kf_selection *s);

#endif
