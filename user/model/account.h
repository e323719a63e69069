/* SPDX-License-Identifier: BSD-2-Clause */
/* account.h - what the moves add up to: gaps with their stretches, and how each thread spent the window. */
#ifndef KF_MODEL_ACCOUNT_H
#define KF_MODEL_ACCOUNT_H

struct kf_error;
struct kf_timeline;

/* Fills gaps, stretches and the totals of the threads of t from its moves and start states. */
int kf_timeline_account(struct kf_timeline *t, struct kf_error *e);

#endif
