/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/prio.h"
#include "rules/search.h"

/* Arguments up to here are file descriptors, numbers of things, flags; above are addresses. */
#define LARGEST_FD 0xffff

void kf_line_where(struct kf_line *line, const struct kf_wait *wait)
{
	const char *name = wait->in_syscall ? kf_syscall_name(wait->nr) : NULL;

	if (!name) {
		if (wait->kind == KF_WAIT_PAGE_FAULT)
			kf_line_text(line, "a page fault");
		return;
	}
	if (wait->arg0 <= LARGEST_FD)
		kf_line_add(line, "%s(%" PRIu64 ")", name, wait->arg0);
	else
		kf_line_add(line, "%s(0x%" PRIx64 ")", name, wait->arg0);
}

void kf_line_process(struct kf_line *line, const struct kf_timeline *t, uint32_t thread)
{
	const struct kf_thread *th = &t->threads[thread];
	char name[KF_TEXT_COMM_BYTES + 1];

	kf_text_printable(th->process_comm, KF_COMM_BYTES, name, sizeof(name));
	kf_line_add(line, "%s/%" PRIu32, name[0] ? name : "?", th->tgid ? th->tgid : th->tid);
}

void kf_line_times(struct kf_line *line, uint32_t count, uint64_t total_ns)
{
	char n[32];

	if (count < 2)
		return;
	kf_line_add(line, ", %s times, ", kf_format_count(count, n, sizeof(n)));
	kf_line_duration(line, total_ns);
	kf_line_text(line, " in all");
}

bool kf_line_prio(struct kf_line *line, uint16_t prio)
{
	char text[KF_PRIO_TEXT_BYTES];

	kf_prio_text(prio, text, sizeof(text));
	kf_line_text(line, text);
	return text[0] != '\0';
}

/* A thread of the same process, another one, a kernel thread, a real-time one: each can be moved by something else. */
static void advise_on_thread(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap,
			     uint32_t culprit)
{
	const struct kf_thread *victim = &t->threads[gap->thread], *th = &t->threads[culprit];
	uint16_t prio = kf_prio_at(t, culprit, gap->end_ns);

	if (kf_prio_outranks(prio, kf_prio_at(t, gap->thread, gap->start_ns))) {
		kf_line_thread(line, t, culprit);
		kf_line_add(line, " outranks every fair thread (");
		kf_line_prio(line, prio);
		kf_line_add(line, "): does it have to? Try `chrt -o -p 0 %" PRIu32 "`, or give it a CPU of its own",
			    th->tid);
	} else if (th->tgid && th->tgid == victim->tgid) {
		kf_line_text(line, "threads of ");
		kf_line_process(line, t, gap->thread);
		kf_line_text(line, " compete with one another: run fewer workers at a time, or allow it more CPUs");
	} else if (th->kernel) {
		kf_line_text(line,
			     "a kernel thread did work for somebody: see who queues it (a `kworker` is named after "
			     "its queue, `ksoftirqd` handles network and timers), or keep ");
		kf_line_process(line, t, gap->thread);
		kf_line_add(line, " off CPU %u", gap->cpu);
	} else {
		kf_line_text(line, "give ");
		kf_line_process(line, t, culprit);
		kf_line_add(line, " less (`renice -n 10 -p %" PRIu32 "`, a lower cpu.weight), or other CPUs than ",
			    th->tgid ? th->tgid : th->tid);
		kf_line_process(line, t, gap->thread);
		kf_line_text(line, " (`taskset -cp`, cpuset.cpus)");
	}
}

static void advise_on_kind(struct kf_line *line, const struct kf_gap *gap, enum kf_part_kind kind)
{
	switch (kind) {
	case KF_PART_IDLE:
		kf_line_text(
			line,
			"its CPU was idle: it took long to wake up (deep sleep states: try `cpupower idle-set -D 50`; "
			"in a virtual machine the hypervisor had taken the CPU away)");
		return;
	case KF_PART_IRQ:
	case KF_PART_SOFTIRQ:
		if (gap->cpu == KF_NO_CPU)
			kf_line_text(line, "move interrupts off this CPU (/proc/irq/*/smp_affinity, RPS)");
		else
			kf_line_add(line, "move interrupts off CPU %u (/proc/irq/*/smp_affinity, RPS), or the thread",
				    gap->cpu);
		return;
	case KF_PART_STEAL:
		kf_line_text(
			line,
			"the hypervisor ran other guests: a larger or dedicated instance, or fewer busy CPUs in it");
		return;
	case KF_PART_THROTTLED:
		kf_line_text(line, "raise the CPU quota of its cgroup (cpu.max), or run fewer threads at a time");
		return;
	case KF_PART_THREAD:
	case KF_PART_UNKNOWN:
	case KF_PART_KINDS:
		break;
	}
	kf_line_text(line, "who had the CPU is not in the file: record with a larger --window");
}

void kf_line_gap_advice(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap,
			const struct kf_parts *parts)
{
	uint64_t most_ns = 0, top_ns;
	enum kf_part_kind most = KF_PART_UNKNOWN;
	uint32_t culprit = kf_parts_top_thread(parts, &top_ns);

	for (unsigned int kind = 0; kind < KF_PART_KINDS; kind++) {
		uint64_t ns = kf_parts_of_kind(parts, kind);

		if (ns > most_ns) {
			most_ns = ns;
			most = kind;
		}
	}
	if (most == KF_PART_THREAD && culprit != KF_NOBODY)
		advise_on_thread(line, t, gap, culprit);
	else
		advise_on_kind(line, gap, most);
}
