/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfetto_wire.h - the bytes of a Perfetto trace made of track events: protobuf, one packet sequence.
 *
 * Knows the messages and field numbers, interning, and the clocks. Knows nothing of threads or gaps. Everything is written
 * at once, so memory stays at one packet and the interned texts. Packets may come in any order of time: readers sort them,
 * and keep those of one moment in the order of the file. On one track slices must nest: an end ends the youngest.
 *
 * Life cycle: kf_perfetto_wire_new(), tracks, events, kf_perfetto_wire_finish(), kf_perfetto_wire_free(). The first failure
 * (memory, I/O) is remembered: later calls do nothing, and finish reports it.
 *
 * Source of all numbers: Perfetto's protos/perfetto/trace/ (trace_packet.proto, clock_snapshot.proto, interned_data/,
 * track_event/), as of version 0.59 of its Python package; fields never change their numbers.
 */
#ifndef KF_OUTPUT_PERFETTO_WIRE_H
#define KF_OUTPUT_PERFETTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct kf_error;
struct kf_perfetto_wire; /* opaque */

/* One moment on three clocks. Timestamps of the file are CLOCK_MONOTONIC. */
struct kf_perfetto_clocks {
	uint64_t mono_ns;
	uint64_t real_ns;
	uint64_t boot_ns;
};

/* A lane of the viewer. Tracks of one parent and one name are drawn as one, in as many rows as it takes. */
struct kf_perfetto_track {
	uint64_t id;	  /* any number but 0, one per track */
	uint64_t parent;  /* 0 none */
	const char *name; /* of the track, the process or the thread; valid UTF-8 */
	uint32_t pid;	  /* a process (tid 0) or a thread of it; 0: neither */
	uint32_t tid;
	bool ordered; /* its children are sorted by rank */
	int32_t rank;
};

enum kf_perfetto_type { KF_PERFETTO_BEGIN = 1, KF_PERFETTO_END = 2, KF_PERFETTO_INSTANT = 3 };

#define KF_PERFETTO_NOTES 4

/* What the viewer shows of a selected slice, as "key value". */
struct kf_perfetto_note {
	const char *key;
	const char *text; /* valid UTF-8; NULL: number */
	uint64_t number;
};

struct kf_perfetto_event {
	uint64_t ts_ns;
	uint64_t track;
	enum kf_perfetto_type type;
	uint32_t name; /* of kf_perfetto_wire_name(); 0 for an end */
	uint64_t flow; /* an arrow: of the same number in two events, from the earlier to the later; 0 none */
	bool flow_ends;
	struct kf_perfetto_note notes[KF_PERFETTO_NOTES]; /* up to the first without key */
};

/* out stays the caller's. NULL when out of memory. */
struct kf_perfetto_wire *kf_perfetto_wire_new(FILE *out, const struct kf_perfetto_clocks *clocks);
void kf_perfetto_wire_free(struct kf_perfetto_wire **w);

/* Before its first event. ts_ns: from when on pid and tid mean this one; a later track with them is another thread. */
void kf_perfetto_wire_track(struct kf_perfetto_wire *w, uint64_t ts_ns, const struct kf_perfetto_track *track);
/* The number of a name of events (valid UTF-8), the same for the same text. */
uint32_t kf_perfetto_wire_name(struct kf_perfetto_wire *w, const char *text);
void kf_perfetto_wire_event(struct kf_perfetto_wire *w, const struct kf_perfetto_event *event);

/* Flushes out; does not close it. */
int kf_perfetto_wire_finish(struct kf_perfetto_wire *w, struct kf_error *e);

#endif
