/* SPDX-License-Identifier: BSD-2-Clause */
/* select.h - the threads an expression is about. */
#ifndef KF_CHECK_SELECT_H
#define KF_CHECK_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_expr;
struct kf_settings;
struct kf_timeline;

struct kf_selection {
	bool *has;	  /* by thread */
	size_t n;	  /* so many of those that lived in the window */
	size_t n_unknown; /* not counted: those that would fit, but of which it is not known in which cgroup they are */
};

/*
 * x and settings (NULL: every thread) say whose waits: a glob for thread or process names; a PID, which is that process with what it
 * started, or, in `of`, if there is no such process, that thread; a thread; a cgroup and what is below it. tgid: only within this
 * process and what it started; 0 no matter.
 */
int kf_select(struct kf_selection *out, const struct kf_timeline *t, const struct kf_expr *x,
	      const struct kf_settings *settings, uint32_t tgid, struct kf_error *e);
void kf_selection_release(struct kf_selection *s);

#endif
