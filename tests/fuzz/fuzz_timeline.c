/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any rings whatever must give a timeline that keeps its promises, and findings that have all their words.
 *
 * The input is a list of 12-byte commands, most of which become plausible records about a handful of threads and CPUs
 * (so that they contradict each other in every way); some become raw bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/check.h"
#include "model/parts.h"
#include "model/timeline.h"
#include "rules/finding.h"
#include "snapshot/snapshot.h"

#define N_CPUS	 3
#define FLOOR_NS 1000000
#define END_NS	 2000000
/* A fourth of the times lies outside the window. */
#define SPAN_NS 1333333

struct command {
	uint8_t kind, cpu, tid, peer;
	uint8_t flags, state, wait, cpus;
	uint16_t ahead; /* of the record before it on this CPU, or absolute in 1/65536 of the span */
	uint16_t nr;
};

static void add(struct kf_ring_copy *ring, const void *slot)
{
	memcpy(&ring->slots[ring->n_slots++], slot, KF_SLOT_BYTES);
	ring->written++;
}

static enum kf_class class_of(uint8_t kind)
{
	if (kind >= KF_IRQ)
		return KF_CLASS_TAKEN;
	if (kind == KF_PRIO)
		return KF_CLASS_SCHED;
	if (kind == KF_SYSCALL)
		return KF_CLASS_SYSCALL;
	return kind >= KF_FORK ? KF_CLASS_LIFE : KF_CLASS_SCHED;
}

static void add_more(struct kf_ring_copy *ring, const struct command *c, enum kf_class class)
{
	struct kf_slot_args args = { .kind = KF_MORE, .state = c->state & 0x83, .arg0 = c->nr, .arg1 = c->wait };
	struct kf_slot_name name = { .kind = KF_MORE, .start_time_ns = c->wait };

	memset(name.comm_lo, 'a' + c->wait % 26, sizeof(name.comm_lo));
	memset(name.comm_hi, c->state, sizeof(name.comm_hi));
	if (class == KF_CLASS_LIFE)
		add(ring, &name);
	else
		add(ring, &args);
}

static void add_record(struct kf_snapshot *s, const struct command *c, uint64_t clock[N_CPUS])
{
	uint8_t kind = 1 + c->kind % KF_THROTTLE;
	enum kf_class class = class_of(kind);
	uint32_t cpu = c->cpu % N_CPUS;
	struct kf_ring_copy *ring = &s->rings[class][cpu];
	struct kf_slot slot = { .kind = kind, .tid = c->tid % 8, .peer = c->peer % 8, .flags = c->flags, .nr = c->nr };

	if (c->kind & 0x80)
		clock[cpu] = FLOOR_NS - SPAN_NS / 8 + (uint64_t)c->ahead * SPAN_NS / 65536;
	else
		clock[cpu] += c->ahead & 0x3fff;
	slot.ts_ns = clock[cpu];
	if (kind == KF_SWITCH) {
		slot.waker = c->state % 8;
		slot.wait = c->wait == 255 ? KF_WAIT_UNKNOWN : (uint32_t)c->wait * c->wait;
	} else if (kind == KF_SYSCALL) {
		slot.start_ns = slot.ts_ns - (uint64_t)c->wait * 4096;
	} else if (kind == KF_THROTTLE) {
		slot.peer = (uint32_t)c->wait * c->wait;
		slot.cgroup_id = c->state % 8;
	} else if (class == KF_CLASS_TAKEN) {
		slot.start_ns = slot.ts_ns - (uint64_t)c->wait * c->wait;
		slot.peer = c->state == 255 ? UINT32_MAX : (uint32_t)c->state * c->wait;
	} else if (class == KF_CLASS_LIFE) {
		slot.tgid = c->state % 8;
	} else {
		slot.cpu = c->cpus % 4;
		slot.arg0_hi = c->cpus / 4 % 4;
	}
	if (kind == KF_PRIO) {
		slot.peer = c->cpus | KF_PRIO_KNOWN;
		slot.flags &= ~KF_F_MORE;
	} else if (class == KF_CLASS_LIFE) {
		slot.flags |= KF_F_MORE;
	} else if (class == KF_CLASS_TAKEN) {
		slot.flags &= ~KF_F_MORE;
	}
	add(ring, &slot);
	if (slot.flags & KF_F_MORE)
		add_more(ring, c, class);
}

