/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/events.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bisect.h"
#include "base/error.h"
#include "snapshot/snapshot.h"

/* One ring: its records by time. */
struct source {
	const struct kf_slot *slots;
	size_t n_slots;
	uint32_t *order; /* its records by time: indices of slots */
	size_t n;
	size_t first; /* the first one that is merged */
	size_t next;
	uint32_t cpu;
	uint8_t class;
};

/* Head of a source in the merge heap. */
struct head {
	uint64_t ts_ns;
	uint32_t rank; /* order at one time */
	uint32_t source;
};

struct kf_events {
	struct source *sources; /* class by class, n_cpus each */
	size_t n_sources;
	uint32_t n_cpus;
	struct head *heap;
	size_t n_heap;
	uint64_t n_bad;
};

/* KF_CLASS_TAKEN changes no thread's state: taken.h reads it by itself. */
#define CLASSES_IN_TIME KF_CLASS_TAKEN

static bool belongs(uint8_t kind, uint8_t class)
{
	switch (class) {
	case KF_CLASS_SCHED:
		return (kind >= KF_SWITCH && kind <= KF_MIGRATE) || kind == KF_PRIO;
	case KF_CLASS_SYSCALL:
		return kind == KF_SYSCALL;
	case KF_CLASS_LIFE:
		return kind >= KF_FORK && kind <= KF_RENAME;
	}
	return false;
}

static bool has_more(const struct source *s, size_t slot)
{
	return (s->slots[slot].flags & KF_F_MORE) && slot + 1 < s->n_slots && s->slots[slot + 1].kind == KF_MORE;
}

static uint64_t time_of(const struct source *s, size_t at)
{
	return s->slots[s->order[at]].ts_ns;
}

static int compare_slots(const void *a, const void *b, void *slots)
{
	const uint32_t *x = a, *y = b;
	uint64_t x_ns = ((const struct kf_slot *)slots)[*x].ts_ns, y_ns = ((const struct kf_slot *)slots)[*y].ts_ns;

	if (x_ns != y_ns)
		return x_ns < y_ns ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* Insertion is linear for what nesting does to the order; shuffled (hostile) rings run out of budget and are sorted. */
static void sort_records(struct source *s)
{
	size_t budget = 4 * s->n;

	for (size_t i = 1; i < s->n; i++) {
		uint32_t slot = s->order[i];
		size_t at = i;

		for (; at && time_of(s, at - 1) > s->slots[slot].ts_ns && budget; at--, budget--)
			s->order[at] = s->order[at - 1];
		s->order[at] = slot;
		if (!budget) {
			qsort_r(s->order, s->n, sizeof(*s->order), compare_slots, (void *)s->slots);
			return;
		}
	}
}

static size_t first_at(const struct source *s, uint64_t ts_ns)
{
	return KF_BISECT(s->n, i, time_of(s, i) < ts_ns);
}

static int index_ring(struct kf_events *ev, struct source *s, uint64_t floor_ns, struct kf_error *e)
{
	s->order = s->n_slots ? malloc(s->n_slots * sizeof(*s->order)) : NULL;
	if (s->n_slots && !s->order)
		return kf_fail_memory(e, "order of records");
	for (size_t i = 0; i < s->n_slots; i++) {
		if (!belongs(s->slots[i].kind, s->class)) {
			ev->n_bad++;
			continue;
		}
		s->order[s->n++] = (uint32_t)i;
		i += has_more(s, i);
	}
	sort_records(s);
	s->first = s->class == KF_CLASS_LIFE ? 0 : first_at(s, floor_ns);
	s->next = s->first;
	return 0;
}

static bool is_before(const struct head *a, const struct head *b)
{
	return a->ts_ns != b->ts_ns ? a->ts_ns < b->ts_ns : a->rank < b->rank;
}

static void sift_down(struct kf_events *ev, size_t at)
{
	struct head head = ev->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= ev->n_heap)
			break;
		if (child + 1 < ev->n_heap && is_before(&ev->heap[child + 1], &ev->heap[child]))
			child++;
		if (!is_before(&ev->heap[child], &head))
			break;
		ev->heap[at] = ev->heap[child];
		at = child;
	}
	ev->heap[at] = head;
}

static struct head head_of(const struct kf_events *ev, uint32_t source)
{
	const struct source *s = &ev->sources[source];
	const struct kf_slot *slot = &s->slots[s->order[s->next]];
	uint32_t order = s->class == KF_CLASS_LIFE ? 0 : slot->kind == KF_SWITCH ? 2 : 1;

