/* SPDX-License-Identifier: BSD-2-Clause */
/* SoftirqStorm, StealTime: who took a CPU away from all threads. docs/rules/SoftirqStorm.md, docs/rules/StealTime.md */
#include "rules/rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "rules/busiest.h"
#include "rules/search.h"
#include "rules/words.h"

#define INTERRUPTS (1U << KF_PART_IRQ | 1U << KF_PART_SOFTIRQ)
#define STEAL	   (1U << KF_PART_STEAL)

/* Gaps shorter than this are no reason to worry, whatever ran. */
#define MIN_GAP_NS 1000000

/* Numbers of a hit. */
enum { N_VICTIM_NS, N_TOTAL_PERMILLE, N_VECTOR, N_VECTOR_NS };

/* By CPU: the gap that lost most there. */
struct victim {
	const struct kf_gap *gap;
	uint64_t ns;
};

static bool is_of(const struct kf_part *part, unsigned int kinds)
{
	return kinds >> part->kind & 1;
}

/* Parts of other CPUs are in the gap of a thread that moved. */
static uint64_t lost_on(const struct kf_parts *p, unsigned int kinds, uint16_t cpu)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < p->n; i++)
		ns += p->items[i].cpu == cpu && is_of(&p->items[i], kinds) ? p->items[i].ns : 0;
	return ns;
}

static void note_victim(const struct kf_search *s, const struct kf_gap *gap, unsigned int kinds, struct victim *victims)
{
	for (size_t i = 0; i < s->parts.n; i++) {
		const struct kf_part *part = &s->parts.items[i];
		uint64_t ns;

		if (!is_of(part, kinds) || part->cpu >= s->t->n_cpus)
			continue;
		ns = lost_on(&s->parts, kinds, part->cpu);
		if (ns > victims[part->cpu].ns)
			victims[part->cpu] = (struct victim){ gap, ns };
	}
}

/* Is there anything to tell a victim of? Looking for them takes longer than all the rest. */
static int has_hits(struct kf_search *s, unsigned int kinds, bool *found, struct kf_error *e)
{
	*found = false;
	for (size_t i = 0; !*found && i < s->t->n_cpus; i++) {
		struct kf_busy busy;
		int err = kf_busy_find(&busy, s->t, &s->t->cpus[i], kinds, e);

		for (size_t k = 0; !err && !*found && k < busy.n; k++)
			*found = kf_busy_permille(&busy, k) >= s->warn;
		kf_busy_release(&busy);
		if (err)
			return err;
	}
	return 0;
}

static int find_victims(struct kf_search *s, unsigned int kinds, struct victim *victims, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_gaps; i++) {
		const struct kf_gap *gap = &s->t->gaps[i];

		if (gap->end_ns - gap->start_ns < MIN_GAP_NS || !kf_search_wants(s, gap->thread))
			continue;
		if (kf_search_parts(s, gap, e))
			return -1;
		note_victim(s, gap, kinds, victims);
	}
	return 0;
}

/* The vector with most time on a CPU, as kind and vector in one number. */
static int find_vector(const struct kf_cpu *cpu, struct kf_hit *hit, struct kf_error *e)
{
	uint64_t *ns = calloc(2U << 16, sizeof(*ns)); /* interrupts, then softirqs */

	if (!ns)
		return kf_fail_memory(e, "findings");
	for (size_t i = 0; i < cpu->n_taken; i++) {
		const struct kf_taken *taken = &cpu->taken[i];
		uint32_t place = taken->vector | (uint32_t)(taken->kind == KF_PART_SOFTIRQ) << 16;

		if (!(INTERRUPTS >> taken->kind & 1))
			continue;
		ns[place] += taken->ns;
		if (ns[place] > hit->numbers[N_VECTOR_NS]) {
			hit->numbers[N_VECTOR_NS] = ns[place];
			hit->numbers[N_VECTOR] = place;
		}
	}
	free(ns);
	return 0;
}

/* Hits of one CPU: each stretch is one. */
static int look_at_cpu(struct kf_search *s, uint16_t number, unsigned int kinds, const struct victim *victim,
		       struct kf_error *e)
{
	const struct kf_cpu *cpu = &s->t->cpus[number];
	struct kf_hit hit = { .key = kinds == STEAL ? 0 : number,
			      .thread = victim->gap ? victim->gap->thread : KF_NOBODY,
			      .culprit = KF_NOBODY,
			      .cpu = number,
			      .wait = { .nr = KF_NR_USER },
			      .numbers[N_VICTIM_NS] = victim->ns };
	struct kf_busy busy;
	int err = kf_busy_find(&busy, s->t, cpu, kinds, e);

	if (!err && busy.n) {
		hit.numbers[N_TOTAL_PERMILLE] = busy.total_ns * 1000 / (s->t->end_ns - busy.from_ns);
		err = kinds == INTERRUPTS ? find_vector(cpu, &hit, e) : 0;
	}
	for (size_t i = 0; !err && i < busy.n; i++) {
		hit.value = kf_busy_permille(&busy, i);
		hit.ns = busy.taken_ns[i];
		hit.ts_ns = busy.from_ns + i * busy.stretch_ns;
		err = kf_search_hit(s, &hit, e);
	}
	kf_busy_release(&busy);
	return err;
}

