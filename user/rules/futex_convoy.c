/* SPDX-License-Identifier: BSD-2-Clause */
/* FutexConvoy: many threads in line for one lock. docs/rules/FutexConvoy.md */
#include "rules/rule.h"

#include <inttypes.h>

#include "model/convoy.h"
#include "rules/search.h"
#include "rules/words.h"

/* Of the staircase, so many steps are told. */
#define MAX_STEPS 8

/* Numbers of a hit. */
enum { N_CONVOY };

static int find(struct kf_search *s, struct kf_error *e)
{
	kf_convoys_release(&s->convoys);
	if (kf_convoys_find(&s->convoys, s->t, e))
		return -1;
	for (size_t i = 0; i < s->convoys.n; i++) {
		const struct kf_convoy *c = &s->convoys.items[i];
		struct kf_hit hit = { .value = c->longest_ns,
				      .ns = c->longest_ns,
				      .total_ns = c->total_ns,
				      .count = c->n_convoys,
				      .ts_ns = c->first_ns,
				      .key = c->address,
				      .thread = c->longest_thread,
				      .culprit = c->holder,
				      .cpu = KF_NO_CPU,
				      .wait = { .arg0 = c->address, .nr = KF_NR_USER },
				      .numbers[N_CONVOY] = i };
		int futex = kf_syscall_number("futex");

		if (futex >= 0) {
			hit.wait.nr = (uint16_t)futex;
			hit.wait.in_syscall = true;
		}
		if (kf_search_hit(s, &hit, e))
			return -1;
	}
	return 0;
}

/* "; handed over 3.10 ms apart: a/1 -> b/2 (waited 5.00 ms) -> ..." */
static void tell_steps(struct kf_line *line, const struct kf_timeline *t, const struct kf_convoy *c)
{
	for (uint32_t i = 0; i < c->n_steps && i < MAX_STEPS; i++) {
		const struct kf_convoy_step *step = &c->steps[i];

		kf_line_text(line, i ? ", then " : "the line: ");
		if (!i || c->steps[i - 1].thread != step->from) {
			kf_line_thread(line, t, step->from);
			kf_line_text(line, " to ");
		}
		kf_line_thread(line, t, step->thread);
		kf_line_text(line, " after ");
		kf_line_duration(line, step->waited_ns);
	}
	if (c->n_handovers > MAX_STEPS)
		kf_line_add(line, ", and %" PRIu32 " more", c->n_handovers - MAX_STEPS);
}

static void tell(struct kf_search *s, const struct kf_alike *group, struct kf_words *words)
{
	const struct kf_convoy *c = &s->convoys.items[group->worst.numbers[N_CONVOY]];
	struct kf_line *line = &words->message;

	kf_line_add(line, "%" PRIu32 " threads of ", c->n_threads);
	kf_line_process(line, s->t, c->longest_thread);
	kf_line_add(line, " stood in line for futex 0x%" PRIx64 ", up to %" PRIu32 " at once; ", c->address,
		    c->max_waiters);
	kf_line_thread(line, s->t, c->longest_thread);
	kf_line_text(line, c->open ? " waited longest so far, " : " waited longest, ");
	kf_line_duration(line, c->longest_ns);
	if (c->holder < s->t->n_threads) {
		kf_line_text(line, "; ");
		kf_line_thread(line, s->t, c->holder);
		kf_line_text(line, " likely had it longest, ");
		kf_line_duration(line, c->holder_ns);
		kf_line_text(line, " in all");
	}
	tell_steps(&words->detail, s->t, c);
	kf_line_text(&words->suggestion,
		     "hold the lock for less time (no I/O, allocation or logging inside), split it, or use "
		     "one that readers share");
	if (c->holder < s->t->n_threads) {
		kf_line_text(&words->suggestion, "; see first what ");
		kf_line_thread(&words->suggestion, s->t, c->holder);
		kf_line_text(&words->suggestion, " does while it has it");
	}
}

const struct kf_rule kf_rule_futex_convoy = {
	.name = "FutexConvoy",
	.summary = "threads of a process stood in line for one lock",
	.unit = KF_RULE_NS,
	.warn = 5000000,
	.error = 50000000,
	.by_victim = true,
	.find = find,
	.tell = tell,
};
