/* SPDX-License-Identifier: BSD-2-Clause */
/* story_wait.h - what a thread waits for, in words. */
#ifndef KF_OUTPUT_STORY_WAIT_H
#define KF_OUTPUT_STORY_WAIT_H

#include <stdbool.h>

struct kf_line;
struct kf_wait;

/*
 * " in futex 0x7f12c0", " in clock_nanosleep (sleep)", " in a page fault", " without work" (kernel threads), " stopped",
 * " in something unknown": as behind "3.00 ms".
 */
void kf_line_wait(struct kf_line *line, const struct kf_wait *wait);

#endif
