/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/findings_json.h"

#include "base/error.h"
#include "model/timeline.h"
#include "output/gap_json.h"
#include "rules/finding.h"

static json_t *stack_of(const struct kf_finding *f)
{
	return f->where[0] ? json_pack("[s]", f->where) : json_array();
}

/* NULL: nobody, the idle task, or nobody known. */
static const struct kf_thread *thread_at(const struct kf_timeline *t, uint32_t thread)
{
	return t->threads && thread < t->n_threads ? &t->threads[thread] : NULL;
}

/* 0 the idle task, null nobody known */
static json_t *tid_of(const struct kf_timeline *t, uint32_t thread)
{
	const struct kf_thread *th = thread_at(t, thread);

	if (th)
		return json_integer(th->tid);
	return thread == KF_IDLE ? json_integer(0) : json_null();
}

static json_t *name_of(const struct kf_timeline *t, uint32_t thread)
{
	const struct kf_thread *th = thread_at(t, thread);

	return th ? kf_json_text(th->comm, KF_COMM_BYTES) : json_null();
}

static json_t *ns_of(uint64_t ns)
{
	return json_integer((json_int_t)ns);
}

json_t *kf_finding_json(const struct kf_finding *f, const struct kf_timeline *t, struct kf_error *e)
{
	const struct kf_thread *th = thread_at(t, f->thread);
	json_t *o = json_pack("{ss ss ss ss ss so so so so so so so so so so so so}", "severity",
			      kf_severity_name(f->severity), "rule", kf_rule_name(f->rule), "message", f->message,
			      "detail", f->detail, "suggestion", f->suggestion, "timestamp_ns", ns_of(f->ts_ns),
			      "stack", stack_of(f), "tid", tid_of(t, f->thread), "tgid",
			      th ? json_integer(th->tgid) : json_null(), "comm", name_of(t, f->thread), "process",
			      th ? kf_json_text(th->process_comm, KF_COMM_BYTES) : json_null(), "cpu",
			      f->cpu == KF_NO_CPU ? json_null() : json_integer(f->cpu), "count", json_integer(f->count),
			      "worst_ns", ns_of(f->worst_ns), "total_ns", ns_of(f->total_ns), "culprit_tid",
			      tid_of(t, f->culprit), "culprit_comm", name_of(t, f->culprit));

	if (!o)
		kf_fail_memory(e, "a finding as JSON");
	return o;
}

json_t *kf_findings_json(const struct kf_findings *f, const struct kf_timeline *t, struct kf_error *e)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < f->n; i++) {
		json_t *o = kf_finding_json(&f->items[i], t, e);

		if (o && !json_array_append_new(list, o))
			continue;
		json_decref(list);
		list = NULL;
	}
	if (!list)
		kf_fail_memory(e, "findings as JSON");
	return list;
}
