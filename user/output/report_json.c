/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/report.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "model/timeline.h"
#include "output/circumstances_json.h"
#include "output/clock.h"
#include "output/cpu_use.h"
#include "output/findings_json.h"
#include "output/gap_json.h"
#include "output/report_data.h"
#include "output/sentence.h"
#include "output/story_trigger.h"
#include "output/trigger.h"
#include "snapshot/snapshot.h"
#include "snapshot/trigger_kind.h"

static json_t *text_of(const char *text)
{
	return kf_json_text(text, strlen(text));
}

static json_t *comm_of(const char *comm)
{
	return kf_json_text(comm, KF_COMM_BYTES);
}

static json_t *ns_of(uint64_t ns)
{
	return json_integer((json_int_t)ns);
}

static json_t *time_of(const struct kf_snapshot *s, uint64_t mono_ns)
{
	char text[64];

	return json_string(kf_format_timestamp(kf_real_ns(s, mono_ns), text, sizeof(text)));
}

static json_t *trigger_json(const struct kf_timeline *t, const struct kf_snapshot *s)
{
	const struct kf_trigger *trigger = &s->trigger;
	char sentence[KF_SENTENCE_BYTES];

	kf_trigger_sentence(t, s, sentence, sizeof(sentence));
	return json_pack("{so so so so so so so so so so so so so}", "kind",
			 json_string(kf_trigger_kind_name(trigger->kind)), "sentence", json_string(sentence), "reason",
			 text_of(s->reason), "tid", json_integer(trigger->tid), "tgid", json_integer(trigger->tgid),
			 "comm", comm_of(trigger->comm), "ts_ns", ns_of(trigger->ts_ns), "since_ns",
			 ns_of(trigger->since_ns), "threshold_ns", ns_of(trigger->threshold_ns), "time",
			 time_of(s, trigger->ts_ns), "rule", kf_fired_json(s), "requester", kf_requester_json(s),
			 "suppressed", kf_suppressed_json(s));
}

static json_t *window_json(const struct kf_timeline *t, const struct kf_snapshot *s)
{
	json_int_t cpus = 0;

	for (size_t i = 0; i < t->n_cpus; i++)
		cpus += t->cpus[i].n_runs != 0;
	return json_pack("{so so so so so}", "floor_ns", ns_of(t->floor_ns), "end_ns", ns_of(t->end_ns), "held_ns",
			 ns_of(t->end_ns - t->floor_ns), "asked_ns", ns_of(s->window_ns), "cpus", json_integer(cpus));
}

static json_t *told_gap(struct kf_gap_json *g, const struct kf_snapshot *s, const struct kf_gap *gap,
			struct kf_error *e)
{
	char sentence[KF_SENTENCE_BYTES];
	json_t *o = kf_gap_json_make(g, gap, e);

	if (!o)
		return NULL;
	kf_gap_sentence(g->timeline, gap, sentence, sizeof(sentence));
	if (!json_object_set_new_nocheck(o, "time", time_of(s, gap->start_ns)) &&
	    !json_object_set_new_nocheck(o, "sentence", json_string(sentence)))
		return o;
	json_decref(o);
	kf_fail_memory(e, "a gap as JSON");
	return NULL;
}

