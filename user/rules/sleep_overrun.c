/* SPDX-License-Identifier: BSD-2-Clause */
/* SleepOverrun: a thread that slept for a time ran later than that. docs/rules/SleepOverrun.md */
#include "rules/rule.h"

#include <sys/syscall.h>

#include "base/bisect.h"
#include "rules/block.h"
#include "rules/search.h"
#include "rules/words.h"

#define MS_NS 1000000ULL

/* Numbers of a hit. */
enum { N_LATE_TIMER_NS };

/*
 * The time a thread asked for is known for poll(2) only: everywhere else it is behind a pointer, or in an argument that is
 * not recorded. UINT64_MAX: not known, or for ever.
 */
static uint64_t asked_ns(const struct kf_wait *wait)
{
#ifdef SYS_poll
	if (wait->in_syscall && wait->nr == SYS_poll && (int32_t)wait->arg2 > 0)
		return wait->arg2 * MS_NS;
#endif
	return UINT64_MAX;
}

/* The gap of a thread that begins with this wake-up, NULL none. */
static const struct kf_gap *gap_from(const struct kf_timeline *t, const uint32_t *gaps, size_t n, uint64_t ts_ns)
{
	size_t at = KF_BISECT(n, i, t->gaps[gaps[i]].start_ns < ts_ns);

	return at < n && t->gaps[gaps[at]].start_ns == ts_ns ? &t->gaps[gaps[at]] : NULL;
}

static int look_at(struct kf_search *s, const struct kf_block *block, void *arg, struct kf_error *e)
{
	uint64_t slept_ns = block->end_ns - block->start_ns, wanted_ns = asked_ns(block->wait), late_ns = 0;
	const struct kf_gap *gap;
	const uint32_t *gaps;
	struct kf_hit hit;
	size_t n;

	/* Only its timer ends a sleep from an interrupt, and a poll that long. */
	if (block->open || !block->waker_irq)
		return 0;
	if (!block->cut && wanted_ns <= slept_ns)
		late_ns = slept_ns - wanted_ns;
	else if (block->wait->kind != KF_WAIT_SLEEP)
		return 0;
	gaps = kf_search_gaps(s, block->thread, &n, e);
	if (!gaps)
		return -1;
	gap = gap_from(s->t, gaps, n, block->end_ns);
	if (!gap || kf_gap_is_of_idler(s->t, gap))
		return 0;
	hit = kf_hit_of_gap(gap);
	hit.value = hit.ns = late_ns + hit.ns;
	hit.wait = *block->wait;
	hit.numbers[N_LATE_TIMER_NS] = late_ns;
	if (hit.value >= s->warn) {
		if (kf_search_parts(s, gap, e))
			return -1;
		hit.culprit = kf_search_culprit(s);
	}
	return kf_search_hit(s, &hit, e);
}

static int find(struct kf_search *s, struct kf_error *e)
{
	return kf_search_blocks(s, look_at, NULL, e);
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_hit *hit = &group->worst;
	uint64_t late_ns = hit->numbers[N_LATE_TIMER_NS];
	char sentence[KF_SENTENCE_BYTES];
	struct kf_line *line = &words->message;

	kf_line_thread(line, s->t, hit->thread);
	kf_line_text(line, late_ns ? " overslept " : " overslept at least ");
	kf_line_duration(line, hit->ns);
	kf_line_text(line, " in ");
	kf_line_text(line, kf_syscall_name(hit->wait.nr) ? kf_syscall_name(hit->wait.nr) : "a sleep");
	kf_line_text(line, ": ");
	if (late_ns) {
		kf_line_text(line, "its time-out came ");
		kf_line_duration(line, late_ns);
		kf_line_text(line, " late; then ");
	}
	kf_sentences_gap(&s->sentences, hit->gap, sentence, sizeof(sentence));
	kf_line_text(line, sentence);
	kf_line_text(&words->detail,
		     late_ns ? "counted from when it left its CPU, so a little less than it was"
			     : "how long it wanted to sleep is not recorded: late from when its timer woke it");
	if (late_ns > hit->ns / 2) {
		kf_line_text(&words->suggestion, "the timer itself was late: timer slack (PR_SET_TIMERSLACK, 50 us "
						 "unless set; more for children of "
						 "services with TimerSlackNSec=), a CPU held with interrupts off, or a "
						 "hypervisor that took it away");
		return;
	}
	kf_line_gap_advice(&words->suggestion, s, hit->gap);
}

const struct kf_rule kf_rule_sleep_overrun = {
	.name = "SleepOverrun",
	.summary = "a thread that slept for a time ran later than that",
	.unit = KF_RULE_NS,
	.warn = 5000000,
	.error = 50000000,
	.by_victim = true,
	.by_culprit = true,
	.find = find,
	.tell = tell,
};
