/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "output/go_gaps.h"
#include "output/go_writer.h"
#include "snapshot/snapshot.h"

int kf_go_version_parse(const char *text, enum kf_go_version *out, struct kf_error *e)
{
	static const struct {
		const char *release;
		enum kf_go_version header;
	} versions[] = {
		{ "1.22", KF_GO_1_22 }, { "1.23", KF_GO_1_23 }, { "1.24", KF_GO_1_23 },
		{ "1.25", KF_GO_1_25 }, { "1.26", KF_GO_1_26 }, { "1.27", KF_GO_1_26 },
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (!strcmp(text, versions[i].release)) {
			*out = versions[i].header;
			return 0;
		}
	}
	return kf_fail(e, KF_USAGE, "1.22 (the default; every later Go reads it), 1.23, 1.25 or 1.26",
		       "unknown Go version '%s'", text);
}

void kf_go_show_wait(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread, const struct kf_wait *wait,
		     bool by_thread)
{
	struct kf_go_why why;

	if (wait->uninterruptible && wait->in_syscall) {
		uint32_t stack = kf_go_names_stack(w->names, thread, KF_GO_STACK_WAIT, wait);

		kf_go_lanes_sleep(w->lanes, ts_ns, thread, stack);
		return;
	}
	why.reason = kf_go_names_reason(w->names, wait->kind, by_thread);
	why.stack = kf_go_names_stack(w->names, thread, KF_GO_STACK_WAIT, wait);
	kf_go_lanes_block(w->lanes, ts_ns, thread, why);
}

static void on_run(struct kf_go_writer *w, const struct kf_transition *move)
{
	kf_go_lanes_run(w->lanes, move->ts_ns, move->thread, move->cpu);
	kf_go_about(w, move->ts_ns, move->thread);
	kf_go_gaps_run(w, move->ts_ns, move->thread, move->cpu);
	kf_go_show_call(w, move->ts_ns, move->thread);
}

static enum kf_go_stack stop_stack(const struct kf_transition *move)
{
	if (move->flags & KF_MOVE_F_THROTTLED)
		return KF_GO_STACK_THROTTLED;
	return move->flags & KF_MOVE_F_YIELD ? KF_GO_STACK_YIELD : KF_GO_STACK_PREEMPTED;
}

static void on_stop(struct kf_go_writer *w, const struct kf_transition *move)
{
	const struct kf_transition *next = move + 1;
	bool taken_over = next < w->t->moves + w->t->n_moves && next->kind == KF_MOVE_RUN && next->cpu == move->cpu &&
			  next->ts_ns == move->ts_ns && next->thread != move->thread;
	struct kf_go_why why = {
		.reason = kf_go_wire_string(w->wire, "preempted"),
		.stack = kf_go_names_stack(w->names, move->thread, stop_stack(move), &move->wait),
	};

	kf_go_gaps_preempt(w, move->ts_ns, move->thread, move->cpu, taken_over);
	kf_go_lanes_stop(w->lanes, move->ts_ns, move->thread, why);
}

static void on_wake(struct kf_go_writer *w, const struct kf_transition *move)
{
	bool irq = (move->flags & KF_MOVE_F_IRQ) || move->other == KF_IDLE;
	uint32_t waker = irq || move->other >= w->t->n_threads ? KF_NOBODY : move->other;
	uint32_t stack;

	if (waker == KF_NOBODY)
		stack = kf_go_names_wakeup(w->names, irq);
	else
		stack = kf_go_names_stack(w->names, waker, KF_GO_STACK_WAKER, &move->wait);
	kf_go_lanes_wake(w->lanes, move->ts_ns, move->thread, waker, stack);
	kf_go_gaps_begin(w, move->ts_ns, move->thread, move->cpu, waker);
}

static void on_fork(struct kf_go_writer *w, const struct kf_transition *move)
{
	uint32_t root = kf_go_names_stack(w->names, move->thread, KF_GO_STACK_ROOT, NULL);
	uint32_t parent = kf_go_names_stack(w->names, move->other, KF_GO_STACK_FORK, NULL);

	kf_go_lanes_create(w->lanes, move->ts_ns, move->thread, move->other, root, parent);
	kf_go_gaps_begin(w, move->ts_ns, move->thread, move->cpu, move->other);
}

