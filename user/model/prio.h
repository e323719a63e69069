/* SPDX-License-Identifier: BSD-2-Clause */
/* prio.h - packed priorities (record.h, KF_PRIO_PACK) in the words of sched(7). */
#ifndef KF_MODEL_PRIO_H
#define KF_MODEL_PRIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KF_PRIO_TEXT_BYTES 32

/* "SCHED_FIFO 50", "SCHED_DEADLINE", "nice -5", "SCHED_IDLE"; "" for one not known. Returns buf. */
const char *kf_prio_text(uint16_t prio, char *buf, size_t len);

/* FIFO, round robin or deadline: it runs before every fair thread. */
bool kf_prio_is_realtime(uint16_t prio);

/* Does a run before b whenever both want to, whatever each had already? False among equals, fair ones, and not known ones. */
bool kf_prio_outranks(uint16_t a, uint16_t b);

/* Both are fair, and a gets several times the CPU time of b by its weight: five nice levels, or b is SCHED_IDLE. */
bool kf_prio_is_favoured(uint16_t a, uint16_t b);

/* -20..19 of a fair thread, else 0. */
int kf_prio_nice(uint16_t prio);

#endif
