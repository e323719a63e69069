/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/periods.h"

#include <stdio.h>

#include "base/units.h"
#include "check/bounds.h"
#include "check/material.h"
#include "expr/expr.h"

#define STEPS 10

/* No real window takes more steps; a damaged file could. */
#define WORK_MAX 1000000000ULL

struct search {
	struct kf_material *m;
	const struct kf_picked *p;
	enum kf_doubt doubt;
	bool found;
	uint64_t worst_from_ns, worst_value;
	bool worst_has_value;
	enum kf_answer answer; /* of the worst */
};

static bool is_below(const struct kf_expr *x)
{
	return x->compare == KF_EXPR_BELOW || x->compare == KF_EXPR_AT_MOST;
}

/* What is decided stands before what is not known, and that before what is harmless. */
static int weight(enum kf_answer answer)
{
	return answer == KF_ANSWER_YES ? 2 : answer == KF_ANSWER_UNKNOWN ? 1 : 0;
}

static bool is_worse(const struct search *s, enum kf_answer answer, bool has_value, uint64_t value)
{
	if (!s->found || weight(answer) != weight(s->answer))
		return !s->found || weight(answer) > weight(s->answer);
	if (has_value != s->worst_has_value)
		return has_value;
	return is_below(s->p->x) ? value < s->worst_value : value > s->worst_value;
}

static enum kf_answer decide(const struct search *s)
{
	const struct kf_material *m = s->m;

	if (is_below(s->p->x) && kf_expr_is_of_one_wait(s->p->x) && !m->waits.n && !m->holes.n && s->p->n_waits)
		return KF_ANSWER_NO;
	/* That the window is short does not matter to a period in it. */
	return kf_decide(m, s->doubt == KF_DOUBT_HOLES ? KF_DOUBT_HOLES : KF_DOUBT_NONE);
}

static int look(struct search *s, uint64_t from_ns)
{
	enum kf_answer answer;
	bool has_value;
	uint64_t value;

	if (kf_material_fill(s->m, s->p, from_ns, from_ns + s->p->x->over_ns))
		return -1;
	answer = decide(s);
	value = kf_value_seen(s->m, &has_value);
	if (!is_worse(s, answer, has_value, value))
		return 0;
	s->found = true;
	s->worst_from_ns = from_ns;
	s->worst_value = value;
	s->worst_has_value = has_value;
	s->answer = answer;
	return 0;
}

static int look_at_all(struct search *s)
{
	const struct kf_timeline *t = s->p->v->t;
	uint64_t period_ns = s->p->x->over_ns, last_ns = t->end_ns - period_ns, from_ns;

	for (from_ns = t->floor_ns; from_ns < last_ns; from_ns += period_ns / STEPS)
		if (look(s, from_ns))
			return -1;
	return look(s, last_ns);
}

/* The window is shorter than the period: what is too much already, is. */
static int judge_short(struct kf_material *m, const struct kf_picked *p, enum kf_doubt *doubt, enum kf_answer *answer,
		       char *why, size_t len)
{
	const struct kf_timeline *t = p->v->t;
	char held[32], period[32];

	if (kf_material_fill(m, p, t->floor_ns, t->end_ns))
		return -1;
	m->span_ns = p->x->over_ns;
	*answer = KF_ANSWER_UNKNOWN;
	if (!is_below(p->x) && kf_grows_with_knowledge(m) && kf_passes(m) == KF_ANSWER_YES)
		*answer = KF_ANSWER_YES;
	else if (*doubt != KF_DOUBT_HOLES)
		snprintf(why, len, "the window holds %s, less than the period of %s",
			 kf_format_duration(t->end_ns - t->floor_ns, held, sizeof(held)),
			 kf_format_duration(p->x->over_ns, period, sizeof(period)));
	if (*doubt != KF_DOUBT_HOLES)
		*doubt = KF_DOUBT_SHORT;
	return 0;
}

int kf_find_period(struct kf_material *m, const struct kf_picked *p, enum kf_doubt *doubt, enum kf_answer *answer,
		   char *why, size_t len)
{
	struct search s = { .m = m, .p = p, .doubt = *doubt };
	uint64_t window_ns = p->v->t->end_ns - p->v->t->floor_ns, period_ns = p->x->over_ns;

	if (window_ns < period_ns)
		return judge_short(m, p, doubt, answer, why, len);
	if (window_ns / (period_ns / STEPS) > WORK_MAX / (1000 + p->n_loose + p->n_holes)) {
		*doubt = KF_DOUBT_HOLES;
		*answer = KF_ANSWER_UNKNOWN;
		snprintf(why, len, "too much is unknown to look at so many periods");
		return kf_material_fill(m, p, p->v->t->end_ns - period_ns, p->v->t->end_ns);
	}
	if (look_at_all(&s))
		return -1;
	*answer = s.answer;
	if (*doubt == KF_DOUBT_SHORT && s.answer == KF_ANSWER_NO)
		*answer = KF_ANSWER_UNKNOWN;
	else if (*doubt == KF_DOUBT_SHORT)
		*doubt = KF_DOUBT_NONE;
	return kf_material_fill(m, p, s.worst_from_ns, s.worst_from_ns + period_ns);
}
