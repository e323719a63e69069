/* SPDX-License-Identifier: BSD-2-Clause */
/* window.c - copies the held window out of the rings, and finds out from when to when it is whole. */
#include "capture/recorder.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/error.h"
#include "capture/recorder_internal.h"
#include "capture/shed.h"
#include "snapshot/snapshot.h"

#include "kflight.skel.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * The copier should not itself wait long behind what it is to show. But no real-time priority: the hold protects the window
 * however late the copy is, while a large copy at such a priority would keep others off its CPU for a fifth of a second.
 * Best effort: without the right it copies as it is.
 */
static int hurry(void)
{
	int was = getpriority(PRIO_PROCESS, 0);

	setpriority(PRIO_PROCESS, 0, -20);
	return was;
}

/* Start of what belongs to this snapshot: the wish, counted back from the trigger (--after is part of it). */
static uint64_t window_from(const struct kf_recorder *r, const struct kf_trigger *trigger)
{
	uint64_t back_ns = r->window_ns > r->after_ns ? r->window_ns - r->after_ns : r->window_ns;

	return back_ns && back_ns < trigger->ts_ns ? trigger->ts_ns - back_ns : 0;
}

/* Refused because of an earlier hold, or because one process had its share. */
static void note_refused(struct kf_ring_copy *copy, const struct kf_ring_head *ring, uint64_t hole_until_ns)
{
	copy->drop_last_ns = ring->flood_last_ns > hole_until_ns ? ring->flood_last_ns : hole_until_ns;
}

/*
 * A little more than the window is copied: who slept less than KF_LONG_WAIT_NS when the window begins, fell asleep in that
 * time; who slept longer, is told of by the record that ends the sleep.
 */
static int copy_rings(const struct kf_recorder *r, uint64_t from_ns, struct kf_snapshot *s, struct kf_error *e)
{
	uint64_t lead_ns = from_ns > KF_LONG_WAIT_NS ? from_ns - KF_LONG_WAIT_NS : 0;

	for (int class = 0; class < KF_CLASSES; class ++)
		for (uint32_t cpu = 0; cpu < r->plan.n_cpus; cpu++) {
			/* Names are wanted from as far back as there are any. */
			uint64_t since = class == KF_CLASS_LIFE ? 0 : lead_ns;

			if (kf_ring_read(&s->rings[class][cpu], kf_recorder_ring(r, class, cpu), r->plan.slots[class],
					 since, r->started_ns, e))
				return -1;
			note_refused(&s->rings[class][cpu], kf_recorder_ring(r, class, cpu), r->hole_until_ns);
		}
	return 0;
}

/*
 * One floor for all CPUs: before the latest of their oldest records the picture is not whole, nor is it while records
 * were dropped. The other classes have no say: losing names or syscalls leaves the picture of who ran whole.
 */
static void find_bounds(const struct kf_recorder *r, uint64_t from_ns, struct kf_snapshot *s)
{
	s->floor_ns = from_ns > r->started_ns ? from_ns : r->started_ns;
	if (r->hole_until_ns > s->floor_ns)
		s->floor_ns = r->hole_until_ns;
	for (uint32_t cpu = 0; cpu < r->plan.n_cpus; cpu++) {
		const struct kf_ring_copy *ring = &s->rings[KF_CLASS_SCHED][cpu];

		if (ring->oldest_ns > s->floor_ns)
			s->floor_ns = ring->oldest_ns;
		if (ring->drop_first_ns && ring->drop_first_ns < s->end_ns)
			s->end_ns = ring->drop_first_ns;
	}
	if (s->floor_ns > s->end_ns) /* nothing is whole: say so with an empty window */
		s->floor_ns = s->end_ns;
}

/*
 * Ends the hold. What was dropped in it, up to its very end (the copies were made earlier), is a hole in the windows to
 * come: they begin after it.
 */
