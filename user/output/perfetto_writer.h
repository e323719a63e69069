/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfetto_writer.h - what the parts of the Perfetto writer share: perfetto.c says what the trace is, perfetto_cpus.c draws
 * the CPUs, perfetto_threads.c the threads. Not for others.
 */
#ifndef KF_OUTPUT_PERFETTO_WRITER_H
#define KF_OUTPUT_PERFETTO_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "output/perfetto_wire.h"

struct kf_error;
struct kf_timeline;

#define KF_PERFETTO_NAME_BYTES 256

struct kf_perfetto_writer {
	const struct kf_timeline *t;
	struct kf_perfetto_wire *wire;
	uint64_t from_ns; /* inside the window */
	uint64_t to_ns;
	uint64_t gap_ns;
	uint32_t *names; /* by thread: the wire's number of "nginx/2144", 0 not made yet */
};

/* Numbers of the tracks. */
enum {
	KF_PERFETTO_ABOUT = 1,
	KF_PERFETTO_CPUS = 2,
	KF_PERFETTO_FIRST_CPU = 16,
};
uint64_t kf_perfetto_cpu_track(uint16_t cpu);
uint64_t kf_perfetto_thread_track(uint32_t thread);
uint64_t kf_perfetto_process_track(uint32_t pid);
/* Of what was taken from the CPUs: n counts them. */
uint64_t kf_perfetto_taken_track(uint64_t n);

/* The wire's number of a thread's name. thread must be an index. */
uint32_t kf_perfetto_thread_name(struct kf_perfetto_writer *w, uint32_t thread);

/* A slice with these notes (NULL none); nothing if all of it is outside of the cut. */
void kf_perfetto_slice(struct kf_perfetto_writer *w, uint64_t track, uint64_t start_ns, uint64_t end_ns, uint32_t name,
		       const struct kf_perfetto_note *notes, size_t n_notes);

/* Both return -1 when out of memory. */
int kf_perfetto_cpus(struct kf_perfetto_writer *w, struct kf_error *e);
int kf_perfetto_threads(struct kf_perfetto_writer *w, struct kf_error *e);

#endif
