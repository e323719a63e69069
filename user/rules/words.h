/* SPDX-License-Identifier: BSD-2-Clause */
/* words.h - what several rules say: where a thread was, and what to do about who held its CPU. Internal to rules/. */
#ifndef KF_RULES_WORDS_H
#define KF_RULES_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/parts.h"
#include "output/line.h"

struct kf_gap;
struct kf_search;
struct kf_timeline;

/* "futex(0x7f00c0)", "fsync(3)", "a page fault"; nothing if it is not known, or was in no syscall. */
void kf_line_where(struct kf_line *line, const struct kf_wait *wait);

/* "nginx" of nginx/2144; the process a thread belongs to. thread must be an index. */
void kf_line_process(struct kf_line *line, const struct kf_timeline *t, uint32_t thread);

/* Text of a stranger, such as a path, made printable. */
void kf_line_foreign(struct kf_line *line, const char *text);

/* ", 12 times, 80.0 ms in all"; nothing for a count of 1. */
void kf_line_times(struct kf_line *line, uint32_t count, uint64_t total_ns);

/* "SCHED_FIFO 50"; false and nothing if it is not known. */
bool kf_line_prio(struct kf_line *line, uint16_t prio);

/* What the reader can do about this gap, by what used the CPU most. */
void kf_line_gap_advice(struct kf_line *line, struct kf_search *s, const struct kf_gap *gap);

#endif
