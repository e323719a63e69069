/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/story.h"

#include "model/chain.h"
#include "model/convoy.h"
#include "output/gap_json.h"

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *tid_of(const struct kf_timeline *t, uint32_t thread)
{
	if (thread == KF_IDLE)
		return json_integer(0);
	return thread < t->n_threads ? json_integer(t->threads[thread].tid) : json_null();
}

/* Appends, and gives up array if that fails. Steals item. */
static json_t *append(json_t *array, json_t *item)
{
	if (json_array_append_new(array, item)) {
		json_decref(array);
		return NULL;
	}
	return array;
}

static json_t *wait_json(const struct kf_link *link)
{
	const char *syscall = link->wait.in_syscall ? kf_syscall_name(link->wait.nr) : NULL;

	if (!link->n_waits)
		return json_null();
	return json_pack("{s:s, s:s?, s:o, s:o, s:o}", "kind", kf_wait_kind_name(link->wait.kind), "syscall", syscall,
			 "arg0", number(link->wait.arg0), "start_ns", number(link->wait_start_ns), "end_ns",
			 link->wait_open ? json_null() : number(link->wait_end_ns));
}

static json_t *link_json(const struct kf_timeline *t, const struct kf_link *link)
{
	const struct kf_thread *th = &t->threads[link->thread];

	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s?}", "tid", (json_int_t)th->tid,
			 "comm", kf_json_text(th->comm, sizeof(th->comm)), "start_ns", number(link->start_ns), "end_ns",
			 number(link->end_ns), "running_ns", number(link->running_ns), "runnable_ns",
			 number(link->runnable_ns), "blocked_ns", number(link->blocked_ns), "unknown_ns",
			 number(link->unknown_ns), "wait", wait_json(link), "waker_tid", tid_of(t, link->waker),
			 "waker_irq", link->waker_irq, "end", link->end ? kf_chain_end_name(link->end) : NULL);
}

json_t *kf_story_json(const struct kf_timeline *t, const struct kf_chain *chain)
{
	json_t *links = json_array();

	for (size_t i = 0; links && i < chain->n; i++)
		links = append(links, link_json(t, &chain->links[i]));
	return links;
}

static json_t *steps_json(const struct kf_timeline *t, const struct kf_convoy *c)
{
	json_t *steps = json_array();

	for (size_t i = 0; steps && i < c->n_steps; i++) {
		const struct kf_convoy_step *step = &c->steps[i];

		steps = append(steps, json_pack("{s:o, s:o, s:o, s:o, s:o}", "ts_ns", number(step->ts_ns), "tid",
						tid_of(t, step->thread), "waited_ns", number(step->waited_ns),
						"from_tid", tid_of(t, step->from), "held_ns", number(step->held_ns)));
	}
	return steps;
}

json_t *kf_story_convoy_json(const struct kf_timeline *t, const struct kf_convoy *c)
{
	return json_pack("{s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:b, s:o, s:o, s:I, s:o}", "tgid",
			 (json_int_t)c->tgid, "address", number(c->address), "convoys", (json_int_t)c->n_convoys,
			 "max_waiters", (json_int_t)c->max_waiters, "total_ns", number(c->total_ns), "start_ns",
			 number(c->first_ns), "end_ns", number(c->last_ns), "threads", (json_int_t)c->n_threads,
			 "wait_ns", number(c->worst_ns), "longest_tid", tid_of(t, c->longest_thread), "longest_ns",
			 number(c->longest_ns), "open", c->open, "holder_tid", tid_of(t, c->holder), "holder_ns",
			 number(c->holder_ns), "handovers", (json_int_t)c->n_handovers, "steps", steps_json(t, c));
}
