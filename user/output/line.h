/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.h - builds one line of text in a buffer of fixed size.
 *
 *	struct kf_line line;
 *	kf_line_init(&line, buf, len);
 *	kf_line_add(&line, "%s waited ", name);
 *
 * What does not fit is cut off, never in the middle of a UTF-8 character; buf is always NUL-terminated (len >= 1).
 */
#ifndef KF_OUTPUT_LINE_H
#define KF_OUTPUT_LINE_H

#include <stddef.h>
#include <stdint.h>

struct kf_timeline;

struct kf_line {
	char *buf;
	size_t room; /* bytes of buf */
	size_t used; /* without the NUL */
};

void kf_line_init(struct kf_line *line, char *buf, size_t len);
void kf_line_add(struct kf_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same without a format, for what is said a million times. */
void kf_line_text(struct kf_line *line, const char *text);
/* "7.10 ms" */
void kf_line_duration(struct kf_line *line, uint64_t ns);

/*
 * A thread (index, KF_IDLE, ... of model/timeline.h) as text: "redis/812"; "worker/813 of redis" for a thread that has
 * another name than its process; "ksoftirqd/3" for a kernel thread whose name says its number; "the idle task";
 * "an unknown thread"; "?/70" if its name is not known; "redis/812 [3f2a9c1b0d44]" for one in a container. Names are strangers' bytes: unprintable ones come out escaped.
 */
void kf_line_thread(struct kf_line *line, const struct kf_timeline *t, uint32_t thread);
/* Just the name of a thread: "redis". thread must be an index. */
void kf_line_comm(struct kf_line *line, const struct kf_timeline *t, uint32_t thread);

/* What took time that no thread got: "softirq NET_RX", "timer interrupt", "interrupt virtio0-input.0"; "" for other kinds
 * than KF_PART_IRQ and KF_PART_SOFTIRQ. */
void kf_line_vector(struct kf_line *line, const struct kf_timeline *t, unsigned int kind, uint16_t vector);
/* The path of a cgroup, its end if it is long; group must be an index. */
void kf_line_group(struct kf_line *line, const struct kf_timeline *t, uint32_t group);
/* "quota 50 ms per 100 ms", or nothing without a quota. */
void kf_line_quota(struct kf_line *line, const struct kf_timeline *t, uint32_t group);

/* "1,234,567" into buf (27 bytes are enough); returns buf. */
const char *kf_format_count(uint64_t n, char *buf, size_t len);

#endif
