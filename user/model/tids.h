/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tids.h - what is known of each thread number: which thread has it now, and its name and family.
 *
 * An open-addressing table: a lookup per record is the hottest thing the model does.
 */
#ifndef KF_MODEL_TIDS_H
#define KF_MODEL_TIDS_H

#include <stddef.h>
#include <stdint.h>

#include "kflight/record.h"

/* From births, names and deaths; of the present user of the number. */
struct kf_identity {
	char comm[KF_COMM_BYTES]; /* NUL-terminated, "" not known */
	uint32_t tgid;		  /* 0 not known */
	uint32_t parent_tgid;
	uint16_t prio;		/* packed, 0 not known */
	uint64_t start_time_ns; /* 0 not known */
};

struct kf_tid {
	uint32_t tid;
	uint32_t thread; /* index of its present or last user, KF_NOBODY if none has shown up in the window */
	uint32_t first;	 /* index of its first user, likewise */
	uint32_t task;	 /* 1 + index in the task scan, 0 the scan did not see it */
	struct kf_identity identity;
};

struct kf_tids {
	struct kf_tid *items;
	size_t n, room;
	uint32_t *table; /* 1 + index in items, 0 free */
	size_t table_room;
};

/* Makes room for that many more numbers, so that kf_tids_get() cannot fail for them. Returns 0, -1 out of memory. */
int kf_tids_reserve(struct kf_tids *t, size_t more);
/* Never NULL; valid until the next get. */
struct kf_tid *kf_tids_get(struct kf_tids *t, uint32_t tid);
/* NULL if the number was never asked for with kf_tids_get(). */
struct kf_tid *kf_tids_find(const struct kf_tids *t, uint32_t tid);
void kf_tids_release(struct kf_tids *t);

#endif
