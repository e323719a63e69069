/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/text.h"

/* Whose time it was: a thread, or one of the kinds that are nobody's. */
struct owner {
	uint32_t thread;
	uint8_t kind;
	uint16_t vector;
};

/* Vectors that differ in their low bits only share a place, and are told apart by their parts. */
#define VECTORS 1024

/* The kinds come behind the threads, then the vectors of interrupts, then those of softirqs. */
static size_t place_of(const struct kf_timeline *t, uint8_t kind, uint32_t thread, uint16_t vector)
{
	switch (kind) {
	case KF_PART_THREAD:
		return thread;
	case KF_PART_IRQ:
		return t->n_threads + KF_PART_KINDS + vector % VECTORS;
	case KF_PART_SOFTIRQ:
		return t->n_threads + KF_PART_KINDS + VECTORS + vector % VECTORS;
	}
	return t->n_threads + kind;
}

static size_t place_of_part(const struct kf_timeline *t, const struct kf_part *part)
{
	return place_of(t, part->kind, part->thread, part->vector);
}

static int reserve_owners(const struct kf_timeline *t, struct kf_parts *p)
{
	size_t n = t->n_threads + KF_PART_KINDS + 2 * VECTORS;

	if (n <= p->n_latest)
		return 0;
	free(p->latest);
	p->latest = calloc(n, sizeof(*p->latest));
	p->n_latest = p->latest ? n : 0;
	return p->latest ? 0 : -1;
}

static struct owner owner_of_run(const struct kf_timeline *t, uint32_t thread)
{
	if (thread == KF_IDLE)
		return (struct owner){ .thread = thread, .kind = KF_PART_IDLE };
	if (thread < t->n_threads)
		return (struct owner){ .thread = thread, .kind = KF_PART_THREAD };
	return (struct owner){ .thread = KF_NOT_KNOWN, .kind = KF_PART_UNKNOWN };
}

/* Time of an owner on a CPU: to its part, or a new one. */
static int add(const struct kf_timeline *t, struct kf_parts *p, uint64_t start_ns, uint64_t ns, uint16_t cpu,
	       const struct owner *owner)
{
	size_t place = place_of(t, owner->kind, owner->thread, owner->vector);
	uint32_t *latest = &p->latest[place];
	uint32_t before = *latest < p->n && place_of_part(t, &p->items[*latest]) == place ? *latest : KF_NO_PART;

	if (!ns)
		return 0;
	for (uint32_t i = before; i != KF_NO_PART; i = p->items[i].before) {
		if (p->items[i].cpu == cpu && p->items[i].vector == owner->vector) {
			p->items[i].ns += ns;
			return 0;
		}
	}
	if (KF_GROW(p->items, p->n, p->room) || p->n >= KF_NO_PART)
		return -1;
	*latest = (uint32_t)p->n;
	p->items[p->n++] = (struct kf_part){ .start_ns = start_ns,
					     .ns = ns,
					     .thread = owner->thread,
					     .before = before,
					     .cpu = cpu,
					     .kind = owner->kind,
					     .vector = owner->vector };
	return 0;
}

/* How much of taken was between start and end: several short interrupts in one record are spread evenly. */
static uint64_t share_of(const struct kf_taken *taken, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t from = taken->start_ns > start_ns ? taken->start_ns : start_ns;
	uint64_t to = taken->end_ns < end_ns ? taken->end_ns : end_ns;
	uint64_t whole_ns = taken->end_ns - taken->start_ns;

	if (to <= from)
		return 0;
	if (to - from == whole_ns)
		return taken->ns;
	return (uint64_t)((double)taken->ns * (double)(to - from) / (double)whole_ns);
}

/* What was taken between start and end, as parts; or only its sum, if p is NULL. first: of kf_cpu_taken_at(). Returns -1
 * out of memory. */