static int find(struct kf_search *s, unsigned int kinds, struct kf_error *e)
{
	struct victim *victims;
	bool found;
	int err = has_hits(s, kinds, &found, e);

	if (err || !found)
		return err;
	victims = calloc(s->t->n_cpus + 1, sizeof(*victims));
	if (!victims)
		return kf_fail_memory(e, "findings");
	err = find_victims(s, kinds, victims, e);
	for (size_t i = 0; !err && i < s->t->n_cpus && i < KF_NO_CPU; i++)
		err = look_at_cpu(s, (uint16_t)i, kinds, &victims[i], e);
	free(victims);
	return err;
}

static int find_storm(struct kf_search *s, struct kf_error *e)
{
	return find(s, INTERRUPTS, e);
}

static int find_steal(struct kf_search *s, struct kf_error *e)
{
	return find(s, STEAL, e);
}

/* "; nginx/2144 waited 8.00 ms behind them" */
static void tell_victim(struct kf_search *s, const struct kf_hit *hit, struct kf_line *line)
{
	if (hit->thread >= s->t->n_threads || !hit->numbers[N_VICTIM_NS])
		return;
	kf_line_text(line, "; in its worst wait ");
	kf_line_thread(line, s->t, hit->thread);
	kf_line_text(line, " lost ");
	kf_line_duration(line, hit->numbers[N_VICTIM_NS]);
	kf_line_text(line, " to that");
}

static void tell_share(const struct kf_hit *hit, struct kf_line *line, const char *who)
{
	kf_line_add(line, "%s took %.0f %% of CPU %u", who, (double)hit->value / 10, hit->cpu);
	if (hit->value)
		kf_line_text(line, " for ");
	kf_line_duration(line, hit->ns * 1000 / (hit->value ? hit->value : 1));
	kf_line_add(line, " (%.0f %% over the window)", (double)hit->numbers[N_TOTAL_PERMILLE] / 10);
}

static const char *softirq_advice(uint16_t vector)
{
	switch (vector) {
	case 2: /* NET_TX */
	case 3: /* NET_RX */
		return "spread network receive over more CPUs (RSS by `ethtool -L`, RPS by "
		       "/sys/class/net/*/queues/rx-*/rps_cpus), "
		       "see who sends that much, and keep latency-critical threads off that CPU";
	case 4: /* BLOCK */
		return "disk completions: spread the disk's interrupts (/proc/irq/*/smp_affinity), or issue fewer, "
		       "larger requests";
	case 1: /* TIMER */
	case 8: /* HRTIMER */
		return "many timers expire there: look for threads that sleep for microseconds, or poll with short "
		       "time-outs";
	case 9: /* RCU */
		return "the kernel frees memory there that many calls gave back (RCU): look for who opens, closes, "
		       "forks or "
		       "changes routes that often; `rcu_nocbs=` moves it to threads";
	}
	return "see /proc/softirqs for what grows, and keep latency-critical threads off that CPU";
}

static void tell_storm(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	struct kf_part part = { .kind = hit->numbers[N_VECTOR] >> 16 ? KF_PART_SOFTIRQ : KF_PART_IRQ,
				.vector = (uint16_t)hit->numbers[N_VECTOR] };
	char name[64];

	kf_part_vector_name(s->t, &part, name, sizeof(name));
	tell_share(hit, &words->message, "interrupts and softirqs");
	kf_line_text(&words->message,
		     part.kind == KF_PART_SOFTIRQ ? ", most of it softirq " : ", most of it interrupt ");
	kf_line_foreign(&words->message, name);
	tell_victim(s, hit, &words->message);
	kf_line_text(&words->detail, part.kind == KF_PART_SOFTIRQ ? "softirq " : "interrupt ");
	kf_line_foreign(&words->detail, name);
	kf_line_text(&words->detail, " alone took ");
	kf_line_duration(&words->detail, hit->numbers[N_VECTOR_NS]);
	kf_line_add(&words->detail, " of CPU %u in the window", hit->cpu);
	if (part.kind == KF_PART_SOFTIRQ)
		kf_line_text(&words->suggestion, softirq_advice(part.vector));
	else if (part.vector >= KF_VECTOR_IRQ_WORK)
		kf_line_text(&words->suggestion,
			     "interrupts of the CPU itself (timer, calls from other CPUs): look for timers of "
			     "microseconds, and for who changes memory maps or affinities often");
	else
		kf_line_add(
			&words->suggestion,
			"move that interrupt (/proc/irq/%u/smp_affinity), or let the device coalesce (`ethtool -C`)",
			part.vector);
}

static void tell_steal(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;

	tell_share(hit, &words->message, "the hypervisor");
	tell_victim(s, hit, &words->message);
	kf_line_text(&words->suggestion,
		     "the machine below is shared: a dedicated or larger instance, another host, or fewer busy "
		     "CPUs in this guest; nothing inside it can win this time back");
}

const struct kf_rule kf_rule_softirq_storm = {
	.name = "SoftirqStorm",
	.summary = "interrupts and softirqs took much of a CPU",
	.unit = KF_RULE_PERMILLE,
	.warn = 300,
	.error = 600,
	.find = find_storm,
	.tell = tell_storm,
};

const struct kf_rule kf_rule_steal_time = {
	.name = "StealTime",
	.summary = "the hypervisor took much of a CPU",
	.unit = KF_RULE_PERMILLE,
	.warn = 100,
	.error = 300,
	.find = find_steal,
	.tell = tell_steal,
};
