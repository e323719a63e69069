/* SPDX-License-Identifier: BSD-2-Clause */
/* BadPlacement: the host had an idle CPU, and the thread waited on a busy one. docs/rules/BadPlacement.md */
#include "rules/rule.h"

#include <inttypes.h>

#include "model/placement.h"
#include "rules/search.h"
#include "rules/words.h"

/* Keys: the scheduler did not move it, or was not allowed to. */
enum { ALLOWED = 0, FORBIDDEN = 1 };
/* Numbers. */
enum { N_IDLE_CPU, N_CPUS_ALLOWED, N_CPUS };

/* How long somebody had its CPU: while that is idle itself, another idle one would not have been quicker. */
static uint64_t busy_ns(const struct kf_parts *p)
{
	return kf_parts_of_kind(p, KF_PART_THREAD) + kf_parts_of_kind(p, KF_PART_SOFTIRQ) +
	       kf_parts_of_kind(p, KF_PART_IRQ);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Of which anything is known. */
static uint32_t count_cpus(const struct kf_timeline *t)
{
	uint32_t n = 0;

	for (size_t i = 0; i < t->n_cpus; i++)
		n += t->cpus[i].n_runs != 0;
	return n;
}

/* Where it waited longest: the CPU that it ran on in the end may be the idle one. */
static uint16_t find_queue(const struct kf_timeline *t, const struct kf_gap *gap)
{
	const struct kf_stretch *longest = NULL;

	for (uint32_t i = 0; i < gap->n_stretches; i++) {
		const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + i];

		if (!longest || stretch->end_ns - stretch->start_ns > longest->end_ns - longest->start_ns)
			longest = stretch;
	}
	return longest ? longest->cpu : gap->cpu;
}

static int look_at(struct kf_search *s, const struct kf_gap *gap, struct kf_error *e)
{
	struct kf_placement placement = kf_gap_placement(s->t, gap);
	struct kf_hit hit = kf_hit_of_gap(gap);

	if (!placement.known || smaller(placement.idle_ns + placement.forbidden_ns, hit.ns) < s->warn)
		return 0;
	if (kf_search_parts(s, gap, e))
		return -1;
	hit.culprit = kf_search_culprit(s);
	hit.cpu = find_queue(s->t, gap);
	hit.numbers[N_CPUS_ALLOWED] = placement.n_allowed;
	hit.numbers[N_CPUS] = count_cpus(s->t);
	if (placement.idle_ns >= placement.forbidden_ns) {
		hit.value = smaller(placement.idle_ns, busy_ns(&s->parts));
		hit.key = ALLOWED;
		hit.numbers[N_IDLE_CPU] = placement.idle_cpu;
	} else {
		hit.value = smaller(placement.forbidden_ns, busy_ns(&s->parts));
		hit.key = FORBIDDEN;
		hit.numbers[N_IDLE_CPU] = placement.forbidden_cpu;
	}
	hit.ns = hit.value;
	return kf_search_hit(s, &hit, e);
}

/*
 * Most threads of the kernel are bound to their CPU, and nobody can change that. A throttled one would have found no quota on
 * another CPU, either.
 */
static bool is_movable(const struct kf_timeline *t, const struct kf_gap *gap)
{
	return !t->threads[gap->thread].kernel && !gap->yielded && !gap->throttled && !gap->throttled_end_ns &&
	       !kf_gap_is_of_idler(t, gap);
}

static int find(struct kf_search *s, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_gaps; i++) {
		const struct kf_gap *gap = &s->t->gaps[i];

		if (gap->end_ns - gap->start_ns >= s->warn && is_movable(s->t, gap) &&
		    kf_search_wants(s, gap->thread) && look_at(s, gap, e))
			return -1;
	}
	return 0;
}

/* How many CPUs the message is about, beside the one it waited for: of two and more, one after the other may have been idle. */
static uint64_t other_cpus(const struct kf_hit *hit)
{
	if (hit->key == FORBIDDEN)
		return hit->numbers[N_CPUS] - hit->numbers[N_CPUS_ALLOWED];
	return hit->numbers[N_CPUS_ALLOWED] - 1;
}

static void tell_wait(struct kf_search *s, const struct kf_hit *hit, struct kf_line *line)
{
	kf_line_thread(line, s->t, hit->thread);
	if (hit->key == FORBIDDEN && hit->numbers[N_CPUS_ALLOWED] == 1)
		kf_line_text(line, " is pinned and");
	else if (hit->key == FORBIDDEN)
		kf_line_add(line, " may run on %" PRIu64 " CPUs only and", hit->numbers[N_CPUS_ALLOWED]);
	kf_line_text(line, " waited ");
	kf_line_duration(line, hit->gap->end_ns - hit->gap->start_ns);
	if (hit->cpu != KF_NO_CPU)
		kf_line_add(line, " for CPU %u", hit->cpu);
	if (hit->culprit < s->t->n_threads) {
		kf_line_text(line, " behind ");
		kf_line_thread(line, s->t, hit->culprit);
	}
	kf_line_text(line, ", while for ");
	kf_line_duration(line, hit->ns);
	if (hit->numbers[N_IDLE_CPU] == KF_NO_CPU)
		kf_line_text(line, " another CPU was idle");
	else
		kf_line_add(line, " CPU %" PRIu64 "%s was idle", hit->numbers[N_IDLE_CPU],
			    other_cpus(hit) == 1 ? "" : " or another");
	kf_line_text(line, hit->key == FORBIDDEN ? ", which it may not use" : ", which it may use");
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	char sentence[KF_SENTENCE_BYTES];

	tell_wait(s, hit, &words->message);
	kf_sentences_gap(&s->sentences, hit->gap, sentence, sizeof(sentence));
	kf_line_text(&words->detail, sentence);
	if (hit->key == FORBIDDEN) {
		kf_line_text(&words->suggestion, "allow it more CPUs (`taskset -cp`, cpuset.cpus of its cgroup)");
		if (hit->culprit < s->t->n_threads && hit->cpu != KF_NO_CPU) {
			kf_line_text(&words->suggestion, ", or keep ");
			kf_line_thread(&words->suggestion, s->t, hit->culprit);
			kf_line_add(&words->suggestion, " off CPU %u", hit->cpu);
		}
		return;
	}
	kf_line_text(
		&words->suggestion,
		"more CPUs would not help, the scheduler left it where it was: see that load is balanced between these "
		"CPUs (isolcpus, cpuset.cpus.partition); if it happens often, try a lower "
		"/sys/kernel/debug/sched/migration_cost_ns");
}

const struct kf_rule kf_rule_bad_placement = {
	.name = "BadPlacement",
	.summary = "a thread waited for a busy CPU while another one was idle",
	.unit = KF_RULE_NS,
	.warn = 1000000,
	.error = 10000000,
	.by_victim = true,
	.find = find,
	.tell = tell,
};