	return (struct head){ slot->ts_ns, order * ev->n_cpus + s->cpu, source };
}

static void build_heap(struct kf_events *ev)
{
	for (size_t i = 0; i < ev->n_sources; i++)
		if (ev->sources[i].next < ev->sources[i].n)
			ev->heap[ev->n_heap++] = head_of(ev, i);
	for (size_t i = ev->n_heap / 2; i-- > 0;)
		sift_down(ev, i);
}

static int index_rings(struct kf_events *ev, const struct kf_snapshot *s, struct kf_error *e)
{
	for (size_t i = 0; i < ev->n_sources; i++) {
		const struct kf_ring_copy *rings = s->rings[i / s->n_cpus];
		const struct kf_ring_copy *ring = rings ? &rings[i % s->n_cpus] : NULL;
		struct source *source = &ev->sources[i];

		source->slots = ring ? ring->slots : NULL;
		source->n_slots = ring && ring->slots ? ring->n_slots : 0;
		source->cpu = i % s->n_cpus;
		source->class = i / s->n_cpus;
		if (source->n_slots > UINT32_MAX)
			return kf_fail(e, KF_USAGE, NULL, "ring of CPU %u has too many records", source->cpu);
		if (index_ring(ev, source, s->floor_ns, e))
			return -1;
	}
	return 0;
}

int kf_events_open(struct kf_events **out, const struct kf_snapshot *s, struct kf_error *e)
{
	struct kf_events *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return kf_fail_memory(e, "records");
	ev->n_cpus = s->n_cpus;
	ev->n_sources = (size_t)s->n_cpus * CLASSES_IN_TIME;
	ev->sources = calloc(ev->n_sources + 1, sizeof(*ev->sources));
	ev->heap = calloc(ev->n_sources + 1, sizeof(*ev->heap));
	if (!ev->sources || !ev->heap) {
		kf_events_close(&ev);
		return kf_fail_memory(e, "records");
	}
	if (index_rings(ev, s, e)) {
		kf_events_close(&ev);
		return -1;
	}
	build_heap(ev);
	*out = ev;
	return 0;
}

void kf_events_close(struct kf_events **ev)
{
	if (!ev || !*ev)
		return;
	for (size_t i = 0; (*ev)->sources && i < (*ev)->n_sources; i++)
		free((*ev)->sources[i].order);
	free((*ev)->sources);
	free((*ev)->heap);
	free(*ev);
	*ev = NULL;
}

uint64_t kf_events_bad(const struct kf_events *ev)
{
	return ev->n_bad;
}

static void fill(const struct source *s, size_t at, struct kf_event *out)
{
	uint32_t slot = s->order[at];

	out->ts_ns = s->slots[slot].ts_ns;
	out->slot = &s->slots[slot];
	out->more = has_more(s, slot) ? &s->slots[slot + 1] : NULL;
	out->cpu = s->cpu;
}

int kf_events_next(struct kf_events *ev, struct kf_event *out)
{
	struct source *s;

	if (!ev->n_heap)
		return 0;
	s = &ev->sources[ev->heap[0].source];
	fill(s, s->next++, out);
	if (s->next < s->n) {
		__builtin_prefetch(&s->slots[s->order[s->next]] + 4);
		ev->heap[0] = head_of(ev, ev->heap[0].source);
	} else {
		ev->heap[0] = ev->heap[--ev->n_heap];
	}
	if (ev->n_heap)
		sift_down(ev, 0);
	return 1;
}

int kf_events_before_floor(const struct kf_events *ev, uint32_t cpu, size_t back, struct kf_event *out)
{
	const struct source *s = &ev->sources[KF_CLASS_SCHED * ev->n_cpus + cpu];

	if (cpu >= ev->n_cpus || back >= s->first)
		return 0;
	fill(s, s->first - 1 - back, out);
	return 1;
}

struct kf_slot_args kf_event_args(const struct kf_event *event)
{
	struct kf_slot_args args = { 0 };

	if (event->more)
		memcpy(&args, event->more, sizeof(args));
	return args;
}

struct kf_slot_name kf_event_name(const struct kf_event *event)
{
	struct kf_slot_name name = { 0 };

	if (event->more)
		memcpy(&name, event->more, sizeof(name));
	return name;
}

struct kf_slot_past kf_event_past(const struct kf_event *event)
{
	struct kf_slot_past past = { 0 };

	if (event->more)
		memcpy(&past, event->more, sizeof(past));
	return past;
}
