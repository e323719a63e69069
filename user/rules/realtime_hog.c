/* SPDX-License-Identifier: BSD-2-Clause */
/* RealtimeHog: a thread that outranks the victim held its CPU. docs/rules/RealtimeHog.md */
#include "rules/rule.h"

#include <inttypes.h>

#include "model/prio.h"
#include "rules/search.h"
#include "rules/words.h"

enum { N_PRIO }; /* numbers: what the culprit was */

static bool outranks(const struct kf_timeline *t, const struct kf_part *part, uint16_t victim_prio)
{
	return part->kind == KF_PART_THREAD &&
	       kf_prio_outranks(kf_prio_at(t, part->thread, part->start_ns), victim_prio);
}

/* The part, of one thread on one CPU, with most time of those that outrank the victim; NULL none. */
static const struct kf_part *find_hog(const struct kf_search *s, const struct kf_gap *gap)
{
	uint16_t victim_prio = kf_prio_at(s->t, gap->thread, gap->start_ns);
	const struct kf_part *hog = NULL;

	for (size_t i = 0; i < s->parts.n; i++) {
		const struct kf_part *part = &s->parts.items[i];

		if ((!hog || part->ns > hog->ns) && outranks(s->t, part, victim_prio))
			hog = part;
	}
	return hog;
}

static int find(struct kf_search *s, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_gaps; i++) {
		const struct kf_gap *gap = &s->t->gaps[i];
		const struct kf_part *hog;
		struct kf_hit hit;

		if (gap->end_ns - gap->start_ns < s->warn || !kf_search_wants(s, gap->thread))
			continue;
		if (kf_search_parts(s, gap, e))
			return -1;
		hog = find_hog(s, gap);
		if (!hog)
			continue;
		hit = kf_hit_of_gap(gap);
		hit.value = hit.ns = hog->ns;
		hit.culprit = hog->thread;
		hit.cpu = hog->cpu;
		hit.numbers[N_PRIO] = kf_prio_at(s->t, hog->thread, hog->start_ns);
		if (kf_search_hit(s, &hit, e))
			return -1;
	}
	return 0;
}

/* "rt/812 (SCHED_FIFO 50) held CPU 3 for 8.10 ms of the 9.00 ms that nginx/2144 (nice 0) waited" */
static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	const struct kf_thread *hog = &s->t->threads[hit->culprit];
	char sentence[KF_SENTENCE_BYTES];
	struct kf_line *line = &words->message;

	kf_line_thread(line, s->t, hit->culprit);
	kf_line_text(line, " (");
	kf_line_prio(line, (uint16_t)hit->numbers[N_PRIO]);
	kf_line_add(line, ") held CPU %u for ", hit->cpu);
	kf_line_duration(line, hit->ns);
	kf_line_text(line, " of the ");
	kf_line_duration(line, hit->gap->end_ns - hit->gap->start_ns);
	kf_line_text(line, " that ");
	kf_line_thread(line, s->t, hit->thread);
	kf_line_text(line, " (");
	kf_line_prio(line, kf_prio_at(s->t, hit->thread, hit->ts_ns));
	kf_line_text(line, ") waited");
	kf_sentences_gap(&s->sentences, hit->gap, sentence, sizeof(sentence));
	kf_line_text(&words->detail, sentence);
	if (hog->kernel) {
		kf_line_text(&words->suggestion, "a real-time thread of the kernel did long work: see which driver it "
						 "belongs to, and keep the victim off that CPU (`taskset -cp`)");
		return;
	}
	kf_line_add(&words->suggestion,
		    "if it need not be real-time, `chrt -o -p 0 %" PRIu32 "`; else let it block more often, or keep it "
		    "on CPUs of its own (`taskset -cp`); by default (kernel.sched_rt_runtime_us) real-time threads may "
		    "take 95 %% of a CPU",
		    hog->tid);
}

const struct kf_rule kf_rule_realtime_hog = {
	.name = "RealtimeHog",
	.summary = "a FIFO, round-robin or deadline thread held the CPU that a thread of lower rank waited for",
	.unit = KF_RULE_NS,
	.warn = 1000000,
	.error = 10000000,
	.by_victim = true,
	.by_culprit = true,
	.find = find,
	.tell = tell,
};
