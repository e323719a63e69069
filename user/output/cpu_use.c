/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/cpu_use.h"

#include <stdlib.h>

#include "base/error.h"
#include "model/timeline.h"
#include "output/gap_json.h"

static void rank(struct kf_cpu_use *use, uint32_t thread, uint64_t ns)
{
	for (int i = 0; i < KF_CPU_USE_TOP; i++) {
		uint32_t thread_here = use->top[i];
		uint64_t ns_here = use->top_ns[i];

		if (thread_here != KF_NOBODY && ns <= ns_here)
			continue;
		use->top[i] = thread;
		use->top_ns[i] = ns;
		thread = thread_here; /* the one that was here moves down */
		ns = ns_here;
		if (thread == KF_NOBODY)
			return;
	}
}

static void sum_up(struct kf_cpu_use *use, const struct kf_parts *parts)
{
	for (int i = 0; i < KF_CPU_USE_TOP; i++)
		use->top[i] = KF_NOBODY;
	for (size_t i = 0; i < parts->n; i++) {
		const struct kf_part *part = &parts->items[i];

		use->by_kind_ns[part->kind] += part->ns;
		if (part->kind == KF_PART_SOFTIRQ && part->vector < KF_CPU_USE_VECTORS)
			use->softirq_ns[part->vector] += part->ns;
		if (part->kind == KF_PART_THREAD)
			rank(use, part->thread, part->ns);
	}
}

int kf_cpu_use_find(const struct kf_timeline *t, struct kf_cpu_use **out, size_t *n, struct kf_error *e)
{
	struct kf_cpu_use *list = calloc(t->n_cpus + 1, sizeof(*list));
	struct kf_parts parts = { 0 };
	size_t found = 0;
	int err = 0;

	if (!list)
		return kf_fail_memory(e, "the use of the CPUs");
	for (uint32_t cpu = 0; !err && cpu < t->n_cpus; cpu++) {
		if (!t->cpus[cpu].n_runs)
			continue;
		err = kf_cpu_parts(t, cpu, t->floor_ns, t->end_ns, &parts, e);
		if (err)
			break;
		list[found].cpu = cpu;
		list[found].irqs_known = t->cpus[cpu].taken_floor_ns != UINT64_MAX;
		sum_up(&list[found++], &parts);
	}
	kf_parts_release(&parts);
	if (err) {
		free(list);
		return -1;
	}
	*out = list;
	*n = found;
	return 0;
}

static json_t *softirqs_json(const struct kf_timeline *t, const struct kf_cpu_use *use)
{
	json_t *softirqs = json_object();

	for (uint16_t vector = 0; vector < KF_CPU_USE_VECTORS; vector++) {
		const struct kf_part part = { .kind = KF_PART_SOFTIRQ, .vector = vector };
		char name[32];

		if (use->softirq_ns[vector])
			json_object_set_new(softirqs, kf_part_vector_name(t, &part, name, sizeof(name)),
					    json_integer((json_int_t)use->softirq_ns[vector]));
	}
	return softirqs;
}

static json_t *top_json(const struct kf_timeline *t, const struct kf_cpu_use *use)
{
	json_t *top = json_array();

	for (int i = 0; i < KF_CPU_USE_TOP && use->top[i] < t->n_threads; i++) {
		const struct kf_thread *thread = &t->threads[use->top[i]];

		json_array_append_new(top, json_pack("{sI so sI}", "tid", (json_int_t)thread->tid, "comm",
						     kf_json_text(thread->comm, KF_COMM_BYTES), "ns",
						     (json_int_t)use->top_ns[i]));
	}
	return top;
}

static json_t *irq_json(const struct kf_cpu_use *use, enum kf_part_kind kind)
{
	return use->irqs_known ? json_integer((json_int_t)use->by_kind_ns[kind]) : json_null();
}

static json_t *one_json(const struct kf_timeline *t, const struct kf_cpu_use *use)
{
	const uint64_t *ns = use->by_kind_ns;

	return json_pack("{sI sI sI so so sI sI so so}", "cpu", (json_int_t)use->cpu, "threads_ns",
			 (json_int_t)ns[KF_PART_THREAD], "idle_ns", (json_int_t)ns[KF_PART_IDLE], "irq_ns",
			 irq_json(use, KF_PART_IRQ), "softirq_ns", irq_json(use, KF_PART_SOFTIRQ), "steal_ns",
			 (json_int_t)ns[KF_PART_STEAL], "unknown_ns", (json_int_t)ns[KF_PART_UNKNOWN], "softirqs",
			 softirqs_json(t, use), "top", top_json(t, use));
}

json_t *kf_cpu_use_json(const struct kf_timeline *t, struct kf_error *e)
{
	struct kf_cpu_use *uses;
	json_t *list;
	size_t n;

	if (kf_cpu_use_find(t, &uses, &n, e))
		return NULL;
	list = json_array();
	for (size_t i = 0; list && i < n; i++) {
		if (json_array_append_new(list, one_json(t, &uses[i]))) {
			json_decref(list);
			list = NULL;
		}
	}
	free(uses);
	if (!list)
		kf_fail_memory(e, "the use of the CPUs");
	return list;
}
