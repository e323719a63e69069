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

void kf_line_foreign(struct kf_line *line, const char *text)
{
	char printable[512];

	kf_text_printable(text, strlen(text), printable, sizeof(printable));
	kf_line_text(line, printable);
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

/* Nobody had it for half of the time. */
static void advise_on_several(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap)
{
	kf_line_text(line, "no single program is to blame: run less at a time");
	if (gap->cpu != KF_NO_CPU)
		kf_line_add(line, " on CPU %u", gap->cpu);
	kf_line_text(line, ", add CPUs, or let ");
	kf_line_process(line, t, gap->thread);
	kf_line_text(line, " go first (a higher cpu.weight, a lower nice value)");
}

static bool is_same_program(const struct kf_thread *a, const struct kf_thread *b)
{
	return (a->tgid && a->tgid == b->tgid) || !strncmp(a->process_comm, b->process_comm, KF_COMM_BYTES);
}

/* A thread of the same program, another one, a kernel thread, a real-time one: each can be moved by something else. */
static void advise_on_thread(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap,
			     uint32_t culprit)
{
	const struct kf_thread *victim = &t->threads[gap->thread], *th = &t->threads[culprit];
	uint16_t prio = kf_prio_at(t, culprit, gap->end_ns);

	if (kf_prio_outranks(prio, kf_prio_at(t, gap->thread, gap->start_ns))) {
		kf_line_thread(line, t, culprit);
		kf_line_text(line, " outranks it (");
		kf_line_prio(line, prio);
		kf_line_add(line, "): if it need not, `chrt -o -p 0 %" PRIu32 "`; else give it a CPU of its own",
			    th->tid);
	} else if (th->kernel) {
		kf_line_text(line, "find out for whom ");
		kf_line_thread(line, t, culprit);
		kf_line_text(line, " worked (ksoftirqd: network and timers; kworker: named after its queue)");
		if (!victim->kernel)
			kf_line_text(line, ", or allow the victim other CPUs");
	} else if (is_same_program(victim, th)) {
		kf_line_text(line, "fewer threads or processes of ");
		kf_line_process(line, t, gap->thread);
		kf_line_text(line, " at a time, or more CPUs for them: they wait for one another");
	} else if (kf_prio_is_favoured(prio, kf_prio_at(t, gap->thread, gap->start_ns))) {
		kf_line_process(line, t, gap->thread);
		kf_line_text(line, " (");
		kf_line_prio(line, kf_prio_at(t, gap->thread, gap->start_ns));
		kf_line_text(line, ") is meant to give way to ");
		kf_line_thread(line, t, culprit);
		kf_line_text(line, " (");
		kf_line_prio(line, prio);
		kf_line_text(line, "): if it must not wait, start it without `nice`, or give it a CPU of its own");
	} else {
		kf_line_text(line, "give ");
		kf_line_process(line, t, culprit);
		if (th->died_ns)
			kf_line_text(line, " less (start it with `nice`, a lower cpu.weight)");
		else
			kf_line_add(line, " less (`renice -n 10 -p %" PRIu32 "`, a lower cpu.weight)",
				    th->tgid ? th->tgid : th->tid);
		kf_line_text(line, ", or CPUs that ");
		kf_line_process(line, t, gap->thread);
		kf_line_text(line, " does not need (`taskset`, cpuset.cpus)");
	}
}

static void advise_on_kind(struct kf_line *line, const struct kf_timeline *t, const struct kf_gap *gap,
			   enum kf_part_kind kind)
{
	switch (kind) {
	case KF_PART_IDLE:
		kf_line_text(
			line,
			"nobody had its CPU, it took that long to wake up: shallower sleep states (`cpupower idle-set "
			"-D 50`); in a virtual machine, ask who else runs on the host");
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
	kf_line_text(line, "who had the CPU is not in the file: see what the report lists as incomplete");
	if (gap->start_ns <= t->floor_ns)
		kf_line_text(line, ", and record longer before it (--window)");
}

void kf_line_gap_advice(struct kf_line *line, struct kf_search *s, const struct kf_gap *gap)
{
	uint64_t most_ns = 0;
	uint32_t culprit;
	enum kf_part_kind most = KF_PART_UNKNOWN;

	if (kf_search_parts(s, gap, NULL))
		s->parts.n = 0;
	for (unsigned int kind = 0; kind < KF_PART_KINDS; kind++) {
		uint64_t ns = kf_parts_of_kind(&s->parts, kind);

		if (ns > most_ns) {
			most_ns = ns;
			most = kind;
		}
	}
	culprit = kf_search_culprit(s);
	if (most == KF_PART_THREAD && culprit < s->t->n_threads)
		advise_on_thread(line, s->t, gap, culprit);
	else if (most == KF_PART_THREAD)
		advise_on_several(line, s->t, gap);
	else
		advise_on_kind(line, s->t, gap, most);
}