static int take(const struct kf_timeline *t, struct kf_parts *p, uint64_t start_ns, uint64_t end_ns, uint16_t number,
		size_t first, uint64_t *sum_ns)
{
	const struct kf_cpu *cpu = &t->cpus[number];
	uint64_t left_ns = end_ns - start_ns;

	for (size_t i = first; i < cpu->n_taken && cpu->taken[i].earliest_ns < end_ns; i++) {
		const struct kf_taken *taken = &cpu->taken[i];
		struct owner by = { .thread = KF_NOT_KNOWN, .kind = taken->kind, .vector = taken->vector };
		uint64_t ns = share_of(taken, start_ns, end_ns);

		if (ns > left_ns)
			ns = left_ns;
		left_ns -= ns;
		if (p && add(t, p, taken->start_ns > start_ns ? taken->start_ns : start_ns, ns, number, &by))
			return -1;
	}
	*sum_ns = end_ns - start_ns - left_ns;
	return 0;
}

/*
 * A stretch in which one thread, or the idle task, had the CPU: what was taken from it in that time comes off. What a
 * softirq lost to an interrupt, the recorder has taken off already. taken: where the run before left off, or
 * kf_cpu_taken_at() of any earlier moment; long gaps meet thousands of runs, each a search otherwise.
 */
static int add_run(const struct kf_timeline *t, struct kf_parts *p, uint64_t start_ns, uint64_t end_ns, uint16_t number,
		   uint32_t thread, size_t *taken)
{
	const struct kf_cpu *cpu = number < t->n_cpus ? &t->cpus[number] : NULL;
	struct owner owner = owner_of_run(t, thread);
	uint64_t taken_ns = 0;

	if (end_ns <= start_ns)
		return 0;
	if (owner.kind == KF_PART_IDLE && p->doubts_idle)
		owner = owner_of_run(t, KF_NOT_KNOWN);
	while (cpu && *taken < cpu->n_taken && cpu->taken[*taken].end_ns <= start_ns)
		(*taken)++;
	if (!cpu || *taken >= cpu->n_taken || owner.kind == KF_PART_UNKNOWN)
		return add(t, p, start_ns, end_ns - start_ns, number, &owner);
	take(t, NULL, start_ns, end_ns, number, *taken, &taken_ns);
	if (add(t, p, start_ns, end_ns - start_ns - taken_ns, number, &owner))
		return -1;
	return taken_ns ? take(t, p, start_ns, end_ns, number, *taken, &taken_ns) : 0;
}

/* From start to end of a stretch, outside of throttling. */
static int add_stretch(const struct kf_timeline *t, uint64_t start_ns, uint64_t end_ns, uint16_t number,
		       struct kf_parts *p)
{
	const struct kf_cpu *cpu = number < t->n_cpus ? &t->cpus[number] : NULL;
	size_t taken = cpu ? kf_cpu_taken_at(cpu, start_ns) : 0;
	uint64_t at = start_ns;

	for (size_t i = cpu ? kf_cpu_run_at(cpu, at) : 0; cpu && i < cpu->n_runs && at < end_ns; i++) {
		const struct kf_run *run = &cpu->runs[i];
		uint64_t end = run->end_ns < end_ns ? run->end_ns : end_ns;

		if (run->start_ns >= end_ns)
			break;
		if (run->start_ns > at) { /* before the floor */
			if (add_run(t, p, at, run->start_ns, number, KF_NOT_KNOWN, &taken))
				return -1;
			at = run->start_ns;
		}
		if (add_run(t, p, at, end, number, run->thread, &taken))
			return -1;
		at = end;
	}
	return add_run(t, p, at, end_ns, number, KF_NOT_KNOWN, &taken);
}

static uint64_t clamp(uint64_t ns, uint64_t low, uint64_t high)
{
	return ns < low ? low : ns > high ? high : ns;
}

/* While it was throttled it was on no queue, whoever had the CPU. For how long may be untold: then nobody is blamed. */
static int add_around_throttle(const struct kf_timeline *t, const struct kf_gap *gap, const struct kf_stretch *stretch,
			       struct kf_parts *p)
{
	const struct owner quota = { .thread = KF_NOT_KNOWN, .kind = KF_PART_THROTTLED };
	const struct owner untold = { .thread = KF_NOT_KNOWN, .kind = KF_PART_UNKNOWN };
	uint64_t from = clamp(gap->throttled_start_ns, stretch->start_ns, stretch->end_ns);
	uint64_t to = clamp(gap->throttled_end_ns, from, stretch->end_ns);