static json_t *worst_gaps(const struct kf_report_data *d, const struct kf_timeline *t, const struct kf_snapshot *s,
			  uint64_t top, struct kf_error *e)
{
	struct kf_gap_json g;
	json_t *list = json_array();
	int err = kf_gap_json_init(&g, t, e);

	for (size_t i = 0; !err && i < d->n_gaps && i < top; i++)
		err = json_array_append_new(list, told_gap(&g, s, d->gaps[i], e));
	kf_gap_json_release(&g);
	if (!err)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *blocked_json(const struct kf_thread *th)
{
	json_t *o = json_object();

	for (unsigned int kind = 0; kind < KF_WAIT_KINDS; kind++)
		if (th->blocked_by_ns[kind] &&
		    json_object_set_new(o, kf_wait_kind_name(kind), ns_of(th->blocked_by_ns[kind])))
			goto fail;
	return o;
fail:
	json_decref(o);
	return NULL;
}

/* Of strangers' bytes; null if there are none. */
static json_t *text_or_null(const char *bytes, size_t len)
{
	return len ? kf_json_text(bytes, len) : json_null();
}

static json_t *thread_json(const struct kf_timeline *t, uint32_t thread)
{
	const struct kf_thread *th = &t->threads[thread];
	const struct kf_container *c = kf_thread_container(t, thread);

	return json_pack("{so so so so so so so so so so so so so so}", "tid", json_integer(th->tid), "tgid",
			 json_integer(th->tgid), "comm", comm_of(th->comm), "process", comm_of(th->process_comm), "pod",
			 text_or_null(c->pod, strlen(c->pod)), "container", text_or_null(c->id, strlen(c->id)), "unit",
			 text_or_null(c->unit, c->unit_len), "running_ns", ns_of(th->running_ns), "runnable_ns",
			 ns_of(th->runnable_ns), "blocked_ns", ns_of(th->blocked_ns), "unknown_ns",
			 ns_of(th->unknown_ns), "gaps", json_integer(th->n_gaps), "worst_gap_ns",
			 ns_of(th->worst_gap_ns), "blocked_by_ns", blocked_json(th));
}

/* 0 the idle task, null nobody known */
static json_t *tid_of(const struct kf_timeline *t, uint32_t thread)
{
	if (thread == KF_IDLE)
		return json_integer(0);
	return thread < t->n_threads ? json_integer(t->threads[thread].tid) : json_null();
}

static json_t *name_of(const struct kf_timeline *t, uint32_t thread)
{
	return thread < t->n_threads ? comm_of(t->threads[thread].comm) : json_null();
}

/* What to call a culprit: its comm, vector or cgroup; null if its kind says it all, or it is not known. */
static json_t *culprit_name(const struct kf_timeline *t, const struct kf_culprit *c)
{
	const struct kf_part part = { .kind = c->kind, .vector = c->vector };
	char buf[KF_VECTOR_BYTES];
	const char *vector = kf_part_vector_name(t, &part, buf, sizeof(buf));

	if (vector)
		return json_string(vector);
	if (c->kind == KF_PART_THROTTLED && c->group < t->n_cgroups)
		return text_of(t->cgroups[c->group].path);
	return name_of(t, c->thread);
}

static json_t *culprit_json(const struct kf_timeline *t, const struct kf_culprit *c)
{
	bool is_thread = c->kind == KF_PART_THREAD;

	return json_pack("{so so so so so so so so so so so}", "kind", json_string(kf_part_kind_name(c->kind)), "name",
			 culprit_name(t, c), "tid", tid_of(t, c->thread), "comm", name_of(t, c->thread), "threads",
			 json_integer(is_thread ? c->n_threads : 0), "ns", ns_of(c->ns), "thread_ns",
			 ns_of(c->thread_ns), "victims", json_integer(c->n_victims), "top_victim_tid",
			 tid_of(t, c->top_victim), "top_victim_comm", name_of(t, c->top_victim), "top_victim_ns",
			 ns_of(c->top_victim_ns));
}

static json_t *threads_json(const struct kf_report_data *d, const struct kf_timeline *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_threads; i++) {
		if (json_array_append_new(list, thread_json(t, d->threads[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *culprits_json(const struct kf_report_data *d, const struct kf_timeline *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_culprits; i++) {
		if (json_array_append_new(list, culprit_json(t, &d->culprits[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *missing_json(const struct kf_missing *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->n; i++) {
		if (json_array_append_new(list, json_string(m->lines[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *make_report(const struct kf_report_data *d, const struct kf_timeline *t, const struct kf_snapshot *s,
			   const struct kf_report_options *o, struct kf_error *e)
{
	json_t *worst = worst_gaps(d, t, s, o->top, e);
	json_t *findings = worst ? kf_findings_json(&d->findings, t, e) : NULL;
	json_t *story = findings ? kf_trigger_story_json(t, s, e) : NULL;
	json_t *cpus = story ? kf_cpu_use_json(t, e) : NULL;
	json_t *report;

	if (!cpus) {
		json_decref(worst);
		json_decref(findings);
		json_decref(story);
		return NULL;
	}
	report = json_pack("{so so so so so so so so so s{sososo} so so so so}", "kflight", text_of(s->version),
			   "trigger", trigger_json(t, s), "host", text_of(s->host), "kernel", text_of(s->kernel),
			   "machine", text_of(s->machine), "window", window_json(t, s), "recorder", kf_recorder_json(s),
			   "findings", findings, "story", story, "gaps", "count", json_integer((json_int_t)d->n_gaps),
			   "wait_ns", ns_of(d->gaps_ns), "worst", worst, "threads", threads_json(d, t), "culprits",
			   culprits_json(d, t), "cpus", cpus, "missing", missing_json(&d->missing));
	if (!report)
		kf_fail_memory(e, "the report as JSON");
	return report;
}

static int write_report(json_t *report, FILE *out, struct kf_error *e)
{
	errno = 0;
	if (json_dumpf(report, out, JSON_INDENT(1)) || putc('\n', out) == EOF || fflush(out))
		return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the report");
	return 0;
}

int kf_report_json(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_report_options *o,
		   FILE *out, struct kf_error *e)
{
	struct kf_report_data d;
	json_t *report = NULL;
	int err = kf_report_data_init(&d, t, s, o, e);

	if (!err) {
		if (o->top)
			kf_findings_cut(&d.findings, o->top);
		else
			kf_findings_release(&d.findings);
		report = make_report(&d, t, s, o, e);
		err = report ? write_report(report, out, e) : -1;
	}
	json_decref(report);
	kf_report_data_release(&d);
	return err;
}
