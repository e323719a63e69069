/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "base/units.h"
#include "check/samples.h"
#include "check/select.h"

/* What rules take for late by default: a shorter hole hides no finding of that severity. */
#define HIDES_ERROR_NS 10000000
#define HIDES_WARN_NS  1000000

int kf_checks_add(struct kf_checks *c, const char *text, size_t *column, struct kf_error *e)
{
	if (column)
		*column = 0;
	if (c->n_conditions >= KF_CHECKS_MAX)
		return kf_fail(e, KF_USAGE, NULL, "more than %d expressions", KF_CHECKS_MAX);
	if (KF_GROW(c->conditions, c->n_conditions, c->room_conditions))
		return kf_fail_memory(e, "expressions");
	if (kf_condition_parse(&c->conditions[c->n_conditions], "expression", text, column, e))
		return -1;
	c->n_conditions++;
	return 0;
}

bool kf_checks_need_syscalls(const struct kf_checks *c)
{
	for (size_t i = 0; i < c->n_conditions; i++)
		for (size_t j = 0; j < c->conditions[i].n_exprs; j++)
			if (c->conditions[i].exprs[j].kind == KF_EXPR_SYSCALL)
				return true;
	return false;
}

void kf_checks_release(struct kf_checks *c)
{
	free(c->conditions);
	kf_rule_settings_release(&c->rules);
	*c = (struct kf_checks){ 0 };
}

/* All parts of a clause must be true: one that is not, decides it. */
static enum kf_answer join_clause(const struct kf_judged *j, uint32_t clause)
{
	enum kf_answer answer = KF_ANSWER_YES;

	for (size_t i = 0; i < KF_MAX_TERMS; i++) {
		if (!(clause >> i & 1))
			continue;
		if (j->parts[i].answer == KF_ANSWER_NO)
			return KF_ANSWER_NO;
		if (j->parts[i].answer == KF_ANSWER_UNKNOWN)
			answer = KF_ANSWER_UNKNOWN;
	}
	return answer;
}

static uint32_t unknown_parts(const struct kf_judged *j, uint32_t clause)
{
	uint32_t parts = 0;

	for (size_t i = 0; i < KF_MAX_TERMS; i++)
		if ((clause >> i & 1) && j->parts[i].answer == KF_ANSWER_UNKNOWN)
			parts |= 1u << i;
	return parts;
}

/* One clause that is true is enough, whatever the others are. */
static void join(struct kf_judged *j, const struct kf_condition *c)
{
	uint32_t yes = 0, unknown = 0;

	for (size_t i = 0; i < c->n_clauses; i++) {
		enum kf_answer answer = join_clause(j, c->clauses[i]);

		if (answer == KF_ANSWER_YES)
			yes |= c->clauses[i];
		else if (answer == KF_ANSWER_UNKNOWN)
			unknown |= unknown_parts(j, c->clauses[i]);
	}
	j->answer = yes ? KF_ANSWER_YES : unknown ? KF_ANSWER_UNKNOWN : KF_ANSWER_NO;
	j->decisive = yes ? yes : unknown;
}

static int judge(struct kf_judged *j, const struct kf_condition *c, const struct kf_view *view, struct kf_error *e)
{
	j->parts = calloc(c->n_exprs, sizeof(*j->parts));
	if (!j->parts)
		return kf_fail_memory(e, "the verdict");
	for (size_t i = 0; i < c->n_exprs; i++)
		if (kf_measure(&j->parts[i], &c->exprs[i], &c->settings, view, e))
			return -1;
	join(j, c);
	return 0;
}

static int measure(struct kf_verdict *v, const struct kf_checks *c, const struct kf_view *view, struct kf_error *e)
{
	v->judged = calloc(c->n_conditions + 1, sizeof(*v->judged));
	if (!v->judged)
		return kf_fail_memory(e, "the verdict");
	for (v->n_judged = 0; v->n_judged < c->n_conditions; v->n_judged++) {
		struct kf_judged *j = &v->judged[v->n_judged];

		if (judge(j, &c->conditions[v->n_judged], view, e)) {
			free(j->parts);
			return -1;
		}
		v->n_violated += j->answer == KF_ANSWER_YES;
		v->n_unknown += j->answer == KF_ANSWER_UNKNOWN;
	}
	return 0;
}

static uint64_t longest_hole(const struct kf_view *view, const bool *threads)
{
	const struct kf_sample_list *holes = &view->samples->lists[KF_SAMPLE_HOLE];
	uint64_t longest_ns = 0;

	for (size_t i = 0; i < holes->n; i++)
		if (threads[holes->items[i].thread] && kf_sample_ns(&holes->items[i]) > longest_ns)
			longest_ns = kf_sample_ns(&holes->items[i]);
	return longest_ns;
}

