/* SPDX-License-Identifier: BSD-2-Clause */
/* family.h - processes and what they started. */
#ifndef KF_MODEL_FAMILY_H
#define KF_MODEL_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

struct kf_timeline;

/* Whether the thread belongs to the process tgid or to one that this one started, however far down. */
bool kf_is_family(const struct kf_timeline *t, uint32_t thread, uint32_t tgid);

/* The same of every thread by index, faster. NULL when out of memory; the caller frees it. */
bool *kf_family(const struct kf_timeline *t, uint32_t tgid);

#endif
