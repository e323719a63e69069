/* SPDX-License-Identifier: BSD-2-Clause */
/* Preempted: somebody else was put on its CPU, and for long; yields apart. docs/rules/Preempted.md */
#include "rules/rule.h"

#include "model/prio.h"
#include "rules/search.h"
#include "rules/words.h"

/* Keys: a yield is no preemption. */
enum { BY_SOMEBODY = 0, BY_ITSELF = 1 };

static bool is_preempted(const struct kf_gap *gap)
{
	return gap->yielded || (gap->cause == KF_CAUSE_PREEMPTED && !gap->throttled);
}

static int find(struct kf_search *s, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_gaps; i++) {
		const struct kf_gap *gap = &s->t->gaps[i];
		struct kf_hit hit;

		if (gap->end_ns - gap->start_ns < s->warn || !is_preempted(gap) || kf_gap_is_of_idler(s->t, gap) ||
		    !kf_search_wants(s, gap->thread))
			continue;
		hit = kf_hit_of_gap(gap);
		hit.key = gap->yielded ? BY_ITSELF : BY_SOMEBODY;
		hit.mild = gap->yielded || s->t->threads[gap->thread].kernel;
		if (!gap->yielded) {
			if (kf_search_parts(s, gap, e))
				return -1;
			hit.culprit = kf_search_culprit(s);
		}
		if (kf_search_hit(s, &hit, e))
			return -1;
	}
	return 0;
}

/* "nginx/2144 is nice 0, redis/812 is nice -5" */
static void tell_priorities(const struct kf_timeline *t, const struct kf_hit *hit, struct kf_line *line)
{
	uint16_t victim = kf_prio_at(t, hit->thread, hit->ts_ns), culprit = kf_prio_at(t, hit->culprit, hit->ts_ns);

	if (hit->culprit >= t->n_threads || !(victim & KF_PRIO_KNOWN) || !(culprit & KF_PRIO_KNOWN))
		return;
	kf_line_thread(line, t, hit->thread);
	kf_line_text(line, " is ");
	kf_line_prio(line, victim);
	kf_line_text(line, ", ");
	kf_line_thread(line, t, hit->culprit);
	kf_line_text(line, " is ");
	kf_line_prio(line, culprit);
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_gap *gap = group->worst.gap;
	char sentence[KF_SENTENCE_BYTES];

	kf_sentences_gap(&s->sentences, gap, sentence, sizeof(sentence));
	kf_line_text(&words->message, sentence);
	if (gap->yielded) {
		kf_line_text(&words->detail, "sched_yield lets everybody else run first, as long as they like");
		kf_line_text(&words->suggestion, "do not wait by sched_yield: wait on a futex, a condition variable or "
						 "an eventfd, which wakes the thread when there is something to do");
		return;
	}
	tell_priorities(s->t, &group->worst, &words->detail);
	kf_line_gap_advice(&words->suggestion, s, gap);
}

const struct kf_rule kf_rule_preempted = {
	.name = "Preempted",
	.summary = "a thread that wanted to go on lost its CPU for several time slices",
	.unit = KF_RULE_NS,
	.warn = 10000000,
	.error = 50000000,
	.by_victim = true,
	.by_culprit = true,
	.find = find,
	.tell = tell,
};
