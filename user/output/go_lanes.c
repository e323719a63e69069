/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_lanes.h"

#include <stdlib.h>

#include "model/timeline.h"

struct thread_lane {
	struct kf_go_lane *lane; /* made when first used */
	uint64_t id;
	uint64_t seq; /* counts starts and unblocks */
	enum kf_go_state state;
	uint16_t cpu; /* of a running one */
};

struct cpu_lane {
	bool declared;
	uint64_t seq; /* counts starts and syscalls begun */
	uint32_t occupant;
};

struct kf_go_lanes {
	struct kf_go_wire *w;
	struct kf_go_lane *nobody; /* events of no thread */
	struct thread_lane *threads;
	size_t n_threads;
	struct cpu_lane *cpus;
	size_t n_cpus;
	bool status_has_stack;
	uint32_t reason_evicted;
};

/* Lanes that the viewer draws for timers, network, syscalls, GC and profile have these ids. */
#define VIEWER_IDS_FIRST 1000000
#define VIEWER_IDS_LAST	 1000005
#define ID_STEP		 (1ULL << 32)

uint64_t kf_go_thread_id(uint32_t tid, uint32_t reuse)
{
	uint64_t id = tid + reuse * ID_STEP;

	return tid >= VIEWER_IDS_FIRST && tid <= VIEWER_IDS_LAST ? id + ID_STEP : id;
}

struct kf_go_lanes *kf_go_lanes_new(struct kf_go_wire *w, const struct kf_timeline *t)
{
	struct kf_go_lanes *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->w = w;
	l->n_threads = t->n_threads;
	l->n_cpus = t->n_cpus ? t->n_cpus : 1;
	l->threads = calloc(l->n_threads + 1, sizeof(*l->threads));
	l->cpus = calloc(l->n_cpus, sizeof(*l->cpus));
	l->nobody = kf_go_wire_lane(w, KF_GO_NO_THREAD);
	if (!l->threads || !l->cpus || !l->nobody) {
		kf_go_lanes_free(&l);
		return NULL;
	}
	for (size_t i = 0; i < l->n_threads; i++)
		l->threads[i].id = kf_go_thread_id(t->threads[i].tid, t->threads[i].reuse);
	for (size_t i = 0; i < l->n_cpus; i++)
		l->cpus[i].occupant = KF_NOBODY;
	l->status_has_stack = kf_go_wire_version(w) >= KF_GO_1_23;
	l->reason_evicted = kf_go_wire_string(w, "preempted");
	return l;
}

void kf_go_lanes_free(struct kf_go_lanes **l)
{
	if (!*l)
		return;
	free((*l)->threads);
	free((*l)->cpus);
	free(*l);
	*l = NULL;
}

static struct kf_go_lane *lane_of(struct kf_go_lanes *l, uint32_t thread)
{
	struct thread_lane *th;

	if (thread >= l->n_threads)
		return l->nobody;
	th = &l->threads[thread];
	if (!th->lane)
		th->lane = kf_go_wire_lane(l->w, th->id);
	return th->lane;
}

enum kf_go_state kf_go_lanes_state(const struct kf_go_lanes *l, uint32_t thread)
{
	return thread < l->n_threads ? l->threads[thread].state : KF_GO_ABSENT;
}

bool kf_go_lanes_on_cpu(const struct kf_go_lanes *l, uint32_t thread)
{
	enum kf_go_state state = kf_go_lanes_state(l, thread);

	return state == KF_GO_IS_RUNNING || state == KF_GO_IS_SYSCALL;
}

uint16_t kf_go_lanes_cpu(const struct kf_go_lanes *l, uint32_t thread)
{
	return kf_go_lanes_on_cpu(l, thread) ? l->threads[thread].cpu : KF_NO_CPU;
}

uint32_t kf_go_lanes_occupant(const struct kf_go_lanes *l, uint16_t cpu)
{
	return cpu < l->n_cpus ? l->cpus[cpu].occupant : KF_NOBODY;
}

