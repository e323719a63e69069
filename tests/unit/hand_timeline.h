/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hand_timeline.h - a small timeline whose every number is known, for the tests of the outputs.
 *
 * Two CPUs from 1 ms to 101 ms. Thread indices are HAND_*; all times are ms:
 *
 *	CPU 0   idle 1-10 | redis 10-17 | cron 17-20 | idle 20-21 | nginx 21-30 | unknown 30-40 | hog 40-101
 *	CPU 1   hog 1-40 | idle 40-101
 *
 *	gaps    nginx 10-21, woken by redis, CPU 0
 *	        nginx 30-101, preempted, open, CPU 0: unknown, then hog
 *	        cron 12-17: CPU 1 until 15, then CPU 0
 *
 * Interrupts are known everywhere, and there are none; hand_take() adds some. Priorities, affinity and cgroups are not
 * known; hand_prio(), hand_allow() and hand_group() tell them.
 */
#ifndef KF_TESTS_HAND_TIMELINE_H
#define KF_TESTS_HAND_TIMELINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/parts.h"
#include "model/timeline.h"
#include "snapshot/snapshot.h"

#define MS(n) ((uint64_t)(n)*1000000)

enum { HAND_NGINX, HAND_REDIS, HAND_CRON, HAND_HOG, HAND_KSOFTIRQD, HAND_THREADS };
enum { HAND_GAP_CRON, HAND_GAP_NGINX, HAND_GAP_OPEN, HAND_GAPS };

#define HAND_TAKEN  16 /* per CPU */
#define HAND_GROUPS 4

/* Paths of cgroups: pod 2ca4a155-..., container 0ba8ac17e4e7. */
#define HAND_POD       "/kubepods/burstable/pod2ca4a155-3599-498d-bb9d-4446693fa3ea"
#define HAND_CONTAINER "0ba8ac17e4e7a31fb82279503552fe94e64bab4745bf6fd2ff231e7c8ca8bed0"

struct hand {
	struct kf_timeline timeline;
	struct kf_thread threads[HAND_THREADS];
	struct kf_cpu cpus[2];
	struct kf_run runs0[7];
	struct kf_run runs1[2];
	struct kf_stretch stretches[4];
	struct kf_gap gaps[HAND_GAPS];
	struct kf_transition moves[8];
	struct kf_taken taken[2][HAND_TAKEN];
	struct kf_prio_change prios[8];
	struct kf_group groups[HAND_GROUPS];
	struct kf_mask masks[HAND_THREADS];
	char irqs[128]; /* "24 virtio0-input.0" lines */
};

/* An interrupt, softirq or steal of ns between start and end (in ns, not ms): `kind` is an enum kf_part_kind. In order of
 * their ends. */
static inline void hand_take(struct hand *h, unsigned int cpu, uint8_t kind, uint16_t vector, uint64_t start_ns,
			     uint64_t end_ns, uint64_t ns)
{
	struct kf_cpu *on = &h->cpus[cpu];

	on->taken = h->taken[cpu];
	if (on->n_taken >= HAND_TAKEN)
		abort();
	on->taken[on->n_taken++] =
		(struct kf_taken){ .start_ns = start_ns, .end_ns = end_ns, .ns = ns, .kind = kind, .vector = vector };
}

/* All through the window. Once for each thread. */
static inline void hand_prio(struct hand *h, uint32_t thread, uint16_t prio)
{
	h->threads[thread].prio = prio;
}

/* Once for each thread. */
static inline void hand_allow(struct hand *h, uint32_t thread, uint64_t cpus)
{
	h->threads[thread].allowed = (uint32_t)h->timeline.n_masks;
	h->masks[h->timeline.n_masks++].words[0] = cpus;
}

/* Gives its index. */
static inline uint32_t hand_group(struct hand *h, const char *path, uint64_t quota_ns, uint64_t period_ns)
{
	uint32_t index = (uint32_t)h->timeline.n_cgroups++;

	if (index >= HAND_GROUPS)
		abort();
	h->groups[index] = (struct kf_group){ .path = path,
					      .id = 100 + index,
					      .parent = KF_NO_CGROUP,
					      .limiting = quota_ns ? index : KF_NO_CGROUP,
					      .quota_ns = quota_ns,
					      .period_ns = period_ns };
	kf_container_of(path, &h->groups[index].container);
	return index;
}

static inline void hand_name(struct kf_thread *th, uint32_t tid, const char *comm)
{
	*th = (struct kf_thread){
		.tid = tid, .tgid = tid, .process_leader = true, .cgroup = KF_NO_CGROUP, .allowed = KF_NO_MASK
	};
	snprintf(th->comm, sizeof(th->comm), "%s", comm);
	memcpy(th->process_comm, th->comm, sizeof(th->comm));
}

