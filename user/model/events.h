/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.h - the records of a snapshot, one after the other in time, across all CPUs and classes.
 *
 * The order of a ring is nearly, not exactly, time order: probes nest, and the outer one read its clock first. So each
 * ring is sorted (records of one time keep their ring order), then all are merged. At one time births and names come
 * first and switches last: what a switch needs to know was then before it.
 *
 * Nothing in a slot is trusted: a kind that does not belong to its ring and a second slot without its record are passed
 * over and counted. The times are what they are; the caller decides which it believes.
 */
#ifndef KF_MODEL_EVENTS_H
#define KF_MODEL_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "kflight/record.h"

struct kf_error;
struct kf_snapshot;
struct kf_events; /* opaque */

struct kf_event {
	uint64_t ts_ns;
	const struct kf_slot *slot;
	const struct kf_slot *more; /* its second slot, NULL if it has none */
	uint32_t cpu;
};

/* The snapshot must outlive *out. */
int kf_events_open(struct kf_events **out, const struct kf_snapshot *s, struct kf_error *e);
void kf_events_close(struct kf_events **ev);

/* Records that made no sense. */
uint64_t kf_events_bad(const struct kf_events *ev);

/*
 * The next record in time: births and names from the oldest there is, everything else from the floor of the snapshot
 * on, all to the end of the copy. Returns 0 at the end.
 */
int kf_events_next(struct kf_events *ev, struct kf_event *out);

/* The scheduling records of one CPU before the floor, back from 0 = the last one. Returns 0 when there are no more. */
int kf_events_before_floor(const struct kf_events *ev, uint32_t cpu, size_t back, struct kf_event *out);

/* Second slots, by copy: they share their memory with another type. more may be NULL: all zero then. */
struct kf_slot_args kf_event_args(const struct kf_event *event);
struct kf_slot_name kf_event_name(const struct kf_event *event);
struct kf_slot_past kf_event_past(const struct kf_event *event);

#endif