static void add_task(struct kf_snapshot *s, const struct command *c)
{
	struct kf_task *task = &s->tasks[s->n_tasks++];

	*task = (struct kf_task){ .tid = c->tid % 12,
				  .tgid = c->peer,
				  .start_time_ns = c->wait,
				  .scanned_ns = END_NS + SPAN_NS,
				  .state = c->state,
				  .cpu = c->cpu % 4,
				  .flags = c->flags,
				  .nr = c->nr,
				  .prio = c->nr,
				  .cgroup_id = c->cpus % 8,
				  .allowed = { c->cpus } };
	if (c->wait > 200)
		task->start_time_ns = FLOOR_NS + c->ahead * 20;
	memset(task->comm, 'x', sizeof(task->comm));
}

/* Eight cgroups, whose parents and quotas the first bytes tell. */
static void add_groups(struct kf_snapshot *s, const uint8_t *data, size_t size)
{
	s->cgroups = calloc(8, sizeof(*s->cgroups));
	for (; s->n_cgroups < 8; s->n_cgroups++) {
		uint8_t byte = s->n_cgroups < size ? data[s->n_cgroups] : 0;

		s->cgroups[s->n_cgroups] = (struct kf_cgroup){ .id = byte % 8,
							       .parent_id = byte / 8 % 8,
							       .quota_ns = byte / 64,
							       .period_ns = byte,
							       .path = strdup("/x") };
	}
}

static void check(const struct kf_timeline *t, struct kf_error *e)
{
	struct kf_parts parts = { 0 };

	if (kf_timeline_check(t, e)) {
		fprintf(stderr, "%s\n", e->message);
		abort();
	}
	for (size_t i = 0; i < t->n_gaps; i++) {
		uint64_t sum = 0;

		if (kf_gap_parts(t, &t->gaps[i], &parts, e))
			abort();
		for (size_t k = 0; k < parts.n; k++) {
			if (parts.items[k].ns > t->gaps[i].end_ns - t->gaps[i].start_ns)
				abort();
			sum += parts.items[k].ns;
		}
		if (sum != t->gaps[i].end_ns - t->gaps[i].start_ns) {
			fprintf(stderr, "the parts of gap %zu do not add up\n", i);
			abort();
		}
	}
	kf_parts_release(&parts);
}

/* With thresholds so low that every rule has something to say. */
static void find(const struct kf_timeline *t, struct kf_error *e)
{
	struct kf_rule_threshold lowest[32];
	struct kf_rule_options o = { .thresholds = lowest };
	struct kf_findings f;

	for (; kf_rules()[o.n_thresholds]; o.n_thresholds++)
		lowest[o.n_thresholds] = (struct kf_rule_threshold){ kf_rules()[o.n_thresholds], 1, 2 };
	if (kf_findings_find(&f, t, NULL, &o, e))
		abort();
	for (size_t i = 0; i < f.n; i++)
		if (!f.items[i].message[0] || !f.items[i].suggestion[0] || !f.items[i].count)
			abort();
	kf_findings_release(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kf_snapshot *s = kf_snapshot_new(N_CPUS);
	size_t n = size / sizeof(struct command);
	uint64_t clock[N_CPUS] = { FLOOR_NS, FLOOR_NS, FLOOR_NS };
	struct kf_timeline *t = NULL;
	struct kf_error e = { 0 };

	s->floor_ns = FLOOR_NS;
	s->end_ns = END_NS;
	for (int class = 0; class < KF_CLASSES; class ++)
		for (int cpu = 0; cpu < N_CPUS; cpu++)
			s->rings[class][cpu].slots = calloc(2 * n + 1, KF_SLOT_BYTES);
	s->tasks = calloc(n + 1, sizeof(*s->tasks));
	add_groups(s, data, size);
	for (size_t i = 0; i < n; i++) {
		struct command c;

		memcpy(&c, data + i * sizeof(c), sizeof(c));
		if (c.kind % 16 == 15) {
			add_task(s, &c);
		} else if (c.kind % 64 == 14) {
			struct kf_slot raw = { 0 };

			memcpy(&raw, &c, sizeof(c));
			memcpy((char *)&raw + 16, &c, sizeof(c));
			add(&s->rings[c.cpu % KF_CLASSES][c.cpus % N_CPUS], &raw);
		} else {
			add_record(s, &c, clock);
		}
	}
	if (!kf_timeline_build(&t, s, &e)) {
		check(t, &e);
		find(t, &e);
	}
	kf_timeline_free(&t);
	kf_snapshot_free(&s);
	return 0;
}
