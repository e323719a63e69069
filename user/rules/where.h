/* SPDX-License-Identifier: BSD-2-Clause */
/* where.h - what a thread was doing when it began to wait. Internal to rules/. */
#ifndef KF_RULES_WHERE_H
#define KF_RULES_WHERE_H

struct kf_error;
struct kf_hit;
struct kf_line;
struct kf_search;

/*
 * "futex(0x7f00c0)": of the hit itself, or if it is about a gap, the syscall in which the thread slept before it was woken,
 * or was preempted. Nothing where that is not known.
 */
int kf_where(struct kf_search *s, const struct kf_hit *hit, struct kf_line *line, struct kf_error *e);

#endif
