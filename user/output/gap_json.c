/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/gap_json.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "model/timeline.h"

const char *kf_cause_name(unsigned int cause)
{
	switch (cause) {
	case KF_CAUSE_WOKEN:
		return "woken";
	case KF_CAUSE_PREEMPTED:
		return "preempted";
	case KF_CAUSE_FORKED:
		return "forked";
	default:
		return "unknown";
	}
}

json_t *kf_json_text(const char *bytes, size_t max)
{
	char text[1024];

	kf_text_printable(bytes, max, text, sizeof(text));
	return json_string(text);
}

int kf_gap_json_init(struct kf_gap_json *g, const struct kf_timeline *t, struct kf_error *e)
{
	*g = (struct kf_gap_json){ .timeline = t };
	g->names = calloc(t->n_threads + 1, sizeof(json_t *));
	return g->names ? 0 : kf_fail_memory(e, "names");
}

void kf_gap_json_release(struct kf_gap_json *g)
{
	for (size_t i = 0; g->names && i < g->timeline->n_threads; i++)
		json_decref(g->names[i]);
	free(g->names);
	g->names = NULL;
	kf_parts_release(&g->parts);
}

static json_t *name_of(struct kf_gap_json *g, uint32_t thread)
{
	const struct kf_thread *th;

	if (thread == KF_IDLE)
		return json_string("idle");
	if (thread >= g->timeline->n_threads)
		return json_null();
	th = &g->timeline->threads[thread];
	if (!g->names[thread])
		g->names[thread] = kf_json_text(th->comm, sizeof(th->comm));
	return json_incref(g->names[thread]);
}

static json_t *tid_of(const struct kf_timeline *t, uint32_t thread)
{
	if (thread == KF_IDLE)
		return json_integer(0);
	return thread < t->n_threads ? json_integer(t->threads[thread].tid) : json_null();
}

static json_t *cpu_of(uint16_t cpu)
{
	return cpu == KF_NO_CPU ? json_null() : json_integer(cpu);
}

static json_t *make_part(struct kf_gap_json *g, const struct kf_part *part)
{
	uint32_t thread = part->kind == KF_PART_THREAD ? part->thread
			  : part->kind == KF_PART_IDLE ? KF_IDLE
						       : KF_NOBODY;
	json_t *o = json_object();
	int err = 0;

	err |= json_object_set_new_nocheck(o, "kind", json_string_nocheck(kf_part_kind_name(part->kind)));
	err |= json_object_set_new_nocheck(o, "tid", tid_of(g->timeline, thread));
	err |= json_object_set_new_nocheck(o, "comm", name_of(g, thread));
	err |= json_object_set_new_nocheck(o, "cpu", cpu_of(part->cpu));
	err |= json_object_set_new_nocheck(o, "ns", json_integer((json_int_t)part->ns));
	if (!err)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *make_parts(struct kf_gap_json *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->parts.n; i++) {
		if (json_array_append_new(list, make_part(g, &g->parts.items[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *kf_gap_json_make(struct kf_gap_json *g, const struct kf_gap *gap, struct kf_error *e)
{
	const struct kf_thread *th = &g->timeline->threads[gap->thread];
	json_t *o;
	int err = 0;

	if (kf_gap_parts(g->timeline, gap, &g->parts, e))
		return NULL;
	o = json_object();
	err |= json_object_set_new_nocheck(o, "tid", json_integer(th->tid));
	err |= json_object_set_new_nocheck(o, "tgid", json_integer(th->tgid));
	err |= json_object_set_new_nocheck(o, "comm", name_of(g, gap->thread));
	err |= json_object_set_new_nocheck(o, "cpu", cpu_of(gap->cpu));
	err |= json_object_set_new_nocheck(o, "start_ns", json_integer((json_int_t)gap->start_ns));
	err |= json_object_set_new_nocheck(o, "end_ns", json_integer((json_int_t)gap->end_ns));
	err |= json_object_set_new_nocheck(o, "wait_ns", json_integer((json_int_t)(gap->end_ns - gap->start_ns)));
	err |= json_object_set_new_nocheck(o, "kind", json_string_nocheck(kf_cause_name(gap->cause)));
	err |= json_object_set_new_nocheck(o, "waker_tid", tid_of(g->timeline, gap->waker));
	err |= json_object_set_new_nocheck(o, "waker_irq", json_boolean(gap->waker_irq));
	err |= json_object_set_new_nocheck(o, "open", json_boolean(gap->open));
	err |= json_object_set_new_nocheck(o, "throttled", json_boolean(gap->throttled));
	err |= json_object_set_new_nocheck(o, "yielded", json_boolean(gap->yielded));
	err |= json_object_set_new_nocheck(o, "parts", make_parts(g));
	if (!err)
		return o;
	json_decref(o);
	kf_fail_memory(e, "a gap as JSON");
	return NULL;
}
