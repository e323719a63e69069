/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/story.h"

#include <inttypes.h>
#include <stdbool.h>

#include "base/text.h"
#include "base/units.h"
#include "model/chain.h"
#include "model/convoy.h"
#include "output/line.h"
#include "output/sentence.h"
#include "output/story_wait.h"

/* A gap that takes up less than 1/4 of a stretch is not told. */
#define GAP_MATTERS 4

static void begin_line(struct kf_line *line, size_t depth)
{
	if (line->used)
		kf_line_text(line, "\n");
	for (size_t i = 0; i < depth; i++)
		kf_line_text(line, "  ");
}

static uint64_t length(const struct kf_link *link)
{
	return link->end_ns - link->start_ns;
}

/* Whom an interrupt interrupted has nothing to do with it; but over the loopback he may have sent it himself. */
static void add_interrupt(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link)
{
	const char *syscall = link->waker_did.in_syscall ? kf_syscall_name(link->waker_did.nr) : NULL;

	if (link->wait.kind == KF_WAIT_SLEEP) {
		kf_line_text(line, " until a timer ended it");
		return;
	}
	kf_line_text(line, " until an interrupt woke it");
	if (!syscall || link->waker >= t->n_threads)
		return;
	kf_line_text(line, " (on a CPU where ");
	kf_line_thread(line, t, link->waker);
	kf_line_add(line, " was in %s)", syscall);
}

static void add_waker(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link)
{
	if (link->wait_open) {
		kf_line_text(line, ", which nobody has ended yet");
	} else if (link->waker_irq) {
		add_interrupt(line, t, link);
	} else if (link->waker == KF_NOBODY) {
		kf_line_text(line, " (who ended it is not known)");
	} else {
		kf_line_text(line, " until ");
		kf_line_thread(line, t, link->waker);
		kf_line_text(line, " woke it");
	}
}

/* "38.0 ms in futex 0x7f12c0 until pg/77 woke it"; of many waits the longest. */
static void add_blocked(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link)
{
	uint64_t from = link->wait_start_ns > link->start_ns ? link->wait_start_ns : link->start_ns;
	uint64_t to = link->wait_end_ns < link->end_ns ? link->wait_end_ns : link->end_ns;

	if (link->n_waits > 1) {
		kf_line_duration(line, link->blocked_ns);
		kf_line_add(line, " blocked in %" PRIu32 " waits, the longest ", link->n_waits);
	}
	kf_line_duration(line, to - from);
	kf_line_wait(line, &link->wait);
	add_waker(line, t, link);
}

static void add_time(struct kf_line *line, const char **before, uint64_t ns, const char *words)
{
	if (!ns)
		return;
	kf_line_text(line, *before);
	kf_line_duration(line, ns);
	kf_line_text(line, words);
	*before = ", ";
}

static void add_spent(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link)
{
	const char *before = ": ";

	if (link->n_waits) {
		kf_line_text(line, before);
		add_blocked(line, t, link);
		before = ", ";
	}
	add_time(line, &before, link->runnable_ns, " ready but not running");
	if (link->runnable_ns && link->n_gaps > 1)
		kf_line_add(line, " (%" PRIu32 " times)", link->n_gaps);
	add_time(line, &before, link->running_ns, " running");
	add_time(line, &before, link->unknown_ns, " unknown");
}

static void add_end(struct kf_line *line, const struct kf_link *link)
{
	switch (link->end) {
	case KF_CHAIN_FLOOR:
		kf_line_text(line, "; the window does not reach further back");
		break;
	case KF_CHAIN_DEEP:
		kf_line_text(line, "; and so on");
		break;
	case KF_CHAIN_LOOP:
		kf_line_text(line, "; but that one is said to have waited itself: the records contradict each other");
		break;
	}
}

static void add_first(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link)
{
	kf_line_thread(line, t, link->thread);
	kf_line_text(line, link->wait_open ? " has waited " : " waited ");
	kf_line_duration(line, length(link));
}

static void add_holder(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link)
{
	kf_line_text(line, "while ");
	kf_line_thread(line, t, link->thread);
	kf_line_text(line, " had it for ");
	kf_line_duration(line, length(link));
}

/* What the waker did while the one before it waited. */
static void add_next(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link,
		     const struct kf_link *victim)
{
	uint64_t from = victim->wait_start_ns > victim->start_ns ? victim->wait_start_ns : victim->start_ns;

	kf_line_thread(line, t, link->thread);
	if (link->start_ns > from) {
		kf_line_text(line, ", which began ");
		kf_line_duration(line, link->start_ns - from);
		kf_line_text(line, " later,");
	}
	kf_line_text(line, " meanwhile");
}

static void tell_gap(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link, size_t depth)
{
	begin_line(line, depth);
	if (link->n_gaps > 1)
		kf_line_text(line, "longest: ");
	line->used += kf_gap_sentence(t, link->gap, line->buf + line->used, line->room - line->used);
}

typedef void (*add_who)(struct kf_line *line, const struct kf_timeline *t, const struct kf_link *link);

