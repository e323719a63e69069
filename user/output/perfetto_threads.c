/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/perfetto_writer.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "model/timeline.h"
#include "output/line.h"
#include "output/sentence.h"

#define NO_GAP SIZE_MAX

/* A thread at the moment the walk has come to. */
struct now {
	enum kf_state state;
	uint16_t cpu; /* while it runs */
	struct kf_wait wait;
	size_t next_gap; /* the first that is not over, or NO_GAP */
	uint32_t wakes;	 /* the wire's number of "wakes nginx/2144", 0 not made yet */
};

struct walk {
	struct kf_perfetto_writer *w;
	struct now *now;   /* by thread */
	size_t *following; /* by gap: the next one of the same thread, or NO_GAP */
	uint64_t n_flows;
	struct kf_sentences sentences;
};

static bool is_shown(const struct kf_thread *th)
{
	return th->running_ns || th->runnable_ns || th->n_gaps;
}

/* A thread whose process is not known is a process of its own. */
static uint32_t pid_of(const struct kf_thread *th)
{
	return th->tgid ? th->tgid : th->tid;
}

static void declare_process(struct kf_perfetto_writer *w, const struct kf_thread *th)
{
	char name[KF_TEXT_COMM_BYTES + 1];

	kf_text_printable(th->process_comm, sizeof(th->process_comm), name, sizeof(name));
	kf_perfetto_wire_track(w->wire, w->from_ns,
			       &(struct kf_perfetto_track){
				       .id = kf_perfetto_process_track(pid_of(th)), .pid = pid_of(th), .name = name });
}

static void declare_thread(struct kf_perfetto_writer *w, uint32_t thread)
{
	const struct kf_thread *th = &w->t->threads[thread];
	char name[KF_TEXT_COMM_BYTES + 1];

	kf_text_printable(th->comm, sizeof(th->comm), name, sizeof(name));
	kf_perfetto_wire_track(w->wire, th->born_ns > w->from_ns ? th->born_ns : w->from_ns,
			       &(struct kf_perfetto_track){ .id = kf_perfetto_thread_track(thread),
							    .parent = kf_perfetto_process_track(pid_of(th)),
							    .pid = pid_of(th),
							    .tid = th->tid,
							    .name = name });
}

static int by_process(const void *va, const void *vb, void *threads)
{
	uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;
	uint32_t pid_a = pid_of((const struct kf_thread *)threads + a);
	uint32_t pid_b = pid_of((const struct kf_thread *)threads + b);

	return pid_a != pid_b ? (pid_a > pid_b) - (pid_a < pid_b) : (a > b) - (a < b);
}

