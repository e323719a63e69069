/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include <uthash.h>

#include "base/error.h"

#define NONE UINT64_MAX

enum state {
	NEW = 0,
	RUNNABLE = KF_GO_RUNNABLE,
	RUNNING = KF_GO_RUNNING,
	SYSCALL = KF_GO_SYSCALL,
	WAITING = KF_GO_WAITING,
};

/* A goroutine, an M, a processor or a task. */
struct thing {
	UT_hash_handle hh;
	uint64_t id;
	enum state state; /* goroutine */
	uint64_t seq;
	bool known, idle; /* processor */
	bool insyscall;	  /* processor */
	uint64_t g, p;	  /* M: what it has, or NONE */
	bool began;	  /* task */
};

struct checker {
	const struct kf_go_parsed *trace;
	struct thing *gs, *ms, *ps, *tasks;
	const char *broken; /* first rule that did not hold */
	bool no_memory;
};

static struct thing *get(struct checker *c, struct thing **table, uint64_t id)
{
	struct thing *thing;

	HASH_FIND(hh, *table, &id, sizeof(id), thing);
	if (thing)
		return thing;
	thing = calloc(1, sizeof(*thing));
	if (!thing) {
		c->no_memory = true;
		return NULL;
	}
	thing->id = id;
	thing->g = thing->p = NONE;
	HASH_ADD(hh, *table, id, sizeof(id), thing);
	return thing;
}

static void free_things(struct thing **table)
{
	struct thing *thing = *table, *next;

	HASH_CLEAR(hh, *table); /* frees the table, not what is in it */
	for (; thing; thing = next) {
		next = thing->hh.next;
		free(thing);
	}
}

static bool need(struct checker *c, bool holds, const char *rule)
{
	if (!holds && !c->broken)
		c->broken = rule;
	return holds;
}

static bool string_exists(struct checker *c, uint64_t id)
{
	return need(c, !id || (id < c->trace->n_strings && c->trace->strings[id]), "the string exists");
}

static bool stack_exists(struct checker *c, uint64_t id)
{
	return need(c, !id || (id < c->trace->n_stacks && c->trace->stacks[id].frames), "the stack exists");
}

static void proc_status(struct checker *c, struct thing *m, const uint64_t *args)
{
	struct thing *p = get(c, &c->ps, args[0]);
	bool idle = args[1] == KF_GO_PROC_IDLE;

	if (!p || !need(c, args[1] >= KF_GO_PROC_RUNNING && args[1] <= KF_GO_PROC_SYSCALL, "the status is known") ||
	    !need(c, !p->known || (p->idle == idle && p->insyscall == (args[1] == KF_GO_PROC_SYSCALL)),
		  "a repeated status is the same"))
		return;
	p->seq = 0;
	if (p->known)
		return;
	p->known = true;
	p->idle = idle;
	p->insyscall = args[1] == KF_GO_PROC_SYSCALL;
	if (idle)
		return;
	/* Legal for the reader, but the viewer crashes if the goroutine comes first. */
	if (need(c, m->id != KF_GO_NO_THREAD && m->p == NONE && m->g == NONE,
		 "the M has no processor or goroutine yet"))
		m->p = p->id;
}

static void go_status(struct checker *c, struct thing *m, const uint64_t *args)
{
	struct thing *g = get(c, &c->gs, args[0]);
	bool on_m = args[2] == RUNNING || args[2] == SYSCALL;

	if (!g || !need(c, g->id != 0, "a goroutine is not 0") ||
	    !need(c, args[2] >= RUNNABLE && args[2] <= WAITING, "the status is known") ||
	    !need(c, g->state == NEW || g->state == args[2], "a repeated status is the same"))
		return;
	g->seq = 0;
	if (g->state != NEW) {
		need(c, !on_m || m->g == g->id, "the status of a running goroutine is on its M");
		return;
	}
	g->state = (enum state)args[2];
	if (!on_m)
		return;
	need(c, m->id != KF_GO_NO_THREAD && m->g == NONE, "the M has no goroutine");
	need(c, g->state == SYSCALL ? args[1] == m->id : m->p != NONE, "a running goroutine has M and processor");
	m->g = g->id;
}