static void add_chain(struct kf_line *line, const struct kf_timeline *t, const struct kf_chain *chain,
		      const struct kf_gap *told, add_who first, size_t depth)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct kf_link *link = &chain->links[i];

		begin_line(line, depth + i);
		if (i)
			add_next(line, t, link, &chain->links[i - 1]);
		else
			first(line, t, link);
		add_spent(line, t, link);
		add_end(line, link);
		if (link->gap && link->gap != told && link->runnable_ns >= length(link) / GAP_MATTERS)
			tell_gap(line, t, link, depth + i + 1);
	}
}

size_t kf_story_text(const struct kf_timeline *t, const struct kf_chain *chain, const struct kf_gap *told, char *buf,
		     size_t len)
{
	struct kf_line line;

	kf_line_init(&line, buf, len);
	add_chain(&line, t, chain, told, add_first, 0);
	return line.used;
}

/* "db/70": any of its threads knows the name of the process. */
static void add_process(struct kf_line *line, const struct kf_timeline *t, const struct kf_convoy *c)
{
	char name[KF_TEXT_COMM_BYTES + 1] = "";

	if (c->longest_thread < t->n_threads)
		kf_text_printable(t->threads[c->longest_thread].process_comm, KF_COMM_BYTES, name, sizeof(name));
	kf_line_add(line, "%s/%" PRIu32, name[0] ? name : "?", c->tgid);
}

static void add_convoy(struct kf_line *line, const struct kf_timeline *t, const struct kf_convoy *c)
{
	kf_line_add(line, "futex %#" PRIx64 " of ", c->address);
	add_process(line, t, c);
	kf_line_add(line, ": %" PRIu32 " threads in line, ", c->n_threads);
	kf_line_duration(line, c->worst_ns);
	kf_line_text(line, " of waiting within ");
	kf_line_duration(line, c->last_ns - c->first_ns);
	kf_line_text(line, "; ");
	kf_line_thread(line, t, c->longest_thread);
	kf_line_text(line, " waited longest, ");
	kf_line_duration(line, c->longest_ns);
	if (c->holder != KF_NOBODY) {
		kf_line_text(line, "; likely held longest by ");
		kf_line_thread(line, t, c->holder);
		kf_line_text(line, ", ");
		kf_line_duration(line, c->holder_ns);
		kf_line_text(line, " in all");
	} else {
		kf_line_text(line, c->open ? "; nobody has passed it on, who holds it is not known"
					   : "; who held it is not known");
	}
	if (c->n_convoys > 1) {
		kf_line_add(line, " (the worst of %" PRIu32 " lines for it, ", c->n_convoys);
		kf_line_duration(line, c->total_ns);
		kf_line_text(line, " of waiting in all)");
	}
}

/* All are of one process, which has been named. */
static void add_member(struct kf_line *line, const struct kf_timeline *t, uint32_t thread)
{
	kf_line_comm(line, t, thread);
	kf_line_add(line, "/%" PRIu32, t->threads[thread].tid);
}

static void add_step(struct kf_line *line, const struct kf_timeline *t, const struct kf_convoy *c,
		     const struct kf_convoy_step *step)
{
	char at[32];

	begin_line(line, 1);
	kf_line_add(line, "%8s  ", kf_format_duration(step->ts_ns - c->first_ns, at, sizeof(at)));
	add_member(line, t, step->thread);
	kf_line_text(line, " after ");
	kf_line_duration(line, step->waited_ns);
	kf_line_text(line, ", from ");
	add_member(line, t, step->from);
	kf_line_text(line, " (had it ");
	kf_line_duration(line, step->held_ns);
	kf_line_text(line, ")");
}

size_t kf_story_convoy_text(const struct kf_timeline *t, const struct kf_convoy *c, size_t max_steps, char *buf,
			    size_t len)
{
	size_t n = c->n_steps < max_steps ? c->n_steps : max_steps;
	struct kf_line line;

	kf_line_init(&line, buf, len);
	add_convoy(&line, t, c);
	for (size_t i = 0; i < n; i++)
		add_step(&line, t, c, &c->steps[i]);
	if (c->n_handovers > n) {
		begin_line(&line, 1);
		kf_line_add(&line, "... and %zu more", c->n_handovers - n);
	}
	return line.used;
}

size_t kf_story_hold_text(const struct kf_timeline *t, const struct kf_chains *chains, const struct kf_convoy *c,
			  char *buf, size_t len)
{
	const struct kf_convoy_step *longest = NULL;
	struct kf_chain chain;
	struct kf_line line;

	kf_line_init(&line, buf, len);
	for (size_t i = 0; i < c->n_steps; i++)
		if (!longest || c->steps[i].held_ns > longest->held_ns)
			longest = &c->steps[i];
	if (!longest)
		return 0;
	kf_chain_of(chains, longest->from, longest->ts_ns - longest->held_ns, longest->ts_ns, &chain);
	add_chain(&line, t, &chain, NULL, add_holder, 0);
	return line.used;
}
