/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cost_helper.h - a child that has the one right the recorder needs for nothing else: counting what BPF programs cost takes
 * CAP_SYS_ADMIN, every time it is switched on.
 *
 * The child has that capability and no other, none of our descriptors but its socket, and a seccomp filter that lets it do
 * bpf(BPF_ENABLE_STATS), read, write, close and exit. It is told a byte (on, off) and answers with an errno. It ends when
 * the recorder does, however that ends.
 */
#ifndef KF_CAPTURE_COST_HELPER_H
#define KF_CAPTURE_COST_HELPER_H

#include <stdbool.h>

struct kf_cost_helper;
struct kf_error;

/* Before there are threads, and before rights are given up. */
int kf_cost_helper_start(struct kf_cost_helper **out, struct kf_error *e);
/* Returns 0 or an errno. Waits for the answer, for KF_COST_HELPER_WAIT_MS at most. */
#define KF_COST_HELPER_WAIT_MS 100
int kf_cost_helper_count(struct kf_cost_helper *h, bool on);
/* NULL is fine. */
void kf_cost_helper_stop(struct kf_cost_helper **h);

#endif
