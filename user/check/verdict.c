/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/units.h"
#include "check/samples.h"
#include "check/select.h"
#include "expr/condition.h"

/* What rules take for late by default: a shorter hole hides no finding of that severity. */
#define HIDES_ERROR_NS 10000000
#define HIDES_WARN_NS  1000000

/* One expression, for now. */
static int parse(struct kf_expr *out, const char *text, size_t *column, struct kf_error *e)
{
	struct kf_condition condition;

	if (kf_condition_parse(&condition, "expression", text, column, e))
		return -1;
	if (condition.n_exprs != 1 || condition.settings.n_filters || condition.exprs[0].over_ns)
		return kf_fail(e, KF_USAGE, NULL,
			       "expression '%.200s': check knows no and, or, periods and settings yet", text);
	*out = condition.exprs[0];
	return 0;
}

int kf_checks_add(struct kf_checks *c, const char *expression, size_t *column, struct kf_error *e)
{
	if (column)
		*column = 0;
	if (c->n_exprs >= KF_CHECKS_MAX)
		return kf_fail(e, KF_USAGE, NULL, "more than %d expressions", KF_CHECKS_MAX);
	if (KF_GROW(c->exprs, c->n_exprs, c->room_exprs))
		return kf_fail_memory(e, "expressions");
	if (parse(&c->exprs[c->n_exprs], expression, column, e))
		return -1;
	c->n_exprs++;
	return 0;
}

void kf_checks_release(struct kf_checks *c)
{
	free(c->exprs);
	kf_rule_settings_release(&c->rules);
	*c = (struct kf_checks){ 0 };
}

static int measure(struct kf_verdict *v, const struct kf_checks *c, const struct kf_view *view, struct kf_error *e)
{
	v->measured = calloc(c->n_exprs + 1, sizeof(*v->measured));
	if (!v->measured)
		return kf_fail_memory(e, "the verdict");
	for (size_t i = 0; i < c->n_exprs; i++) {
		if (kf_measure(&v->measured[i], &c->exprs[i], view, e))
			return -1;
		v->n_violated += v->measured[i].answer == KF_ANSWER_YES;
		v->n_unknown += v->measured[i].answer == KF_ANSWER_UNKNOWN;
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
	int err = kf_select(&threads, view->t, "", 0, c->tgid, e);

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
	v->has_findings = c->findings || !c->n_exprs;
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
	free(v->measured);
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
