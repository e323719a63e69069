/* SPDX-License-Identifier: BSD-2-Clause */
/* namesakes.h - which threads have the same name, so that a hundred workers can count as one program. */
#ifndef KF_OUTPUT_NAMESAKES_H
#define KF_OUTPUT_NAMESAKES_H

#include <stdint.h>

struct kf_timeline;

/* By thread: the index of one with its name, the same for all who share it. free() it. NULL when out of memory. */
uint32_t *kf_namesakes(const struct kf_timeline *t);

#endif