/* The goroutine bears the thread's last name from the start: a label tells only when it had another. */
static void on_exec(struct kf_go_writer *w, const struct kf_transition *move)
{
	const struct kf_timeline *t = w->t;
	const struct kf_thread *thread = &t->threads[move->thread];
	char name[KF_TEXT_COMM_BYTES], last[KF_TEXT_COMM_BYTES];

	if (move->note >= t->names_bytes)
		return;
	kf_text_printable(t->names + move->note, t->names_bytes - move->note, name, sizeof(name));
	kf_text_printable(thread->comm, sizeof(thread->comm), last, sizeof(last));
	if (!name[0] || (!strcmp(name, last) && !w->now[move->thread].labelled))
		return;
	w->now[move->thread].labelled = true;
	kf_go_lanes_label(w->lanes, move->ts_ns, move->thread, kf_go_wire_string(w->wire, name));
}

/*
 * Lends a thread that is not running a CPU for some nanoseconds, because only what runs can change into most other
 * states. Returns who had to give way, or KF_NOBODY.
 */
static uint32_t borrow_cpu(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread)
{
	uint16_t cpu;
	uint32_t lender;

	if (kf_go_lanes_on_cpu(w->lanes, thread))
		return KF_NOBODY;
	cpu = kf_go_lanes_pick_cpu(w->lanes, KF_NO_CPU);
	lender = kf_go_lanes_occupant(w->lanes, cpu);
	kf_go_lanes_run(w->lanes, ts_ns, thread, cpu);
	kf_go_gaps_run(w, ts_ns, thread, KF_NO_CPU);
	return lender;
}

static void give_back(struct kf_go_writer *w, uint64_t ts_ns, uint32_t lender, uint16_t cpu)
{
	if (lender == KF_NOBODY)
		return;
	kf_go_lanes_run(w->lanes, ts_ns, lender, cpu);
	kf_go_show_call(w, ts_ns, lender);
}

/* Not knowing is shown as waiting for nothing: shown as runnable it would be a gap that nobody saw. */
static void on_lost(struct kf_go_writer *w, const struct kf_transition *move)
{
	enum kf_go_state state = kf_go_lanes_state(w->lanes, move->thread);
	struct kf_go_why why;
	uint16_t cpu;
	uint32_t lender;

	if (state == KF_GO_ABSENT || state == KF_GO_IS_GONE)
		return;
	lender = borrow_cpu(w, move->ts_ns, move->thread);
	cpu = kf_go_lanes_cpu(w->lanes, move->thread);
	why.reason = kf_go_names_reason(w->names, KF_WAIT_KIND_UNKNOWN, false);
	why.stack = kf_go_names_stack(w->names, move->thread, KF_GO_STACK_LOST, NULL);
	kf_go_lanes_log(w->lanes, move->ts_ns, move->thread, 0, kf_go_wire_string(w->wire, "kflight"),
			kf_go_wire_string(w->wire, "records lost: state unknown from here"));
	kf_go_lanes_block(w->lanes, move->ts_ns, move->thread, why);
	give_back(w, move->ts_ns, lender, cpu);
}

static void on_found(struct kf_go_writer *w, const struct kf_transition *move, bool by_thread)
{
	uint32_t lost = kf_go_names_stack(w->names, move->thread, KF_GO_STACK_LOST, NULL);
	uint32_t lender;
	uint16_t cpu;

	switch ((enum kf_state)move->state) {
	case KF_STATE_RUNNING:
		on_run(w, move);
		break;
	case KF_STATE_RUNNABLE:
		kf_go_lanes_wake(w->lanes, move->ts_ns, move->thread, KF_NOBODY, lost);
		kf_go_gaps_begin(w, move->ts_ns, move->thread, move->cpu, KF_NOBODY);
		break;
	case KF_STATE_BLOCKED:
		lender = borrow_cpu(w, move->ts_ns, move->thread);
		cpu = kf_go_lanes_cpu(w->lanes, move->thread);
		kf_go_show_wait(w, move->ts_ns, move->thread, &move->wait, by_thread);
		give_back(w, move->ts_ns, lender, cpu);
		break;
	case KF_STATE_DEAD:
		if (kf_go_lanes_state(w->lanes, move->thread) == KF_GO_ABSENT)
			break;
		lender = borrow_cpu(w, move->ts_ns, move->thread);
		cpu = kf_go_lanes_cpu(w->lanes, move->thread);
		kf_go_lanes_exit(w->lanes, move->ts_ns, move->thread);
		give_back(w, move->ts_ns, lender, cpu);
		break;
	default:
		break;
	}
}

static void on_syscall(struct kf_go_writer *w, const struct kf_transition *move)
{
	if (w->now[move->thread].call != move)
		return;
	w->now[move->thread].call = NULL;
	kf_go_lanes_leave(w->lanes, move->ts_ns, move->thread);
}