static void proc_event(struct checker *c, struct thing *m, const struct kf_go_event *ev)
{
	struct thing *p = get(c, &c->ps, ev->code == KF_GO_PROC_START ? ev->args[0] : m->p);

	if (!p)
		return;
	if (ev->code == KF_GO_PROC_STOP) {
		if (!need(c, m->p != NONE, "the M has a processor"))
			return;
		p->idle = true;
		p->insyscall = false;
		m->p = NONE;
		return;
	}
	if (!need(c, m->id != KF_GO_NO_THREAD && m->p == NONE, "the M has no processor") ||
	    !need(c, p->known && p->idle, "the processor is idle") ||
	    !need(c, ev->args[1] == p->seq + 1, "the sequence number of the processor is the next"))
		return;
	p->seq++;
	p->idle = false;
	m->p = p->id;
}

static void go_create(struct checker *c, struct thing *m, const struct kf_go_event *ev)
{
	struct thing *g = get(c, &c->gs, ev->args[0]);
	bool in_syscall = ev->code == KF_GO_CREATE_SYSCALL;

	if (!g || !need(c, g->id != 0 && g->state == NEW, "the goroutine is new"))
		return;
	g->seq = 0;
	if (in_syscall) {
		if (need(c, m->id != KF_GO_NO_THREAD && m->g == NONE, "the M has no goroutine"))
			m->g = g->id;
		g->state = SYSCALL;
		return;
	}
	need(c, m->p != NONE, "the M has a processor");
	need(c, m->g == NONE || get(c, &c->gs, m->g)->state == RUNNING, "the parent runs");
	stack_exists(c, ev->args[1]);
	stack_exists(c, ev->args[2]);
	g->state = RUNNABLE;
}

static void go_start(struct checker *c, struct thing *m, const uint64_t *args)
{
	struct thing *g = get(c, &c->gs, args[0]);

	if (!g || !need(c, m->p != NONE, "the M has a processor") || !need(c, m->g == NONE, "the M has no goroutine") ||
	    !need(c, g->state == RUNNABLE, "the goroutine is runnable") ||
	    !need(c, args[1] == g->seq + 1, "the sequence number of the goroutine is the next"))
		return;
	g->seq++;
	g->state = RUNNING;
	m->g = g->id;
}

static void go_unblock(struct checker *c, const uint64_t *args)
{
	struct thing *g = get(c, &c->gs, args[0]);

	if (!g || !need(c, g->state == WAITING, "the goroutine waits") ||
	    !need(c, args[1] == g->seq + 1, "the sequence number of the goroutine is the next") ||
	    !stack_exists(c, args[2]))
		return;
	g->seq++;
	g->state = RUNNABLE;
}

/* Stop, block and end: of the running goroutine of this M. */
static void go_leave(struct checker *c, struct thing *m, const struct kf_go_event *ev)
{
	struct thing *g;

	if (!need(c, m->p != NONE && m->g != NONE, "the M has a processor and a goroutine"))
		return;
	g = get(c, &c->gs, m->g);
	if (!g || !need(c, g->state == RUNNING, "the goroutine runs, outside any syscall"))
		return;
	m->g = NONE;
	g->state = ev->code == KF_GO_STOP ? RUNNABLE : ev->code == KF_GO_BLOCK ? WAITING : NEW;
	if (ev->code != KF_GO_DESTROY) {
		string_exists(c, ev->args[0]);
		stack_exists(c, ev->args[1]);
	}
}

static void go_syscall(struct checker *c, struct thing *m, const struct kf_go_event *ev)
{
	struct thing *g, *p = NULL;

	if (!need(c, m->g != NONE, "the M has a goroutine"))
		return;
	g = get(c, &c->gs, m->g);
	if (m->p != NONE)
		p = get(c, &c->ps, m->p);
	if (ev->code == KF_GO_SYSCALL_END_BLOCKED) {
		need(c, g->state == SYSCALL, "the goroutine is in a syscall");
		need(c, !p || !p->insyscall, "the processor has been given up");
		g->state = RUNNABLE;
		m->g = NONE;
		return;
	}
	if (!need(c, p != NULL, "the M has a processor"))
		return;
	if (ev->code == KF_GO_SYSCALL_BEGIN) {
		need(c, g->state == RUNNING, "the goroutine runs");
		need(c, ev->args[0] == p->seq + 1, "the sequence number of the processor is the next");
		stack_exists(c, ev->args[1]);
		p->seq++;
		g->state = SYSCALL;
		p->insyscall = true;
	} else {
		need(c, g->state == SYSCALL && p->insyscall, "goroutine and processor are in a syscall");
		g->state = RUNNING;
		p->insyscall = false;
	}
}