uint16_t kf_go_lanes_pick_cpu(const struct kf_go_lanes *l, uint16_t cpu)
{
	size_t any = 0;

	if (cpu < l->n_cpus)
		return cpu;
	for (size_t i = 0; i < l->n_cpus; i++) {
		if (!l->cpus[i].declared)
			continue;
		if (l->cpus[i].occupant == KF_NOBODY)
			return (uint16_t)i;
		any = i;
	}
	return (uint16_t)any;
}

void kf_go_lanes_declare_cpu(struct kf_go_lanes *l, uint64_t ts_ns, uint16_t cpu)
{
	if (cpu >= l->n_cpus || l->cpus[cpu].declared)
		return;
	KF_GO_EVENT(l->w, l->nobody, ts_ns, KF_GO_PROC_STATUS, cpu, KF_GO_PROC_IDLE);
	l->cpus[cpu].declared = true;
}

static void put_status(struct kf_go_lanes *l, struct kf_go_lane *lane, uint64_t ts_ns, const struct thread_lane *th,
		       enum kf_go_status status, uint32_t stack)
{
	uint64_t m = status == KF_GO_SYSCALL || status == KF_GO_RUNNING ? th->id : KF_GO_NO_THREAD;

	if (l->status_has_stack && stack)
		KF_GO_EVENT(l->w, lane, ts_ns, KF_GO_STATUS_STACK, th->id, m, status, stack);
	else
		KF_GO_EVENT(l->w, lane, ts_ns, KF_GO_STATUS, th->id, m, status);
}

void kf_go_lanes_declare(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, enum kf_go_state state, uint32_t stack)
{
	struct thread_lane *th;

	if (kf_go_lanes_state(l, thread) != KF_GO_ABSENT || thread >= l->n_threads)
		return;
	th = &l->threads[thread];
	if (state == KF_GO_IS_ASLEEP)
		put_status(l, lane_of(l, thread), ts_ns, th, KF_GO_SYSCALL, stack);
	else
		put_status(l, l->nobody, ts_ns, th, state == KF_GO_IS_RUNNABLE ? KF_GO_RUNNABLE : KF_GO_WAITING, stack);
	th->state = state;
}

void kf_go_lanes_declare_running(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint16_t cpu, bool in_syscall,
				 uint32_t stack)
{
	struct thread_lane *th;

	if (kf_go_lanes_state(l, thread) != KF_GO_ABSENT || thread >= l->n_threads)
		return;
	cpu = kf_go_lanes_pick_cpu(l, cpu);
	if (l->cpus[cpu].declared) {
		kf_go_lanes_run(l, ts_ns, thread, cpu);
		if (in_syscall)
			kf_go_lanes_enter(l, ts_ns, thread, stack);
		return;
	}
	th = &l->threads[thread];
	/* The processor first: the viewer crashes on a goroutine that runs on none. */
	KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_PROC_STATUS, cpu,
		    in_syscall ? KF_GO_PROC_SYSCALL : KF_GO_PROC_RUNNING);
	put_status(l, lane_of(l, thread), ts_ns, th, in_syscall ? KF_GO_SYSCALL : KF_GO_RUNNING, stack);
	th->state = in_syscall ? KF_GO_IS_SYSCALL : KF_GO_IS_RUNNING;
	th->cpu = cpu;
	l->cpus[cpu].declared = true;
	l->cpus[cpu].occupant = thread;
}

static void leave_cpu(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, enum kf_go_state state)
{
	struct thread_lane *th = &l->threads[thread];

	KF_GO_EVENT0(l->w, lane_of(l, thread), ts_ns, KF_GO_PROC_STOP);
	l->cpus[th->cpu].occupant = KF_NOBODY;
	th->state = state;
}