	if (!gap->throttled_end_ns)
		return add(t, p, stretch->start_ns, stretch->end_ns - stretch->start_ns, stretch->cpu, &untold);
	if (add_stretch(t, stretch->start_ns, from, stretch->cpu, p) || add(t, p, from, to - from, KF_NO_CPU, &quota))
		return -1;
	return add_stretch(t, to, stretch->end_ns, stretch->cpu, p);
}

int kf_gap_parts(const struct kf_timeline *t, const struct kf_gap *gap, struct kf_parts *p, struct kf_error *e)
{
	p->n = 0;
	p->doubts_idle = gap->cause == KF_CAUSE_UNKNOWN;
	if (reserve_owners(t, p))
		return kf_fail_memory(e, "parts of a gap");
	for (uint32_t i = 0; i < gap->n_stretches; i++) {
		const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + i];

		if (gap->throttled || gap->throttled_end_ns
			    ? add_around_throttle(t, gap, stretch, p)
			    : add_stretch(t, stretch->start_ns, stretch->end_ns, stretch->cpu, p))
			return kf_fail_memory(e, "parts of a gap");
	}
	return 0;
}

int kf_cpu_parts(const struct kf_timeline *t, uint32_t cpu, uint64_t start_ns, uint64_t end_ns, struct kf_parts *p,
		 struct kf_error *e)
{
	p->n = 0;
	p->doubts_idle = false;
	if (reserve_owners(t, p) || add_stretch(t, start_ns, end_ns, (uint16_t)cpu, p))
		return kf_fail_memory(e, "the use of a CPU");
	return 0;
}

void kf_parts_release(struct kf_parts *p)
{
	free(p->items);
	free(p->latest);
	*p = (struct kf_parts){ 0 };
}

const char *kf_part_kind_name(enum kf_part_kind kind)
{
	static const char *const names[KF_PART_KINDS] = {
		[KF_PART_UNKNOWN] = "unknown",	   [KF_PART_THREAD] = "thread",
		[KF_PART_IDLE] = "idle",	   [KF_PART_IRQ] = "irq",
		[KF_PART_SOFTIRQ] = "softirq",	   [KF_PART_STEAL] = "steal",
		[KF_PART_THROTTLED] = "throttled",
	};

	return (unsigned)kind < KF_PART_KINDS ? names[kind] : names[KF_PART_UNKNOWN];
}

/* include/linux/interrupt.h: the order is kernel ABI to those who read traces. */
static const char *softirq_name(uint16_t vector)
{
	static const char *const names[] = { "HI",	 "TIMER",   "NET_TX", "NET_RX",	 "BLOCK",
					     "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU" };

	return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : NULL;
}

/* The name behind the number in a list of lines like "24 virtio0-input.0". */
static bool find_irq(const char *irqs, uint16_t vector, char *buf, size_t len)
{
	for (const char *line = irqs; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char *name;
		unsigned long number = strtoul(line, &name, 10);
		size_t bytes = strcspn(name, "\n");

		if (number != vector || name == line || *name != ' ' || bytes < 2)
			continue;
		kf_text_printable(name + 1, bytes - 1, buf, len);
		return true;
	}
	return false;
}

const char *kf_part_vector_name(const struct kf_timeline *t, const struct kf_part *part, char *buf, size_t len)
{
	const char *name = NULL;

	if (part->kind != KF_PART_IRQ && part->kind != KF_PART_SOFTIRQ)
		return NULL;
	if (part->kind == KF_PART_SOFTIRQ)
		name = softirq_name(part->vector);
	else if (part->vector == KF_VECTOR_TIMER)
		name = "timer";
	else if (part->vector == KF_VECTOR_CALL)
		name = "call";
	else if (part->vector == KF_VECTOR_IRQ_WORK)
		name = "irq_work";
	else if (find_irq(t->irqs, part->vector, buf, len))
		return buf;
	if (name)
		snprintf(buf, len, "%s", name);
	else
		snprintf(buf, len, "%u", part->vector);
	return buf;
}