/* No finding is bad enough. Could there be one that is not known? */
static void doubt_findings(struct kf_verdict *v, const struct kf_checks *c, const struct kf_view *view,
			   const struct kf_selection *threads)
{
	uint64_t hides_ns = c->fail_on == KF_SEVERITY_ERROR ? HIDES_ERROR_NS : HIDES_WARN_NS;
	uint64_t hole_ns = longest_hole(view, threads->has);
	char duration[32];

	if (kf_doubt_window(view, v->findings_why, sizeof(v->findings_why))) {
		v->findings_answer = KF_ANSWER_UNKNOWN;
	} else if (!threads->n) {
		v->findings_answer = KF_ANSWER_UNKNOWN;
		snprintf(v->findings_why, sizeof(v->findings_why), "no thread is in the window");
	} else if (hole_ns >= hides_ns) {
		v->findings_answer = KF_ANSWER_UNKNOWN;
		snprintf(v->findings_why, sizeof(v->findings_why),
			 "what a thread did is unknown for up to %s, which is long enough to hide a finding",
			 kf_format_duration(hole_ns, duration, sizeof(duration)));
	}
}

static int find(struct kf_verdict *v, const struct kf_checks *c, const struct kf_view *view, struct kf_error *e)
{
	struct kf_selection threads = { 0 };
	struct kf_rule_options o = { 0 };
	int err = kf_select(&threads, view->t, NULL, NULL, c->tgid, e);

	kf_rule_settings_use(&c->rules, &o);
	o.threads = c->tgid ? threads.has : NULL;
	if (!err)
		err = kf_findings_find(&v->findings, view->t, view->s, &o, e);
	for (size_t i = 0; !err && i < v->findings.n; i++)
		v->n_bad += v->findings.items[i].severity >= c->fail_on;
	v->findings_answer = v->n_bad ? KF_ANSWER_YES : KF_ANSWER_NO;
	if (!err && !v->n_bad)
		doubt_findings(v, c, view, &threads);
	kf_selection_release(&threads);
	return err;
}

static enum kf_status sum_up(const struct kf_verdict *v)
{
	if (v->n_violated || (v->has_findings && v->findings_answer == KF_ANSWER_YES))
		return KF_FINDINGS;
	if (v->n_unknown || (v->has_findings && v->findings_answer == KF_ANSWER_UNKNOWN))
		return KF_INCOMPLETE;
	return KF_OK;
}

int kf_verdict_find(struct kf_verdict *v, const struct kf_checks *c, const struct kf_timeline *t,
		    const struct kf_snapshot *s, struct kf_error *e)
{
	struct kf_samples samples;
	struct kf_view view = {
		.t = t,
		.s = s,
		.samples = &samples,
		.window_min_ns = c->window_min_ns,
		.from_ns = c->from_ns,
		.tgid = c->tgid,
		.as_seen = c->as_seen,
	};
	int err = kf_samples_collect(&samples, t, e);

	memset(v, 0, sizeof(*v));
	v->has_findings = c->findings || !c->n_conditions;
	if (!err)
		err = kf_missing_find(&v->missing, t, s, e);
	if (!err)
		err = measure(v, c, &view, e);
	if (!err && v->has_findings)
		err = find(v, c, &view, e);
	v->status = sum_up(v);
	kf_samples_release(&samples);
	return err;
}

void kf_verdict_release(struct kf_verdict *v)
{
	for (size_t i = 0; i < v->n_judged; i++)
		free(v->judged[i].parts);
	free(v->judged);
	kf_findings_release(&v->findings);
	kf_missing_release(&v->missing);
	memset(v, 0, sizeof(*v));
}

const char *kf_verdict_name(enum kf_status status)
{
	return status == KF_OK ? "ok" : status == KF_FINDINGS ? "FAIL" : "INCOMPLETE";
}

const char *kf_answer_name(enum kf_answer answer)
{
	return answer == KF_ANSWER_NO ? "ok" : answer == KF_ANSWER_YES ? "FAIL" : "unknown";
}

const char *kf_part_name(enum kf_answer answer)
{
	return answer == KF_ANSWER_NO ? "false" : answer == KF_ANSWER_YES ? "true" : "unknown";
}

const char *kf_condition_title(const struct kf_condition *c, char *buf, size_t len)
{
	size_t used = 0;

	if (c->settings.name[0])
		used = (size_t)snprintf(buf, len, "%s: ", c->settings.name);
	kf_text_printable(c->text, sizeof(c->text), buf + used, len - used);
	return buf;
}
