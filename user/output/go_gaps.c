/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_gaps.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/timeline.h"
#include "output/go_writer.h"
#include "output/sentence.h"

#define NO_GAP SIZE_MAX

struct victim {
	size_t next;	  /* its next gap that has not begun, or NO_GAP */
	size_t gap;	  /* the one it is in, or NO_GAP */
	uint64_t task;	  /* of that one, 0: none has begun */
	uint32_t name_id; /* of its tasks, 0 not made yet */
};

struct kf_go_gaps {
	struct victim *victims;
	size_t *following;    /* by gap: the next one of the same thread, or NO_GAP */
	uint32_t *taken_over; /* by CPU: whose gap begins with the next thread that runs there, or KF_NOBODY */
	uint64_t n_tasks;
	struct kf_sentences sentences;
};

struct kf_go_gaps *kf_go_gaps_new(const struct kf_go_writer *w)
{
	const struct kf_timeline *t = w->t;
	struct kf_go_gaps *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->sentences.t = t;
	g->victims = calloc(t->n_threads + 1, sizeof(*g->victims));
	g->following = calloc(t->n_gaps + 1, sizeof(*g->following));
	g->taken_over = calloc(t->n_cpus + 1, sizeof(*g->taken_over));
	if (!g->victims || !g->following || !g->taken_over) {
		kf_go_gaps_free(&g);
		return NULL;
	}
	for (size_t i = 0; i < t->n_threads; i++)
		g->victims[i].next = g->victims[i].gap = NO_GAP;
	for (size_t i = 0; i < t->n_cpus; i++)
		g->taken_over[i] = KF_NOBODY;
	/* Gaps of one thread do not overlap, so their order of end is also that of their start. */
	for (size_t i = t->n_gaps; i-- > 0;) {
		uint32_t thread = t->gaps[i].thread;

		if (thread >= t->n_threads)
			continue;
		g->following[i] = g->victims[thread].next;
		g->victims[thread].next = i;
	}
	return g;
}

void kf_go_gaps_free(struct kf_go_gaps **g)
{
	if (!*g)
		return;
	kf_sentences_release(&(*g)->sentences);
	free((*g)->victims);
	free((*g)->following);
	free((*g)->taken_over);
	free(*g);
	*g = NULL;
}

static bool is_wanted(const struct kf_go_writer *w, const struct kf_gap *gap)
{
	switch (w->o->tasks) {
	case KF_GO_TASKS_OFF:
		return false;
	case KF_GO_TASKS_ALL:
		return true;
	default:
		return gap->end_ns - gap->start_ns >= w->o->gap_ns;
	}
}

/* The gap of this thread that covers ts_ns, if it is worth a task. */
static const struct kf_gap *enter_gap(struct kf_go_writer *w, uint32_t thread, uint64_t ts_ns)
{
	const struct kf_gap *gaps = w->t->gaps;
	struct victim *v = &w->gaps->victims[thread];

	v->gap = NO_GAP;
	v->task = 0;
	while (v->next != NO_GAP && gaps[v->next].end_ns < ts_ns)
		v->next = w->gaps->following[v->next];
	if (v->next == NO_GAP || gaps[v->next].start_ns > ts_ns)
		return NULL;
	if (is_wanted(w, &gaps[v->next]))
		v->gap = v->next;
	v->next = w->gaps->following[v->next];
	return v->gap == NO_GAP ? NULL : &gaps[v->gap];
}

static void log_sentence(struct kf_go_writer *w, uint64_t ts_ns, uint32_t on, const struct victim *v)
{
	char text[KF_SENTENCE_BYTES];

	kf_sentences_gap(&w->gaps->sentences, &w->t->gaps[v->gap], text, sizeof(text));
	kf_go_lanes_log(w->lanes, ts_ns, on, v->task, kf_go_wire_string(w->wire, "gap"),
			kf_go_wire_string(w->wire, text));
}

static void begin_task(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, uint32_t on)
{
	struct victim *v = &w->gaps->victims[thread];
	const struct kf_gap *gap = &w->t->gaps[v->gap];
	char name[KF_GO_NAME_BYTES], text[KF_GO_NAME_BYTES + 16];

	if (!kf_go_lanes_on_cpu(w->lanes, on))
		return;
	if (!v->name_id) {
		kf_go_thread_name(&w->t->threads[thread], name, sizeof(name));
		snprintf(text, sizeof(text), "gap: %s", name);
		v->name_id = kf_go_wire_string(w->wire, text);
	}
	v->task = ++w->gaps->n_tasks;
	kf_go_lanes_task_begin(w->lanes, ts_ns, on, v->task, v->name_id);
	/* The victim does not run again within the trace: nobody else could say it. */
	if (gap->open || gap->end_ns > w->to_ns) {
		log_sentence(w, ts_ns, on, v);
		v->gap = NO_GAP;
	}
}

void kf_go_gaps_begin(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, uint16_t cpu, uint32_t waker)
{
	uint32_t occupant = kf_go_lanes_occupant(w->lanes, cpu);

	if (!enter_gap(w, thread, ts_ns))
		return;
	if (occupant != KF_NOBODY && occupant != thread)
		begin_task(w, ts_ns, thread, occupant);
	else if (kf_go_lanes_on_cpu(w->lanes, waker))
		begin_task(w, ts_ns, thread, waker);
	/* Else all was idle: a task that begins when it ends would only spoil the histogram. The log is still written.
	 */
}

void kf_go_gaps_preempt(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, uint16_t cpu, bool taken_over)
{
	if (!enter_gap(w, thread, ts_ns))
		return;
	if (taken_over && cpu < w->t->n_cpus)
		w->gaps->taken_over[cpu] = thread;
	else
		begin_task(w, ts_ns, thread, thread);
}

void kf_go_gaps_run(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, uint16_t cpu)
{
	struct victim *v = &w->gaps->victims[thread];

	if (v->gap != NO_GAP) {
		log_sentence(w, ts_ns, thread, v);
		if (v->task)
			kf_go_lanes_task_end(w->lanes, ts_ns, thread, v->task);
		v->gap = NO_GAP;
	}
	if (cpu < w->t->n_cpus && w->gaps->taken_over[cpu] != KF_NOBODY) {
		uint32_t preempted = w->gaps->taken_over[cpu];

		w->gaps->taken_over[cpu] = KF_NOBODY;
		if (preempted != thread && w->gaps->victims[preempted].gap != NO_GAP)
			begin_task(w, ts_ns, preempted, thread);
	}
}