static int declare(struct kf_perfetto_writer *w)
{
	const struct kf_timeline *t = w->t;
	uint32_t *sorted = calloc(t->n_threads + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -1;
	for (uint32_t i = 0; i < t->n_threads; i++)
		if (is_shown(&t->threads[i]) && t->threads[i].tid)
			sorted[n++] = i;
	qsort_r(sorted, n, sizeof(*sorted), by_process, t->threads);
	for (size_t i = 0; i < n; i++) {
		const struct kf_thread *th = &t->threads[sorted[i]];

		if (!i || pid_of(&t->threads[sorted[i - 1]]) != pid_of(th))
			declare_process(w, th);
		declare_thread(w, sorted[i]);
	}
	free(sorted);
	return 0;
}

static int walk_init(struct walk *k, struct kf_perfetto_writer *w)
{
	const struct kf_timeline *t = w->t;

	*k = (struct walk){ .w = w, .sentences = { .t = t } };
	k->now = calloc(t->n_threads + 1, sizeof(*k->now));
	k->following = calloc(t->n_gaps + 1, sizeof(*k->following));
	if (!k->now || !k->following)
		return -1;
	for (size_t i = 0; i < t->n_threads; i++)
		k->now[i] = (struct now){ .state = t->threads[i].start_state,
					  .cpu = t->threads[i].start_cpu,
					  .wait = t->threads[i].start_wait,
					  .next_gap = NO_GAP };
	/* Gaps of one thread do not overlap, so their order of end is also that of their start. */
	for (size_t i = t->n_gaps; i-- > 0;) {
		k->following[i] = k->now[t->gaps[i].thread].next_gap;
		k->now[t->gaps[i].thread].next_gap = i;
	}
	return 0;
}

static void walk_release(struct walk *k)
{
	free(k->now);
	free(k->following);
	kf_sentences_release(&k->sentences);
}

/* The gap the thread is in at ts_ns. */
static const struct kf_gap *gap_at(struct walk *k, uint32_t thread, uint64_t ts_ns)
{
	const struct kf_timeline *t = k->w->t;
	size_t *next = &k->now[thread].next_gap;

	while (*next != NO_GAP && t->gaps[*next].end_ns <= ts_ns)
		*next = k->following[*next];
	return *next != NO_GAP && t->gaps[*next].start_ns <= ts_ns ? &t->gaps[*next] : NULL;
}

static void begin_running(struct walk *k, struct kf_perfetto_event *event, const struct now *now)
{
	event->name = kf_perfetto_wire_name(k->w->wire, "running");
	if (now->cpu != KF_NO_CPU)
		event->notes[0] = (struct kf_perfetto_note){ .key = "cpu", .number = now->cpu };
}

/* sentence has room for one. */
static void begin_runnable(struct walk *k, struct kf_perfetto_event *event, uint32_t thread, char *sentence)
{
	const struct kf_gap *gap = gap_at(k, thread, event->ts_ns);

	event->name = kf_perfetto_wire_name(k->w->wire, "runnable");
	if (!gap)
		return;
	event->notes[0] = (struct kf_perfetto_note){ .key = "kind", .text = kf_gap_kind_name(gap->kind) };
	if (gap->end_ns - gap->start_ns < k->w->gap_ns)
		return;
	kf_sentences_gap(&k->sentences, gap, sentence, KF_SENTENCE_BYTES);
	event->notes[1] = (struct kf_perfetto_note){ .key = "why", .text = sentence };
}

/* address has room for one. */
static void begin_blocked(struct walk *k, struct kf_perfetto_event *event, const struct kf_wait *wait, char *address)
{
	const char *syscall = wait->in_syscall ? kf_syscall_name(wait->nr) : NULL;
	char name[64];
	size_t n = 0;

	snprintf(name, sizeof(name), "blocked: %s", kf_wait_kind_name(wait->kind));
	event->name = kf_perfetto_wire_name(k->w->wire, name);
	if (syscall)
		event->notes[n++] = (struct kf_perfetto_note){ .key = "syscall", .text = syscall };
	if (wait->kind == KF_WAIT_FUTEX_LOCK || wait->kind == KF_WAIT_FUTEX_COND) {
		sprintf(address, "0x%" PRIx64, wait->arg0);
		event->notes[n++] = (struct kf_perfetto_note){ .key = "futex", .text = address };
	}
}

/* Shows the state the thread is in from ts_ns on. flow: the arrow that leads here, 0 none. */
static void begin(struct walk *k, uint32_t thread, uint64_t ts_ns, uint64_t flow)
{
	const struct now *now = &k->now[thread];
	char text[KF_SENTENCE_BYTES];
	struct kf_perfetto_event event = { .ts_ns = ts_ns,
					   .track = kf_perfetto_thread_track(thread),
					   .type = KF_PERFETTO_BEGIN,
					   .flow = flow,
					   .flow_ends = true };

	if (now->state == KF_STATE_DEAD || !is_shown(&k->w->t->threads[thread]))
		return;
	if (now->state == KF_STATE_RUNNING)
		begin_running(k, &event, now);
	else if (now->state == KF_STATE_RUNNABLE)
		begin_runnable(k, &event, thread, text);
	else if (now->state == KF_STATE_BLOCKED)
		begin_blocked(k, &event, &now->wait, text);
	else
		event.name = kf_perfetto_wire_name(k->w->wire, "unknown");
	kf_perfetto_wire_event(k->w->wire, &event);
}

static void end(struct walk *k, uint32_t thread, uint64_t ts_ns)
{
	if (k->now[thread].state == KF_STATE_DEAD || !is_shown(&k->w->t->threads[thread]))
		return;
	kf_perfetto_wire_event(k->w->wire, &(struct kf_perfetto_event){ .ts_ns = ts_ns,
									.track = kf_perfetto_thread_track(thread),
									.type = KF_PERFETTO_END });
}

static uint32_t wakes_name(struct walk *k, uint32_t thread)
{
	char name[KF_PERFETTO_NAME_BYTES];
	struct kf_line line;

	if (!k->now[thread].wakes) {
		kf_line_init(&line, name, sizeof(name));
		kf_line_text(&line, "wakes ");
		kf_line_thread(&line, k->w->t, thread);
		k->now[thread].wakes = kf_perfetto_wire_name(k->w->wire, name);
	}
	return k->now[thread].wakes;
}

/* Where an arrow to the woken thread begins; 0 if that is not known. */
static uint64_t show_waker(struct walk *k, const struct kf_transition *move)
{
	bool irq = move->kind == KF_MOVE_WAKE && (move->flags & KF_MOVE_F_IRQ);
	const struct now *waker;
	struct kf_perfetto_event event = { .ts_ns = move->ts_ns, .type = KF_PERFETTO_INSTANT };

	if ((move->kind != KF_MOVE_WAKE && move->kind != KF_MOVE_FORK) || move->other >= k->w->t->n_threads)
		return 0;
	waker = &k->now[move->other];
	if (waker->state != KF_STATE_RUNNING || (irq && waker->cpu >= k->w->t->n_cpus))
		return 0;
	event.track = irq ? kf_perfetto_cpu_track(waker->cpu) : kf_perfetto_thread_track(move->other);
	event.name = wakes_name(k, move->thread);
	event.flow = ++k->n_flows;
	kf_perfetto_wire_event(k->w->wire, &event);
	return event.flow;
}

static void step(struct walk *k, const struct kf_transition *move)
{
	struct now *now = &k->now[move->thread];
	enum kf_state to = kf_move_leads_to(move, now->state);
	bool visible = move->ts_ns >= k->w->from_ns;
	uint64_t flow = 0;

	if (to == now->state)
		return;
	if (visible) {
		flow = to == KF_STATE_RUNNABLE ? show_waker(k, move) : 0;
		end(k, move->thread, move->ts_ns);
	}
	now->state = to;
	if (to == KF_STATE_RUNNING)
		now->cpu = move->cpu;
	else if (to == KF_STATE_BLOCKED)
		now->wait = move->wait;
	if (visible)
		begin(k, move->thread, move->ts_ns, flow);
}

static void walk(struct walk *k)
{
	const struct kf_timeline *t = k->w->t;
	size_t i = 0;

	for (; i < t->n_moves && t->moves[i].ts_ns < k->w->from_ns; i++)
		step(k, &t->moves[i]);
	for (uint32_t thread = 0; thread < t->n_threads; thread++)
		begin(k, thread, k->w->from_ns, 0);
	for (; i < t->n_moves && t->moves[i].ts_ns <= k->w->to_ns; i++)
		step(k, &t->moves[i]);
	for (uint32_t thread = 0; thread < t->n_threads; thread++)
		end(k, thread, k->w->to_ns);
}

int kf_perfetto_threads(struct kf_perfetto_writer *w, struct kf_error *e)
{
	struct walk k;
	int err = walk_init(&k, w) || declare(w);

	if (!err)
		walk(&k);
	walk_release(&k);
	return err ? kf_fail_memory(e, "the threads") : 0;
}
