/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/story_trigger.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/bisect.h"
#include "base/error.h"
#include "model/chain.h"
#include "model/convoy.h"
#include "output/line.h"
#include "output/sentence.h"
#include "output/story.h"
#include "output/trigger.h"
#include "snapshot/snapshot.h"

/* A waker's own gap counts if it is at least 1/4 of that of whom it woke. */
#define LATE_MATTERS 4

static uint64_t length(const struct kf_gap *gap)
{
	return gap->end_ns - gap->start_ns;
}

void kf_trigger_chain(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_chains *chains,
		      struct kf_chain *out)
{
	const struct kf_trigger *trigger = &s->trigger;
	uint32_t thread = kf_timeline_find(t, trigger->tid, trigger->ts_ns);
	const struct kf_link *first = &out->links[0];

	out->n = 0;
	if (trigger->kind != KF_TRIGGER_FUTEX && trigger->kind != KF_TRIGGER_BLOCK &&
	    trigger->kind != KF_TRIGGER_SYSCALL)
		return;
	if (thread >= t->n_threads || trigger->since_ns >= trigger->ts_ns)
		return;
	kf_chain_of(chains, thread, trigger->since_ns, trigger->ts_ns, out);
	/* It went on after the trigger: tell all of it. */
	if (out->n && (trigger->flags & KF_TRIGGER_OPEN) && first->n_waits && first->wait_end_ns > trigger->ts_ns)
		kf_chain_of(chains, thread, trigger->since_ns, first->wait_end_ns, out);
}

/* The first line of the report has the first link: who waited, for what, and who ended it. */
static bool adds_something(const struct kf_chain *chain)
{
	const struct kf_link *first = &chain->links[0];

	if (chain->n != 1)
		return chain->n > 1;
	/* An interrupt may be the softirq of a message that a thread here is sending. */
	return first->end == KF_CHAIN_QUEUED ||
	       (first->end == KF_CHAIN_INTERRUPT && first->waker < KF_NOT_KNOWN && first->waker_did.in_syscall);
}

/* The last gap of a thread that ended by then; NULL none. */
static const struct kf_gap *gap_before(const struct kf_timeline *t, const struct kf_chains *chains, uint32_t thread,
				       uint64_t ts_ns)
{
	size_t later, n;
	const uint32_t *gaps = kf_chains_gaps(chains, thread, &n);

	later = KF_BISECT(n, i, t->gaps[gaps[i]].end_ns <= ts_ns);
	return later ? &t->gaps[gaps[later - 1]] : NULL;
}

/* The gap that kept the waker of a thread from waking it earlier; NULL if there is none worth telling. */
static const struct kf_gap *late_waker(const struct kf_timeline *t, const struct kf_chains *chains,
				       const struct kf_gap *gap)
{
	const struct kf_gap *before;
	struct kf_chain run;

	if (gap->cause != KF_CAUSE_WOKEN || gap->waker_irq || gap->waker >= t->n_threads)
		return NULL;
	before = gap_before(t, chains, gap->waker, gap->start_ns);
	if (!before || length(before) < length(gap) / LATE_MATTERS)
		return NULL;
	/* It has run since then, and whom it woke had been asleep before it could. */
	kf_chain_of(chains, gap->waker, before->end_ns, gap->start_ns, &run);
	if (run.links[0].running_ns != gap->start_ns - before->end_ns)
		return NULL;
	kf_chain_of(chains, gap->thread, before->end_ns, gap->start_ns, &run);
	return run.links[0].blocked_ns == gap->start_ns - before->end_ns ? before : NULL;
}

static void tell_late_wakers(struct kf_line *line, const struct kf_timeline *t, const struct kf_chains *chains,
			     const struct kf_gap *gap)
{
	for (size_t depth = 0; depth < KF_CHAIN_MAX; depth++) {
		const struct kf_gap *late = late_waker(t, chains, gap);

		if (!late)
			return;
		if (depth)
			kf_line_text(line, "\n");
		for (size_t i = 0; i < depth; i++)
			kf_line_text(line, "  ");
		kf_line_thread(line, t, late->thread);
		kf_line_text(line, " woke ");
		kf_line_thread(line, t, gap->thread);
		kf_line_text(line, " late, because it had not run itself: ");
		line->used += kf_gap_sentence(t, late, line->buf + line->used, line->room - line->used);
		gap = late;
	}
}

size_t kf_trigger_story(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_chains *chains,
			char *buf, size_t len)
{
	const struct kf_gap *gap = kf_trigger_gap(t, s);
	struct kf_chain chain;
	struct kf_line line;

	kf_line_init(&line, buf, len);
	if (gap) {
		tell_late_wakers(&line, t, chains, gap);
		return line.used;
	}
	kf_trigger_chain(t, s, chains, &chain);
	return adds_something(&chain) ? kf_story_text(t, &chain, NULL, buf, len) : 0;
}

static json_t *convoys_json(const struct kf_timeline *t, const struct kf_convoys *convoys)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < convoys->n && i < KF_STORY_CONVOYS; i++) {
		if (json_array_append_new(array, kf_story_convoy_json(t, &convoys->items[i]))) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

static json_t *story_json(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_chains *chains,
			  const struct kf_convoys *convoys)
{
	char *text = malloc(KF_STORY_BYTES);
	struct kf_chain chain;
	json_t *o;

	if (!text)
		return NULL;
	kf_trigger_story(t, s, chains, text, KF_STORY_BYTES);
	kf_trigger_chain(t, s, chains, &chain);
	o = json_pack("{s:s, s:o, s:o}", "text", text, "chain", kf_story_json(t, &chain), "convoys",
		      convoys_json(t, convoys));
	free(text);
	return o;
}

json_t *kf_trigger_story_json(const struct kf_timeline *t, const struct kf_snapshot *s, struct kf_error *e)
{
	struct kf_convoys convoys = { 0 };
	struct kf_chains *chains = NULL;
	json_t *o = NULL;

	if (!kf_chains_open(&chains, t, e) && !kf_convoys_find(&convoys, t, e)) {
		o = story_json(t, s, chains, &convoys);
		if (!o)
			kf_fail_memory(e, "the story as JSON");
	}
	kf_convoys_release(&convoys);
	kf_chains_close(&chains);
	return o;
}
