/* SPDX-License-Identifier: BSD-2-Clause */
/* RunQueueLatency: ready to run, and not run. docs/rules/RunQueueLatency.md */
#include "rules/rule.h"

#include "rules/search.h"
#include "rules/words.h"

/* What it waited in a queue: a throttled thread is in none, and has a rule of its own. */
static uint64_t queued_ns(const struct kf_gap *gap)
{
	return gap->end_ns - gap->start_ns - (gap->throttled_end_ns - gap->throttled_start_ns);
}

/* Throttled, but not for how long: what is left for the queue is not known. */
static bool is_vaguely_throttled(const struct kf_gap *gap)
{
	return gap->throttled && !gap->throttled_end_ns;
}

/* Threads of the kernel give way for milliseconds on every busy host: only what would be an ERROR for others is told. */
static uint64_t least_ns(const struct kf_search *s, const struct kf_gap *gap)
{
	return s->t->threads[gap->thread].kernel ? s->error : s->warn;
}

static int find(struct kf_search *s, struct kf_error *e)
{
	for (size_t i = 0; i < s->t->n_gaps; i++) {
		const struct kf_gap *gap = &s->t->gaps[i];
		struct kf_hit hit;

		if (queued_ns(gap) < least_ns(s, gap) || is_vaguely_throttled(gap) || gap->yielded ||
		    kf_gap_is_of_idler(s->t, gap) || !kf_search_wants(s, gap->thread))
			continue;
		if (kf_search_parts(s, gap, e))
			return -1;
		hit = kf_hit_of_gap(gap);
		hit.value = hit.ns = queued_ns(gap);
		hit.mild = s->t->threads[gap->thread].kernel;
		hit.culprit = kf_search_culprit(s);
		if (kf_search_hit(s, &hit, e))
			return -1;
	}
	return 0;
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_gap *gap = group->worst.gap;
	char sentence[KF_SENTENCE_BYTES];

	kf_sentences_gap(&s->sentences, gap, sentence, sizeof(sentence));
	kf_line_text(&words->message, sentence);
	kf_line_gap_advice(&words->suggestion, s, gap);
}

const struct kf_rule kf_rule_run_queue_latency = {
	.name = "RunQueueLatency",
	.summary = "a thread was ready to run, and was not run",
	.unit = KF_RULE_NS,
	.warn = 1000000,
	.error = 10000000,
	.by_victim = true,
	.by_culprit = true,
	.find = find,
	.tell = tell,
};
