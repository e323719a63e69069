/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_who.h - everybody that a page mentions, by a small number: threads, and what else uses a CPU.
 *
 * A number is given at the first mention; the list is written when all has been said.
 */
#ifndef KF_OUTPUT_HTML_WHO_H
#define KF_OUTPUT_HTML_WHO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/parts.h"

struct kf_error;
struct kf_page;

/* The first ones of the list. */
enum { KF_WHO_IDLE = 0, KF_WHO_UNKNOWN, KF_WHO_OTHERS, KF_WHO_FIXED };

struct kf_who_entry {
	uint32_t thread; /* index, for KF_PART_THREAD */
	uint32_t cgroup; /* index, for KF_PART_THROTTLED */
	uint16_t vector;
	uint8_t kind; /* enum kf_part_kind */
};

struct kf_who {
	const struct kf_timeline *t;
	uint32_t *of_thread; /* by index: its number, 0 none yet */
	uint32_t *namesakes; /* of kf_namesakes() */
	struct kf_who_entry *items;
	size_t n, room;
	uint32_t *others; /* numbers of those that are no threads */
	size_t n_others, room_others;
	int failed; /* out of memory: some are called unknown */
};

/* *w is zeroed before; release it also after a failure. */
int kf_who_init(struct kf_who *w, const struct kf_timeline *t, struct kf_error *e);
void kf_who_release(struct kf_who *w);

/* An index, KF_IDLE, or anything else for unknown. */
uint32_t kf_who_thread(struct kf_who *w, uint32_t thread);
uint32_t kf_who_taken(struct kf_who *w, uint8_t kind, uint16_t vector);
/* Of any kind (enum kf_part_kind), of which the others tell more where it makes sense. */
uint32_t kf_who_of_kind(struct kf_who *w, uint8_t kind, uint32_t thread, uint16_t vector, uint32_t cgroup);

/*
 * [[kind, label, tid, tgid, name, own, priority], ...]: kind as kf_part_kind_name() or "others"; the rest only for
 * threads: name is the same number for all threads of one name, own 1 for the process that triggered.
 */
void kf_who_write(const struct kf_who *w, const struct kf_page *p);

#endif