static void on_move(struct kf_go_writer *w, const struct kf_transition *move, bool by_thread)
{
	switch ((enum kf_move)move->kind) {
	case KF_MOVE_RUN:
		on_run(w, move);
		break;
	case KF_MOVE_STOP:
		on_stop(w, move);
		break;
	case KF_MOVE_BLOCK:
		kf_go_show_wait(w, move->ts_ns, move->thread, &move->wait, by_thread);
		break;
	case KF_MOVE_WAKE:
		on_wake(w, move);
		break;
	case KF_MOVE_FORK:
		on_fork(w, move);
		break;
	case KF_MOVE_EXIT:
		kf_go_lanes_exit(w->lanes, move->ts_ns, move->thread);
		break;
	case KF_MOVE_EXEC:
		on_exec(w, move);
		break;
	case KF_MOVE_SYSCALL:
		on_syscall(w, move);
		break;
	case KF_MOVE_LOST:
		on_lost(w, move);
		break;
	case KF_MOVE_FOUND:
		on_found(w, move, by_thread);
		break;
	case KF_MOVE_MIGRATE: /* from queue to queue: the format has no queues */
		break;
	}
}

/* Syscalls that have begun by ts_ns. */
static void begin_calls(struct kf_go_writer *w, uint64_t ts_ns)
{
	for (; w->next_call < w->n_calls && w->calls[w->next_call].begin_ns <= ts_ns; w->next_call++) {
		const struct kf_go_call *call = &w->calls[w->next_call];

		/* Never two at once: one that contradicts another is not shown. */
		if (w->now[call->end->thread].call)
			continue;
		w->now[call->end->thread].call = call->end;
		kf_go_show_call(w, call->begin_ns, call->end->thread);
	}
}

static void walk(struct kf_go_writer *w)
{
	const struct kf_timeline *t = w->t;

	for (size_t i = w->next_move; i < t->n_moves && t->moves[i].ts_ns <= w->to_ns; i++) {
		const struct kf_transition *move = &t->moves[i];

		begin_calls(w, move->ts_ns);
		if (move->thread < t->n_threads)
			on_move(w, move, w->by_thread[i]);
	}
	begin_calls(w, w->to_ns);
	kf_go_lanes_close(w->lanes, w->to_ns);
}

static void set_window(struct kf_go_writer *w)
{
	uint64_t length_ns = kf_go_start_length_ns(w->t);

	w->from_ns = w->o->from_ns > w->t->floor_ns ? w->o->from_ns : w->t->floor_ns;
	w->to_ns = w->o->to_ns < w->t->end_ns ? w->o->to_ns : w->t->end_ns;
	if (w->to_ns < w->from_ns)
		w->to_ns = w->from_ns;
	/* Viewers take 0 for "no time". */
	w->start_ns = w->from_ns > length_ns ? w->from_ns - length_ns : 1;
}

static int set_up(struct kf_go_writer *w, FILE *out)
{
	struct kf_go_clock clock = { w->meta->mono_ns, w->meta->real_ns };

	set_window(w);
	w->wire = kf_go_wire_new(out, w->o->version, w->start_ns, &clock);
	if (!w->wire)
		return -1;
	w->lanes = kf_go_lanes_new(w->wire, w->t);
	w->names = kf_go_names_new(w->t, w->wire, w->o->reasons);
	w->gaps = kf_go_gaps_new(w);
	if (!w->lanes || !w->names || !w->gaps)
		return -1;
	return kf_go_start_find(w) || kf_go_calls_find(w) ? -1 : 0;
}

static void release(struct kf_go_writer *w)
{
	kf_go_gaps_free(&w->gaps);
	kf_go_names_free(&w->names);
	kf_go_lanes_free(&w->lanes);
	kf_go_wire_free(&w->wire);
	free(w->now);
	free(w->calls);
	free(w->by_thread);
	free(w->start_by_thread);
}

int kf_go_trace_write(const struct kf_timeline *t, const struct kf_snapshot *meta, const struct kf_go_options *o,
		      FILE *out, struct kf_error *e)
{
	struct kf_go_writer w = { .t = t, .meta = meta, .o = o };
	int err;

	if (set_up(&w, out)) {
		err = kf_fail_memory(e, "the Go trace");
	} else {
		kf_go_start_emit(&w);
		walk(&w);
		err = kf_go_wire_finish(w.wire, e);
	}
	release(&w);
	return err;
}