/* Makes a thread that is not on a CPU runnable. */
static void make_runnable(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread)
{
	struct thread_lane *th = &l->threads[thread];

	switch (th->state) {
	case KF_GO_ABSENT:
	case KF_GO_IS_GONE:
		/* Needs neither parent nor processor, and claims nothing about the time before. */
		KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_CREATE_SYSCALL, th->id);
		KF_GO_EVENT0(l->w, lane_of(l, thread), ts_ns, KF_GO_SYSCALL_END_BLOCKED);
		th->seq = 0;
		break;
	case KF_GO_IS_ASLEEP:
		KF_GO_EVENT0(l->w, lane_of(l, thread), ts_ns, KF_GO_SYSCALL_END_BLOCKED);
		break;
	case KF_GO_IS_WAITING:
		KF_GO_EVENT(l->w, l->nobody, ts_ns, KF_GO_UNBLOCK, th->id, ++th->seq, 0);
		break;
	default:
		return;
	}
	th->state = KF_GO_IS_RUNNABLE;
}

void kf_go_lanes_run(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint16_t cpu)
{
	struct kf_go_why evicted = { l->reason_evicted, 0 };
	struct thread_lane *th;

	if (thread >= l->n_threads)
		return;
	cpu = kf_go_lanes_pick_cpu(l, cpu);
	th = &l->threads[thread];
	if (kf_go_lanes_on_cpu(l, thread)) {
		if (th->cpu == cpu)
			return;
		kf_go_lanes_stop(l, ts_ns, thread, evicted);
	}
	if (l->cpus[cpu].occupant != KF_NOBODY)
		kf_go_lanes_stop(l, ts_ns, l->cpus[cpu].occupant, evicted);
	kf_go_lanes_declare_cpu(l, ts_ns, cpu);
	make_runnable(l, ts_ns, thread);
	KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_PROC_START, cpu, ++l->cpus[cpu].seq);
	KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_START, th->id, ++th->seq);
	th->state = KF_GO_IS_RUNNING;
	th->cpu = cpu;
	l->cpus[cpu].occupant = thread;
}

/* Makes it running, outside any shown syscall. */
static void make_running(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread)
{
	if (!kf_go_lanes_on_cpu(l, thread))
		kf_go_lanes_run(l, ts_ns, thread, KF_NO_CPU);
	kf_go_lanes_leave(l, ts_ns, thread);
}

void kf_go_lanes_stop(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, struct kf_go_why why)
{
	if (thread >= l->n_threads)
		return;
	make_running(l, ts_ns, thread);
	KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_STOP, why.reason, why.stack);
	leave_cpu(l, ts_ns, thread, KF_GO_IS_RUNNABLE);
}

void kf_go_lanes_block(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, struct kf_go_why why)
{
	if (thread >= l->n_threads)
		return;
	make_running(l, ts_ns, thread);
	KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_BLOCK, why.reason, why.stack);
	leave_cpu(l, ts_ns, thread, KF_GO_IS_WAITING);
}

void kf_go_lanes_sleep(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t stack)
{
	if (thread >= l->n_threads)
		return;
	if (!kf_go_lanes_on_cpu(l, thread))
		make_running(l, ts_ns, thread);
	kf_go_lanes_enter(l, ts_ns, thread, stack);
	leave_cpu(l, ts_ns, thread, KF_GO_IS_ASLEEP);
}

void kf_go_lanes_wake(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t waker, uint32_t stack)
{
	struct thread_lane *th;

	if (thread >= l->n_threads)
		return;
	th = &l->threads[thread];
	if (th->state == KF_GO_IS_WAITING) {
		KF_GO_EVENT(l->w, lane_of(l, waker), ts_ns, KF_GO_UNBLOCK, th->id, ++th->seq, stack);
		th->state = KF_GO_IS_RUNNABLE;
	} else if (!kf_go_lanes_on_cpu(l, thread)) {
		make_runnable(l, ts_ns, thread);
	}
}

