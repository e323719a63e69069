/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/placement.h"

#include <stddef.h>

#include "model/timeline.h"

_Static_assert(KF_PLACEMENT_CPUS == KF_MASK_WORDS * 64, "as many as affinities are known of");

/* What the search keeps per CPU. */
struct place {
	size_t at;	  /* its next idle run: the first that ends later than what was looked at */
	uint64_t idle_ns; /* in the gap so far */
	bool online;
	bool allowed; /* or not known */
};

struct search {
	const struct kf_timeline *t;
	struct place places[KF_PLACEMENT_CPUS];
	uint32_t n;
	struct kf_placement answer;
};

/* What a moment looks like: which idle time goes on the longest, and which begins next. */
struct view {
	uint64_t until_ns; /* an idle run that has begun lasts until then; 0 none has */
	uint64_t next_ns;  /* the next one begins then */
};

static uint64_t clamp(uint64_t ns, uint64_t low, uint64_t high)
{
	return ns < low ? low : ns > high ? high : ns;
}

static void look_at_cpus(struct search *s, uint32_t thread)
{
	s->n = s->t->n_cpus < KF_PLACEMENT_CPUS ? (uint32_t)s->t->n_cpus : KF_PLACEMENT_CPUS;
	s->answer.known = s->n != 0;
	for (uint32_t cpu = 0; cpu < s->n; cpu++) {
		int may = kf_thread_may_run_on(s->t, thread, cpu);

		s->places[cpu] = (struct place){ .online = s->t->cpus[cpu].n_runs != 0, .allowed = may != 0 };
		s->answer.known &= may >= 0;
		s->answer.n_allowed += s->places[cpu].online && may > 0;
	}
	if (!s->answer.known)
		s->answer.n_allowed = 0;
}

/* Adds up how long each CPU was idle, and puts it at its first idle run. */
static void begin(struct search *s, uint64_t start_ns, uint64_t end_ns, uint16_t own)
{
	for (uint32_t number = 0; number < s->n; number++) {
		const struct kf_cpu *cpu = &s->t->cpus[number];
		struct place *place = &s->places[number];

		place->at = place->online && number != own ? kf_cpu_run_at(cpu, start_ns) : cpu->n_runs;
		for (size_t i = place->at; i < cpu->n_runs && cpu->runs[i].start_ns < end_ns; i++)
			if (cpu->runs[i].thread == KF_IDLE)
				place->idle_ns += clamp(cpu->runs[i].end_ns, start_ns, end_ns) -
						  clamp(cpu->runs[i].start_ns, start_ns, end_ns);
	}
}

static void look(struct view *v, const struct kf_cpu *cpu, struct place *place, uint64_t at_ns, uint64_t end_ns)
{
	const struct kf_run *run;

	while (place->at < cpu->n_runs && cpu->runs[place->at].start_ns < end_ns &&
	       (cpu->runs[place->at].end_ns <= at_ns || cpu->runs[place->at].thread != KF_IDLE))
		place->at++;
	if (place->at >= cpu->n_runs || cpu->runs[place->at].start_ns >= end_ns)
		return;
	run = &cpu->runs[place->at];
	if (run->start_ns > at_ns) {
		if (run->start_ns < v->next_ns)
			v->next_ns = run->start_ns;
	} else if (run->end_ns > v->until_ns) {
		v->until_ns = run->end_ns;
	}
}

/* From idle run to idle run: always on by the one that lasts longest. */
static void cover(struct search *s, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t at_ns = start_ns;

	while (at_ns < end_ns) {
		struct view allowed = { .next_ns = end_ns }, forbidden = { .next_ns = end_ns };
		uint64_t to_ns;

		for (uint32_t cpu = 0; cpu < s->n; cpu++)
			look(s->places[cpu].allowed ? &allowed : &forbidden, &s->t->cpus[cpu], &s->places[cpu], at_ns,
			     end_ns);
		if (allowed.until_ns) {
			to_ns = clamp(allowed.until_ns, at_ns, end_ns);
			s->answer.idle_ns += to_ns - at_ns;
		} else if (forbidden.until_ns) {
			to_ns = clamp(forbidden.until_ns, at_ns, allowed.next_ns);
			s->answer.forbidden_ns += to_ns - at_ns;
		} else {
			to_ns = allowed.next_ns < forbidden.next_ns ? allowed.next_ns : forbidden.next_ns;
		}
		at_ns = to_ns;
	}
}

static void add(struct search *s, uint64_t start_ns, uint64_t end_ns, uint16_t own)
{
	if (start_ns >= end_ns || own == KF_NO_CPU)
		return;
	begin(s, start_ns, end_ns, own);
	cover(s, start_ns, end_ns);
}

static uint16_t longest_idle(const struct search *s, bool allowed)
{
	uint16_t best = KF_NO_CPU;

	for (uint32_t cpu = 0; cpu < s->n; cpu++)
		if (s->places[cpu].allowed == allowed && s->places[cpu].idle_ns &&
		    (best == KF_NO_CPU || s->places[cpu].idle_ns > s->places[best].idle_ns))
			best = (uint16_t)cpu;
	return best;
}

struct kf_placement kf_gap_placement(const struct kf_timeline *t, const struct kf_gap *gap)
{
	struct search s;

	s.t = t;
	s.answer = (struct kf_placement){ 0 };
	look_at_cpus(&s, gap->thread);
	/* Throttled, and not known for how long: what was idle may not have been for it. */
	for (uint32_t i = 0; i < gap->n_stretches && !(gap->throttled && !gap->throttled_end_ns); i++) {
		const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + i];
		uint64_t from = stretch->end_ns, to = stretch->end_ns;

		if (gap->throttled_end_ns) {
			from = clamp(gap->throttled_start_ns, stretch->start_ns, stretch->end_ns);
			to = clamp(gap->throttled_end_ns, from, stretch->end_ns);
		}
		add(&s, stretch->start_ns, from, stretch->cpu);
		add(&s, to, stretch->end_ns, stretch->cpu);
	}
	s.answer.idle_cpu = longest_idle(&s, true);
	s.answer.forbidden_cpu = longest_idle(&s, false);
	return s.answer;
}
