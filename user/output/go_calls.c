/* SPDX-License-Identifier: BSD-2-Clause */
/* go_calls.c - recorded syscalls in the order of their begin, which the model tells only at their end. */
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/array.h"
#include "kflight/control.h"
#include "output/go_writer.h"

/* Those that make or end threads, or do not return to where they came from, are never shown as a stretch. */
static bool is_shown(uint16_t nr)
{
	switch (nr) {
	case SYS_clone:
	case SYS_clone3:
#ifdef SYS_fork
	case SYS_fork:
	case SYS_vfork:
#endif
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case KF_NR_USER:
	case KF_NR_KTHREAD:
		return false;
	default:
		return true;
	}
}

static bool is_wanted(const struct kf_go_writer *w, const struct kf_transition *move)
{
	if (move->kind != KF_MOVE_SYSCALL || move->thread >= w->t->n_threads || !is_shown(move->wait.nr))
		return false;
	if (move->ts_ns < w->from_ns || move->since_ns > w->to_ns || move->since_ns > move->ts_ns)
		return false;
	return w->o->syscalls == KF_GO_SYSCALLS_ALL || move->ts_ns - move->since_ns >= KF_SLOW_SYSCALL_NS;
}

static int by_begin(const void *a, const void *b)
{
	const struct kf_go_call *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

int kf_go_calls_find(struct kf_go_writer *w)
{
	const struct kf_timeline *t = w->t;
	size_t room = 0;

	if (w->o->syscalls == KF_GO_SYSCALLS_OFF)
		return 0;
	for (size_t i = 0; i < t->n_moves; i++) {
		if (!is_wanted(w, &t->moves[i]))
			continue;
		if (KF_GROW(w->calls, w->n_calls, room))
			return -1;
		w->calls[w->n_calls++] = (struct kf_go_call){ t->moves[i].since_ns, &t->moves[i] };
	}
	if (w->n_calls)
		qsort(w->calls, w->n_calls, sizeof(*w->calls), by_begin);
	for (; w->next_call < w->n_calls && w->calls[w->next_call].begin_ns < w->from_ns; w->next_call++)
		w->now[w->calls[w->next_call].end->thread].call = w->calls[w->next_call].end;
	return 0;
}

void kf_go_show_call(struct kf_go_writer *w, uint64_t ts_ns, uint32_t thread)
{
	const struct kf_transition *call = w->now[thread].call;

	if (call)
		kf_go_lanes_enter(w->lanes, ts_ns, thread,
				  kf_go_names_stack(w->names, thread, KF_GO_STACK_SYSCALL, &call->wait));
}
