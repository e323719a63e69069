/* SPDX-License-Identifier: BSD-2-Clause */
/* A verdict as JSON. */
#include "check/verdict.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "model/timeline.h"
#include "output/findings_json.h"
#include "output/gap_json.h"
#include "output/sentence.h"
#include "snapshot/snapshot.h"

static json_t *text_of(const char *text)
{
	return kf_json_text(text, strlen(text));
}

static json_t *lower(const char *text)
{
	char small[32] = "";

	for (size_t i = 0; text[i] && i + 1 < sizeof(small); i++)
		small[i] = (char)tolower((unsigned char)text[i]);
	return json_string(small);
}

static const char *unit_of(const struct kf_expr *x)
{
	switch (x->unit) {
	case KF_EXPR_NS:
		return "ns";
	case KF_EXPR_PERCENT:
		return "percent";
	case KF_EXPR_PER_TIME:
		return x->per_ns > 60000000000ULL ? "per_h" : x->per_ns > 1000000000ULL ? "per_m" : "per_s";
	}
	return "count";
}

static json_t *value_of(const struct kf_measured *m, const struct kf_expr *x)
{
	double window_ns = m->window_ns ? (double)m->window_ns : 1;

	if (!m->has_value)
		return json_null();
	if (x->unit == KF_EXPR_PERCENT)
		return json_real(100.0 * (double)m->value / window_ns);
	if (x->unit == KF_EXPR_PER_TIME)
		return json_real((double)m->value * (double)x->per_ns / window_ns);
	return json_integer((json_int_t)m->value);
}

static json_t *limit_of(const struct kf_expr *x)
{
	return x->unit == KF_EXPR_NS ? json_integer((json_int_t)x->limit) : json_real((double)x->limit / KF_EXPR_MICRO);
}

static json_t *period_of(const struct kf_measured *m, const struct kf_expr *x)
{
	if (!x->over_ns)
		return json_null();
	return json_pack("{sI sI}", "from_ns", (json_int_t)m->from_ns, "length_ns", (json_int_t)m->window_ns);
}

static json_t *part_json(const struct kf_verdict_page *p, const struct kf_judged *j, const struct kf_condition *c,
			 size_t i)
{
	static const char *const compares[] = { ">", ">=", "<", "<=" };
	const struct kf_measured *m = &j->parts[i];
	const struct kf_expr *x = &c->exprs[i];
	char worst[KF_SENTENCE_BYTES];

	kf_measured_worst(m, x, p->t, worst, sizeof(worst));
	return json_pack("{so ss sb so ss ss so sI so ss ss}", "expression", text_of(x->text), "answer",
			 kf_part_name(m->answer), "decisive", (int)(j->decisive >> i & 1), "value", value_of(m, x),
			 "unit", unit_of(x), "compare", compares[x->compare & 3], "limit", limit_of(x), "waits",
			 (json_int_t)m->n_waits, "period", period_of(m, x), "worst", worst, "why", m->why);
}

static json_t *parts_json(const struct kf_verdict_page *p, const struct kf_judged *j, const struct kf_condition *c)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < c->n_exprs; i++)
		if (json_array_append_new(list, part_json(p, j, c, i))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* What its only part says, for those who asked for no more. */
static int copy_from_part(json_t *condition, json_t *parts)
{
	static const char *const keys[] = { "value", "unit", "compare", "limit", "waits", "worst", "why" };
	json_t *only = json_array_size(parts) == 1 ? json_array_get(parts, 0) : NULL;
	int err = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		err |= only ? json_object_set(condition, keys[i], json_object_get(only, keys[i]))
			    : json_object_set_new(condition, keys[i], json_null());
	return err;
}

static json_t *expression_json(const struct kf_verdict_page *p, size_t i)
{
	const struct kf_condition *c = &p->c->conditions[i];
	const struct kf_judged *j = &p->v->judged[i];
	json_t *parts = parts_json(p, j, c);
	json_t *made = parts ? json_pack("{so ss so}", "expression", text_of(c->text), "name", c->settings.name,
					 "verdict", lower(kf_answer_name(j->answer)))
			     : NULL;

	if (!made || copy_from_part(made, parts)) {
		json_decref(parts);
		json_decref(made);
		return NULL;
	}
	if (json_object_set_new(made, "parts", parts)) {
		json_decref(made);
		return NULL;
	}
	return made;
}

static json_t *expressions_json(const struct kf_verdict_page *p)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < p->c->n_conditions; i++)
		if (json_array_append_new(list, expression_json(p, i))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *missing_json(const struct kf_missing *missing)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < missing->n; i++)
		if (json_array_append_new(list, text_of(missing->lines[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *make(const struct kf_verdict_page *p, struct kf_error *e)
{
	const struct kf_verdict *v = p->v;
	json_t *findings = kf_findings_json(&v->findings, p->t, e);
	json_t *made;

	if (!findings)
		return NULL;
	made = json_pack("{so si so so so s{sI sI sI} so so so ss so so}", "verdict", lower(kf_verdict_name(v->status)),
			 "status", (int)v->status, "file", text_of(p->path), "host", text_of(p->s->host), "kernel",
			 text_of(p->s->kernel), "window", "floor_ns", (json_int_t)p->t->floor_ns, "end_ns",
			 (json_int_t)p->t->end_ns, "held_ns", (json_int_t)(p->t->end_ns - p->t->floor_ns),
			 "expressions", expressions_json(p), "fail_on",
			 v->has_findings ? json_string(kf_severity_name(p->c->fail_on)) : json_null(),
			 "findings_verdict", v->has_findings ? lower(kf_answer_name(v->findings_answer)) : json_null(),
			 "findings_why", v->findings_why, "findings", findings, "missing", missing_json(&v->missing));
	if (!made)
		kf_fail_memory(e, "the verdict as JSON");
	return made;
}

int kf_verdict_json(const struct kf_verdict_page *p, FILE *out, struct kf_error *e)
{
	json_t *verdict = make(p, e);
	int err = verdict ? 0 : -1;

	errno = 0;
	if (!err && (json_dumpf(verdict, out, JSON_INDENT(1)) || putc('\n', out) == EOF || fflush(out)))
		err = kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the verdict");
	json_decref(verdict);
	return err;
}