static inline void hand_threads(struct hand *h)
{
	hand_name(&h->threads[HAND_NGINX], 2144, "nginx");
	hand_name(&h->threads[HAND_REDIS], 812, "redis");
	hand_name(&h->threads[HAND_CRON], 77, "cron");
	hand_name(&h->threads[HAND_HOG], 900, "hog");
	hand_name(&h->threads[HAND_KSOFTIRQD], 31, "ksoftirqd/3");
	h->threads[HAND_KSOFTIRQD].kernel = true;
	h->threads[HAND_NGINX].running_ns = MS(9);
	h->threads[HAND_NGINX].runnable_ns = MS(82);
	h->threads[HAND_NGINX].n_gaps = 2;
	h->threads[HAND_NGINX].worst_gap_ns = MS(71);
	h->threads[HAND_NGINX].blocked_ns = MS(9);
	h->threads[HAND_NGINX].blocked_by_ns[KF_WAIT_POLL] = MS(7);
	h->threads[HAND_NGINX].blocked_by_ns[KF_WAIT_DISK] = MS(2);
	h->threads[HAND_CRON].runnable_ns = MS(5);
	h->threads[HAND_CRON].n_gaps = 1;
	h->threads[HAND_CRON].worst_gap_ns = MS(5);
	h->threads[HAND_HOG].running_ns = MS(100);
}

static inline void hand_init(struct hand *h)
{
	const struct kf_run runs0[] = {
		{ MS(1), MS(10), KF_IDLE },    { MS(10), MS(17), HAND_REDIS }, { MS(17), MS(20), HAND_CRON },
		{ MS(20), MS(21), KF_IDLE },   { MS(21), MS(30), HAND_NGINX }, { MS(30), MS(40), KF_NOT_KNOWN },
		{ MS(40), MS(101), HAND_HOG },
	};
	const struct kf_run runs1[] = { { MS(1), MS(40), HAND_HOG }, { MS(40), MS(101), KF_IDLE } };
	const struct kf_stretch stretches[] = {
		{ MS(12), MS(15), 1 }, { MS(15), MS(17), 0 }, { MS(10), MS(21), 0 }, { MS(30), MS(101), 0 }
	};

	memset(h, 0, sizeof(*h));
	hand_threads(h);
	memcpy(h->runs0, runs0, sizeof(runs0));
	memcpy(h->runs1, runs1, sizeof(runs1));
	memcpy(h->stretches, stretches, sizeof(stretches));
	h->cpus[0] = (struct kf_cpu){ .runs = h->runs0, .n_runs = 7 };
	h->cpus[1] = (struct kf_cpu){ .runs = h->runs1, .n_runs = 2 };
	h->gaps[HAND_GAP_CRON] = (struct kf_gap){ .thread = HAND_CRON,
						  .cause = KF_CAUSE_WOKEN,
						  .kind = KF_GAP_QUEUED,
						  .cgroup = KF_NO_CGROUP,
						  .waker = HAND_KSOFTIRQD,
						  .start_ns = MS(12),
						  .end_ns = MS(17),
						  .n_stretches = 2 };
	h->gaps[HAND_GAP_NGINX] = (struct kf_gap){ .thread = HAND_NGINX,
						   .cause = KF_CAUSE_WOKEN,
						   .kind = KF_GAP_QUEUED,
						   .cgroup = KF_NO_CGROUP,
						   .waker = HAND_REDIS,
						   .start_ns = MS(10),
						   .end_ns = MS(21),
						   .first_stretch = 2,
						   .n_stretches = 1 };
	h->gaps[HAND_GAP_OPEN] = (struct kf_gap){ .thread = HAND_NGINX,
						  .cause = KF_CAUSE_PREEMPTED,
						  .kind = KF_GAP_PREEMPTED,
						  .cgroup = KF_NO_CGROUP,
						  .open = true,
						  .waker = KF_NOBODY,
						  .start_ns = MS(30),
						  .end_ns = MS(101),
						  .first_stretch = 3,
						  .n_stretches = 1 };
	h->timeline = (struct kf_timeline){ .floor_ns = MS(1),
					    .end_ns = MS(101),
					    .threads = h->threads,
					    .n_threads = HAND_THREADS,
					    .moves = h->moves,
					    .cpus = h->cpus,
					    .n_cpus = 2,
					    .gaps = h->gaps,
					    .n_gaps = HAND_GAPS,
					    .stretches = h->stretches,
					    .n_stretches = 4,
					    .prios = h->prios,
					    .cgroups = h->groups,
					    .masks = h->masks,
					    .irqs = h->irqs };
}

/* A snapshot without records that says of itself what the timeline needs: asked for, complete, 2026-11-21 08:15:02. */
static inline struct kf_snapshot *hand_snapshot(void)
{
	struct kf_snapshot *s = kf_snapshot_new(2);

	if (!s)
		return NULL;
	s->mono_ns = MS(101);
	s->real_ns = 1795248902ULL * 1000000000 + 123456000;
	s->started_ns = MS(1);
	s->floor_ns = MS(1);
	s->end_ns = MS(101);
	s->window_ns = MS(100);
	s->sources = KF_SOURCES_ALL;
	s->trigger = (struct kf_trigger){ .kind = KF_TRIGGER_REQUEST, .ts_ns = MS(101) };
	if (kf_snapshot_set(&s->host, "web1") || kf_snapshot_set(&s->kernel, "6.18.0"))
		kf_snapshot_free(&s);
	return s;
}

#endif
