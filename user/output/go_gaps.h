/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_gaps.h - long gaps as tasks with a log. Part of the Go trace writer, see go_writer.h.
 *
 * An annotation needs a thread on a CPU, and the victim of a gap is not on one. So its task begins on the thread that
 * has the CPU the victim waits for (most often the culprit), else on the waker, and ends on the victim when that runs.
 * Task names are few and without numbers: viewers make histograms of them.
 */
#ifndef KF_OUTPUT_GO_GAPS_H
#define KF_OUTPUT_GO_GAPS_H

#include <stdbool.h>
#include <stdint.h>

struct kf_go_gaps;
struct kf_go_writer;
struct kf_transition;

/* NULL when out of memory. */
struct kf_go_gaps *kf_go_gaps_new(const struct kf_go_writer *w);
void kf_go_gaps_free(struct kf_go_gaps **g);

/* The thread became runnable at ts_ns, queued on cpu; waker may be KF_NOBODY. */
void kf_go_gaps_begin(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, uint16_t cpu, uint32_t waker);
/* The same for a thread that is about to be preempted and still on the CPU; taken_over: the next move is that another
 * thread gets the CPU, and the task can begin there. */
void kf_go_gaps_preempt(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, uint16_t cpu, bool taken_over);
/* The thread has just been put on the CPU. */
void kf_go_gaps_run(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, uint16_t cpu);

#endif