static void annotation(struct checker *c, struct thing *m, const struct kf_go_event *ev)
{
	const uint64_t *a = ev->args;
	struct thing *task;

	need(c, m->p != NONE && m->g != NONE, "the M has a processor and a goroutine");
	switch (ev->code) {
	case KF_GO_PROCS_CHANGE:
		stack_exists(c, a[1]);
		return;
	case KF_GO_LABEL:
		string_exists(c, a[0]);
		return;
	case KF_GO_LOG:
		string_exists(c, a[1]);
		string_exists(c, a[2]);
		stack_exists(c, a[3]);
		break;
	case KF_GO_TASK_BEGIN:
		string_exists(c, a[2]);
		stack_exists(c, a[3]);
		break;
	default:
		stack_exists(c, a[1]);
		break;
	}
	if (!a[0]) {
		need(c, ev->code == KF_GO_LOG, "a task is not 0");
		return;
	}
	task = get(c, &c->tasks, a[0]);
	if (!task)
		return;
	need(c, task->began == (ev->code != KF_GO_TASK_BEGIN), "a task begins once, before it is named");
	task->began = true;
}

static void check_event(struct checker *c, const struct kf_go_event *ev)
{
	struct thing *m = get(c, &c->ms, ev->m);

	if (!m)
		return;
	switch (ev->code) {
	case KF_GO_PROC_STATUS:
		proc_status(c, m, ev->args);
		break;
	case KF_GO_STATUS_STACK:
		stack_exists(c, ev->args[3]);
		go_status(c, m, ev->args);
		break;
	case KF_GO_STATUS:
		go_status(c, m, ev->args);
		break;
	case KF_GO_PROC_START:
	case KF_GO_PROC_STOP:
		proc_event(c, m, ev);
		break;
	case KF_GO_CREATE:
	case KF_GO_CREATE_SYSCALL:
		go_create(c, m, ev);
		break;
	case KF_GO_START:
		go_start(c, m, ev->args);
		break;
	case KF_GO_UNBLOCK:
		go_unblock(c, ev->args);
		break;
	case KF_GO_STOP:
	case KF_GO_BLOCK:
	case KF_GO_DESTROY:
		go_leave(c, m, ev);
		break;
	case KF_GO_SYSCALL_BEGIN:
	case KF_GO_SYSCALL_END:
	case KF_GO_SYSCALL_END_BLOCKED:
		go_syscall(c, m, ev);
		break;
	default:
		annotation(c, m, ev);
		break;
	}
}

int kf_go_check(const struct kf_go_parsed *p, struct kf_error *e)
{
	struct checker c = { .trace = p };
	const struct kf_go_event *ev = NULL;

	for (size_t i = 0; i < p->n_events && !c.broken && !c.no_memory; i++) {
		ev = &p->events[i];
		need(&c, !i || ev->ts_ns > ev[-1].ts_ns, "times grow");
		check_event(&c, ev);
	}
	free_things(&c.gs);
	free_things(&c.ms);
	free_things(&c.ps);
	free_things(&c.tasks);
	if (c.no_memory)
		return kf_fail_memory(e, "Go trace");
	if (c.broken)
		return kf_fail(e, KF_USAGE, NULL,
			       "bad Go trace: %s(%" PRIu64 ", %" PRIu64 ") of M %" PRId64 " at %" PRIu64
			       " ns: it does not hold that %s",
			       kf_go_code_name(ev->code), ev->args[0], ev->args[1], (int64_t)ev->m, ev->ts_ns,
			       c.broken);
	return 0;
}

int kf_go_check_bytes(const void *bytes, size_t len, struct kf_error *e)
{
	struct kf_go_parsed *p;
	int err;

	if (kf_go_parse(&p, bytes, len, e))
		return -1;
	err = kf_go_check(p, e);
	kf_go_parsed_free(&p);
	return err;
}