static void release(struct kf_recorder *r)
{
	kf_recorder_command(r->bpf->progs.release_window);
	for (uint32_t cpu = 0; cpu < r->plan.n_cpus; cpu++)
		if (kf_recorder_ring(r, KF_CLASS_SCHED, cpu)->drop_first_ns)
			r->hole_until_ns = kf_monotonic_ns();
}

static uint64_t missed_runs(const struct kf_recorder *r)
{
	struct bpf_program *program;
	uint64_t missed = 0;

	bpf_object__for_each_program(program, r->bpf->obj)
	{
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			missed += info.recursion_misses;
	}
	return missed;
}

static void copy_counters(const struct kf_recorder *r, struct kf_snapshot *s)
{
	const struct kf_counters *counters = &r->bpf->bss->counters;

	for (int kind = 0; kind < KF_TRIGGER_KINDS; kind++) {
		s->counts[kind].hits = counters->hits[kind];
		s->counts[kind].cooling = counters->cooling[kind];
		s->counts[kind].busy = counters->busy[kind];
	}
	s->losses.missed_runs = missed_runs(r);
	s->losses.no_state = counters->no_state;
	s->losses.bad_waits = counters->bad_waits;
	s->losses.lost_triggers = counters->lost_triggers;
	s->losses.flooded = counters->flooded;
}

static const struct kf_task *find_task(const struct kf_snapshot *s, uint32_t tid)
{
	for (size_t i = 0; i < s->n_tasks; i++)
		if (s->tasks[i].tid == tid)
			return &s->tasks[i];
	return NULL;
}

/* A trigger of an open wait comes from the timer, which has no task at hand. */
static void name_trigger(struct kf_snapshot *s)
{
	const struct kf_task *task = find_task(s, s->trigger.tid);
	const struct kf_task *leader = find_task(s, s->trigger.tgid);

	if (!s->trigger.comm[0] && task)
		memcpy(s->trigger.comm, task->comm, KF_COMM_BYTES);
	if (!s->trigger.process_comm[0] && leader)
		memcpy(s->trigger.process_comm, leader->comm, KF_COMM_BYTES);
}

static int scan_tasks(const struct kf_recorder *r, struct kf_snapshot *s, struct kf_error *e)
{
	void *bytes;
	size_t len;

	if (kf_recorder_scan(r->bpf->progs.scan_threads, &bytes, &len, e)) {
		free(bytes);
		return -1;
	}
	s->tasks = bytes;
	s->n_tasks = len / sizeof(*s->tasks);
	return 0;
}

static void read_clocks(struct kf_snapshot *s)
{
	s->mono_ns = clock_ns(CLOCK_MONOTONIC);
	s->real_ns = clock_ns(CLOCK_REALTIME);
	s->boot_ns = clock_ns(CLOCK_BOOTTIME);
}

int kf_recorder_copy(struct kf_recorder *r, const struct kf_trigger *trigger, struct kf_snapshot **out,
		     struct kf_error *e)
{
	struct kf_snapshot *s = kf_snapshot_new(r->plan.n_cpus);
	uint64_t from_ns = window_from(r, trigger);
	int failed, nice_before;

	if (!s) {
		release(r);
		return kf_fail_memory(e, "a snapshot");
	}
	s->started_ns = r->started_ns;
	s->window_ns = r->window_ns;
	s->after_ns = r->after_ns;
	s->trigger = *trigger;
	nice_before = hurry();
	read_clocks(s);
	s->end_ns = s->mono_ns; /* every ring is read after this: all hold whatever happened before */
	failed = copy_rings(r, from_ns, s, e);
	if (!failed)
		find_bounds(r, from_ns, s); /* with what is known of earlier holes: before this one is noted */
	kf_recorder_claim_sources(r, s);
	release(r);
	setpriority(PRIO_PROCESS, 0, nice_before);
	if (!failed) {
		copy_counters(r, s);
		failed = scan_tasks(r, s, e);
	}
	if (failed) {
		kf_snapshot_free(&s);
		return -1;
	}
	name_trigger(s);
	*out = s;
	return 0;
}