void kf_go_lanes_create(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t parent, uint32_t stack,
			uint32_t parent_stack)
{
	struct thread_lane *th;
	bool in_syscall;

	if (thread >= l->n_threads || l->threads[thread].state != KF_GO_ABSENT)
		return;
	th = &l->threads[thread];
	if (!kf_go_lanes_on_cpu(l, parent)) {
		make_runnable(l, ts_ns, thread);
		return;
	}
	in_syscall = l->threads[parent].state == KF_GO_IS_SYSCALL;
	kf_go_lanes_leave(l, ts_ns, parent); /* the format does not allow a birth from inside a syscall */
	KF_GO_EVENT(l->w, lane_of(l, parent), ts_ns, KF_GO_CREATE, th->id, stack, parent_stack);
	if (in_syscall)
		kf_go_lanes_enter(l, ts_ns, parent, parent_stack);
	th->state = KF_GO_IS_RUNNABLE;
}

void kf_go_lanes_exit(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread)
{
	enum kf_go_state state = kf_go_lanes_state(l, thread);

	if (state == KF_GO_ABSENT || state == KF_GO_IS_GONE)
		return;
	make_running(l, ts_ns, thread);
	KF_GO_EVENT0(l->w, lane_of(l, thread), ts_ns, KF_GO_DESTROY);
	leave_cpu(l, ts_ns, thread, KF_GO_IS_GONE);
}

void kf_go_lanes_enter(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t stack)
{
	struct thread_lane *th;

	if (kf_go_lanes_state(l, thread) != KF_GO_IS_RUNNING)
		return;
	th = &l->threads[thread];
	KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_SYSCALL_BEGIN, ++l->cpus[th->cpu].seq, stack);
	th->state = KF_GO_IS_SYSCALL;
}

void kf_go_lanes_leave(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread)
{
	if (kf_go_lanes_state(l, thread) != KF_GO_IS_SYSCALL)
		return;
	KF_GO_EVENT0(l->w, lane_of(l, thread), ts_ns, KF_GO_SYSCALL_END);
	l->threads[thread].state = KF_GO_IS_RUNNING;
}

void kf_go_lanes_procs(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t n_cpus)
{
	if (kf_go_lanes_on_cpu(l, thread))
		KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_PROCS_CHANGE, n_cpus, 0);
}

void kf_go_lanes_label(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint32_t label)
{
	if (kf_go_lanes_on_cpu(l, thread))
		KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_LABEL, label);
}

void kf_go_lanes_log(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t task, uint32_t key,
		     uint32_t value)
{
	if (kf_go_lanes_on_cpu(l, thread))
		KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_LOG, task, key, value, 0);
}

void kf_go_lanes_task_begin(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t task, uint32_t name)
{
	if (kf_go_lanes_on_cpu(l, thread))
		KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_TASK_BEGIN, task, 0, name, 0);
}

void kf_go_lanes_task_end(struct kf_go_lanes *l, uint64_t ts_ns, uint32_t thread, uint64_t task)
{
	if (kf_go_lanes_on_cpu(l, thread))
		KF_GO_EVENT(l->w, lane_of(l, thread), ts_ns, KF_GO_TASK_END, task, 0);
}

void kf_go_lanes_close(struct kf_go_lanes *l, uint64_t ts_ns)
{
	static const enum kf_go_status as[] = {
		[KF_GO_IS_RUNNABLE] = KF_GO_RUNNABLE,
		[KF_GO_IS_RUNNING] = KF_GO_RUNNING,
		[KF_GO_IS_SYSCALL] = KF_GO_SYSCALL,
		[KF_GO_IS_WAITING] = KF_GO_WAITING,
	};
	uint32_t best = KF_NOBODY;

	for (uint32_t i = 0; i < l->n_threads; i++) {
		enum kf_go_state state = l->threads[i].state;

		if (state == KF_GO_IS_RUNNABLE || state == KF_GO_IS_WAITING) {
			put_status(l, l->nobody, ts_ns, &l->threads[i], as[state], 0);
			return;
		}
		if (state == KF_GO_IS_RUNNING || state == KF_GO_IS_SYSCALL)
			best = i;
	}
	if (best != KF_NOBODY)
		put_status(l, lane_of(l, best), ts_ns, &l->threads[best], as[l->threads[best].state], 0);
}
