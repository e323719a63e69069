/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "check/bounds.h"
#include "check/material.h"
#include "check/periods.h"
#include "check/select.h"
#include "expr/expr.h"
#include "output/line.h"

/* Who had most of a total. */
static int find_most(const struct kf_material *m, struct kf_measured *out)
{
	const struct kf_picked *p = m->picked;
	uint64_t *ns = calloc(p->v->t->n_threads + 1, sizeof(*ns));

	if (!ns)
		return -1;
	for (size_t i = 0; i < p->n_waits; i++) {
		const struct kf_sample *s = p->waits[i].s;

		if (s->flags & KF_SAMPLE_VAGUE)
			continue;
		ns[s->thread] += kf_sample_range_ns(s, m->from_ns, m->to_ns);
		if (ns[s->thread] > out->most.ns)
			out->most = (struct kf_share_of){ s->thread, ns[s->thread] };
	}
	free(ns);
	return 0;
}

static void tell_cut(const struct kf_material *m, char *why, size_t len)
{
	const struct kf_sample *s = m->worst_cut;
	struct kf_line line;

	kf_line_init(&line, why, len);
	kf_line_thread(&line, m->picked->v->t, s->thread);
	kf_line_text(&line, s->flags & KF_SAMPLE_OPEN	  ? " still waited when the window ended, after "
			    : s->flags & KF_SAMPLE_NO_END ? " waited, until records of it were lost, at least "
							  : " waited from before what the window knows, at least ");
	kf_line_duration(&line, kf_sample_ns(s));
}

static void tell_holes(const struct kf_material *m, char *why, size_t len)
{
	uint64_t longest_ns = 0;
	bool reaches_out = false;
	char duration[32];

	for (size_t i = 0; i < m->holes.n; i++) {
		if (m->holes.items[i].ns > longest_ns)
			longest_ns = m->holes.items[i].ns;
		reaches_out |= m->holes.items[i].most_ns == KF_ANY_LENGTH;
	}
	if (m->holes.n)
		snprintf(why, len, "what threads did is unknown %zu time%s, up to %s long%s", m->holes.n,
			 m->holes.n == 1 ? "" : "s", kf_format_duration(longest_ns, duration, sizeof(duration)),
			 !reaches_out		 ? ""
			 : m->picked->x->over_ns ? ", and reaches out of the period"
						 : ", and reaches out of the window");
	else
		snprintf(why, len, "there is no such wait");
}

/* Would it be known if the waits that were cut off were as long as they were seen? */
static bool is_decided_as_seen(struct kf_material *m)
{
	for (size_t i = 0; i < m->waits.n; i++)
		m->waits.items[i].most_ns = m->waits.items[i].ns;
	return kf_decide(m, KF_DOUBT_NONE) != KF_ANSWER_UNKNOWN;
}

/* The same of the unknown, as with --as-seen. */
static bool is_helped_as_seen(struct kf_material *m)
{
	for (size_t i = 0; i < m->holes.n; i++)
		m->holes.items[i].most_ns = m->holes.items[i].ns;
	return is_decided_as_seen(m);
}

/* Why the answer is not known; of the doubt about the whole window there are words already. Spoils the material. */
static void explain(struct kf_material *m, enum kf_doubt doubt, struct kf_measured *out)
{
	if (doubt)
		return;
	if (m->worst_cut && is_decided_as_seen(m))
		tell_cut(m, out->why, sizeof(out->why));
	else
		tell_holes(m, out->why, sizeof(out->why));
	out->as_seen_helps = is_helped_as_seen(m);
}

static int describe(struct kf_material *m, struct kf_measured *out)
{
	out->from_ns = m->from_ns;
	out->window_ns = m->span_ns;
	out->n_waits = m->waits.n;
	out->value = kf_value_seen(m, &out->has_value);
	out->has_worst = m->worst && m->picked->x->function != KF_EXPR_TOTAL;
	if (out->has_worst)
		out->worst = *m->worst;
	return m->picked->x->function == KF_EXPR_TOTAL ? find_most(m, out) : 0;
}

static int measure(struct kf_measured *out, const struct kf_picked *p, struct kf_material *m,
		   const struct kf_settings *settings, const struct kf_selection *threads)
{
	enum kf_doubt doubt = kf_doubt(p->v, p->x, settings, threads, out->why, sizeof(out->why));

	if (p->x->over_ns) {
		if (kf_find_period(m, p, &doubt, &out->answer, out->why, sizeof(out->why)))
			return -1;
	} else {
		if (kf_material_fill(m, p, p->v->t->floor_ns, p->v->t->end_ns))
			return -1;
		out->answer = kf_decide(m, doubt);
	}
	if (describe(m, out))
		return -1;
	if (out->answer == KF_ANSWER_UNKNOWN)
		explain(m, doubt, out);
	else
		out->why[0] = '\0';
	return 0;
}

int kf_measure(struct kf_measured *out, const struct kf_expr *x, const struct kf_settings *settings,
	       const struct kf_view *v, struct kf_error *e)
{
	struct kf_selection threads = { 0 };
	struct kf_material m = { .picked = NULL };
	struct kf_picked picked = { .x = x };
	int err;

	*out = (struct kf_measured){ .most.thread = KF_NOBODY };
	if (x->kind >= KF_EXPR_STEAL)
		settings = NULL; /* time of CPUs is nobody's */
	err = kf_select(&threads, v->t, x, settings, v->tgid, e);
	if (!err && (kf_pick(&picked, x, v, &threads) || measure(out, &picked, &m, settings, &threads)))
		err = kf_fail_memory(e, "the waits");
	kf_selection_release(&threads);
	kf_material_release(&m);
	kf_picked_release(&picked);
	return err;
}
