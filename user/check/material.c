/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/material.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bisect.h"
#include "check/select.h"
#include "expr/expr.h"
#include "model/parts.h"

static bool fits_kind(const struct kf_expr *x, const struct kf_sample *s)
{
	if (x->kind == KF_EXPR_FUTEX)
		return kf_sample_is_futex(s);
	if (x->kind != KF_EXPR_SYSCALL)
		return true;
	if (!s->in_syscall)
		return false;
	for (uint32_t i = 0; i < x->n_syscalls; i++)
		if (x->syscalls[i] == s->nr)
			return true;
	return x->n_syscalls == 0;
}

static enum kf_sample_kind list_of(const struct kf_expr *x, const struct kf_view *v)
{
	switch (x->kind) {
	case KF_EXPR_RUNQ:
		return KF_SAMPLE_RUNQ;
	case KF_EXPR_THROTTLED:
		return KF_SAMPLE_THROTTLED;
	case KF_EXPR_SYSCALL:
		return kf_sees_all_syscalls(v) ? KF_SAMPLE_SYSCALL : KF_SAMPLE_BLOCK;
	}
	return KF_SAMPLE_BLOCK;
}

/* VAGUE ones may be none of those asked for, or may be shorter. */
static bool is_maybe(const struct kf_expr *x, const struct kf_sample *s)
{
	return (s->flags & KF_SAMPLE_VAGUE) && x->kind != KF_EXPR_BLOCK && x->kind != KF_EXPR_RUNQ;
}

/* Where the end was lost, its thread is unknown from there to the end of a hole. The holes are sorted by thread and begin. */
static uint64_t ends_by(const struct kf_picked *p, const struct kf_sample *s)
{
	const struct kf_sample_list *holes = &p->v->samples->lists[KF_SAMPLE_HOLE];
	size_t at;

	if (!(s->flags & KF_SAMPLE_NO_END) || p->v->as_seen)
		return s->end_ns;
	at = KF_BISECT(holes->n, i,
		       holes->items[i].thread < s->thread ||
			       (holes->items[i].thread == s->thread && holes->items[i].start_ns < s->end_ns));
	if (at < holes->n && holes->items[at].thread == s->thread && holes->items[at].start_ns == s->end_ns)
		return holes->items[at].end_ns;
	return p->v->t->end_ns;
}

static int pick_hole(struct kf_picked *p, const struct kf_sample *s)
{
	if (KF_GROW(p->holes, p->n_holes, p->room_holes))
		return -1;
	p->holes[p->n_holes++] = (struct kf_picked_wait){ s, s->end_ns };
	if (kf_sample_ns(s) > p->longest_hole_ns)
		p->longest_hole_ns = kf_sample_ns(s);
	return 0;
}

static int pick_wait(struct kf_picked *p, const struct kf_sample *s)
{
	struct kf_picked_wait wait = { s, ends_by(p, s) };

	if (is_maybe(p->x, s)) {
		if (pick_hole(p, s))
			return -1;
	} else {
		if (KF_GROW(p->waits, p->n_waits, p->room_waits))
			return -1;
		p->waits[p->n_waits++] = wait;
	}
	if (wait.ends_by_ns == s->end_ns)
		return 0;
	if (KF_GROW(p->loose, p->n_loose, p->room_loose))
		return -1;
	p->loose[p->n_loose++] = wait;
	return 0;
}

static int by_end(const void *va, const void *vb)
{
	const struct kf_picked_wait *a = va, *b = vb;

	return (a->s->end_ns > b->s->end_ns) - (a->s->end_ns < b->s->end_ns);
}

static int by_number(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static uint64_t *sums_of(uint64_t *sorted, size_t n)
{
	uint64_t *sums = calloc(n + 1, sizeof(*sums));

	if (n)
		qsort(sorted, n, sizeof(*sorted), by_number);
	for (size_t i = 0; sums && i < n; i++)
		sums[i + 1] = sums[i] + sorted[i];
	return sums;
}

static int levels_new(struct kf_levels *l, size_t n)
{
	l->begins = calloc(n + 1, sizeof(*l->begins));
	l->ends = calloc(n + 1, sizeof(*l->ends));
	return l->begins && l->ends ? 0 : -1;
}

static void levels_add(struct kf_levels *l, const struct kf_sample *s)
{
	l->begins[l->n] = s->start_ns;
	l->ends[l->n++] = s->end_ns;
}

static int levels_finish(struct kf_levels *l)
{
	l->begin_sums = sums_of(l->begins, l->n);
	l->end_sums = sums_of(l->ends, l->n);
	return l->begin_sums && l->end_sums ? 0 : -1;
}

/* Of all stretches, what lies before at_ns, plus a constant. */
static uint64_t level(const struct kf_levels *l, uint64_t at_ns)
{
	size_t begun = KF_BISECT(l->n, i, l->begins[i] < at_ns);
	size_t ended = KF_BISECT(l->n, i, l->ends[i] < at_ns);
	uint64_t ends = l->end_sums[ended] + at_ns * (l->n - ended);
	uint64_t begins = l->begin_sums[begun] + at_ns * (l->n - begun);

	return ends - begins;
}

static void levels_release(struct kf_levels *l)
{
	free(l->begins);
	free(l->ends);
	free(l->begin_sums);
	free(l->end_sums);
}

static int find_levels(struct kf_picked *p)
{
	if (levels_new(&p->wait_levels, p->n_waits) || levels_new(&p->hole_levels, p->n_holes))
		return -1;
	for (size_t i = 0; i < p->n_waits; i++)
		levels_add(&p->wait_levels, p->waits[i].s);
	for (size_t i = 0; i < p->n_holes; i++)
		levels_add(&p->hole_levels, p->holes[i].s);
	return levels_finish(&p->wait_levels) || levels_finish(&p->hole_levels) ? -1 : 0;
}

int kf_pick(struct kf_picked *out, const struct kf_expr *x, const struct kf_view *v, const struct kf_selection *threads)
{
	const struct kf_sample_list *waits = &v->samples->lists[list_of(x, v)];
	const struct kf_sample_list *holes = &v->samples->lists[KF_SAMPLE_HOLE];

	*out = (struct kf_picked){ .x = x, .v = v };
	if (x->kind >= KF_EXPR_STEAL)
		return 0;
	for (size_t i = 0; i < waits->n; i++)
		if (threads->has[waits->items[i].thread] && fits_kind(x, &waits->items[i]) &&
		    pick_wait(out, &waits->items[i]))
			return -1;
	for (size_t i = 0; i < holes->n; i++)
		if (threads->has[holes->items[i].thread] && pick_hole(out, &holes->items[i]))
			return -1;
	if (out->n_waits)
		qsort(out->waits, out->n_waits, sizeof(*out->waits), by_end);
	if (out->n_holes)
		qsort(out->holes, out->n_holes, sizeof(*out->holes), by_end);
	return x->function == KF_EXPR_TOTAL ? find_levels(out) : 0;
}

void kf_picked_release(struct kf_picked *p)
{
	free(p->waits);
	free(p->loose);
	free(p->holes);
	levels_release(&p->wait_levels);
	levels_release(&p->hole_levels);
	*p = (struct kf_picked){ 0 };
}

static int add(struct kf_extents *to, struct kf_extent stretch)
{
	if (KF_GROW(to->items, to->n, to->room))
		return -1;
	to->items[to->n++] = stretch;
	return 0;
}

static bool is_cut(const struct kf_material *m, const struct kf_sample *s)
{
	return (s->flags & KF_SAMPLE_CUT) && !m->picked->v->as_seen;
}

static int add_wait(struct kf_material *m, const struct kf_sample *s)
{
	uint64_t ns = kf_sample_ns(s);
	bool cut = is_cut(m, s);

	if (!m->worst || ns > kf_sample_ns(m->worst))
		m->worst = s;
	if (cut && (!m->worst_cut || ns >= kf_sample_ns(m->worst_cut)))
		m->worst_cut = s;
	return add(&m->waits, (struct kf_extent){ ns, cut ? KF_ANY_LENGTH : ns, true });
}

/* Is there any more that ends in the range? Those of the first range may end with its begin. */
static size_t first_in_range(const struct kf_material *m)
{
	const struct kf_picked *p = m->picked;

	if (m->from_ns <= p->v->t->floor_ns)
		return 0;
	return KF_BISECT(p->n_waits, i, p->waits[i].s->end_ns <= m->from_ns);
}

static int take_waits(struct kf_material *m)
{
	const struct kf_picked *p = m->picked;

	for (size_t i = first_in_range(m); i < p->n_waits && p->waits[i].s->end_ns <= m->to_ns; i++)
		if (p->waits[i].ends_by_ns <= m->to_ns && add_wait(m, p->waits[i].s))
			return -1;
	/* One that may have ended in here, or before, or behind. */
	for (size_t i = 0; i < p->n_loose; i++) {
		const struct kf_picked_wait *w = &p->loose[i];
		bool inside = w->s->end_ns > m->from_ns && w->ends_by_ns <= m->to_ns;

		if (!inside && w->s->end_ns <= m->to_ns && w->ends_by_ns > m->from_ns &&
		    add(&m->holes, (struct kf_extent){ kf_sample_ns(w->s), KF_ANY_LENGTH, true }))
			return -1;
	}
	return 0;
}

/* A hole has waits that end in it; of a single one the end is where it ends. */
static int take_holes(struct kf_material *m)
{
	const struct kf_picked *p = m->picked;
	size_t i = KF_BISECT(p->n_holes, h, p->holes[h].s->end_ns <= m->from_ns);

	for (; i < p->n_holes; i++) {
		const struct kf_sample *s = p->holes[i].s;
		bool single = s->flags & KF_SAMPLE_VAGUE;
		uint64_t inside_ns = kf_sample_range_ns(s, m->from_ns, m->to_ns);

		if (s->end_ns > m->to_ns && s->end_ns - m->to_ns >= p->longest_hole_ns)
			break;
		if (!inside_ns && s->start_ns >= m->to_ns)
			continue;
		if (add(&m->holes, (struct kf_extent){ single ? kf_sample_ns(s) : inside_ns,
						       is_cut(m, s) ? KF_ANY_LENGTH : kf_sample_ns(s), single }))
			return -1;
	}
	return 0;
}

/* Of all that was taken from CPUs: where a record reaches out of the range, so much as may lie in it, and must. */
static void take_cpus(struct kf_material *m)
{
	static const uint8_t parts[KF_EXPR_KINDS] = {
		[KF_EXPR_STEAL] = KF_PART_STEAL,
		[KF_EXPR_SOFTIRQ] = KF_PART_SOFTIRQ,
		[KF_EXPR_IRQ] = KF_PART_IRQ,
	};
	const struct kf_timeline *t = m->picked->v->t;

	for (size_t cpu = 0; cpu < t->n_cpus; cpu++) {
		const struct kf_cpu *c = &t->cpus[cpu];
		size_t i = KF_BISECT(c->n_taken, k, c->taken[k].end_ns <= m->from_ns);

		for (; i < c->n_taken && c->taken[i].earliest_ns < m->to_ns; i++) {
			const struct kf_taken *taken = &c->taken[i];
			struct kf_sample whole = { .start_ns = taken->start_ns, .end_ns = taken->end_ns };
			uint64_t inside_ns = kf_sample_range_ns(&whole, m->from_ns, m->to_ns);
			uint64_t outside_ns = kf_sample_ns(&whole) - inside_ns;

			if (taken->kind != parts[m->picked->x->kind])
				continue;
			m->low_ns += taken->ns > outside_ns ? taken->ns - outside_ns : 0;
			m->high_ns += taken->ns < inside_ns ? taken->ns : inside_ns;
		}
	}
}

static void take_totals(struct kf_material *m)
{
	const struct kf_picked *p = m->picked;

	m->low_ns = level(&p->wait_levels, m->to_ns) - level(&p->wait_levels, m->from_ns);
	m->high_ns = m->low_ns + level(&p->hole_levels, m->to_ns) - level(&p->hole_levels, m->from_ns);
}

int kf_material_fill(struct kf_material *m, const struct kf_picked *p, uint64_t from_ns, uint64_t to_ns)
{
	struct kf_extents waits = m->waits, holes = m->holes;

	waits.n = holes.n = 0;
	*m = (struct kf_material){ .picked = p,
				   .from_ns = from_ns,
				   .to_ns = to_ns,
				   .span_ns = to_ns - from_ns,
				   .waits = waits,
				   .holes = holes };
	m->lower_bounds_only = p->x->kind == KF_EXPR_SYSCALL && !kf_sees_all_syscalls(p->v);
	if (p->x->kind >= KF_EXPR_STEAL) {
		take_cpus(m);
		return 0;
	}
	if (p->x->function == KF_EXPR_TOTAL)
		take_totals(m);
	return take_waits(m) || take_holes(m) ? -1 : 0;
}

void kf_material_release(struct kf_material *m)
{
	free(m->waits.items);
	free(m->holes.items);
	*m = (struct kf_material){ .picked = NULL };
}
