/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/units.h"
#include "check/select.h"
#include "model/parts.h"
#include "output/line.h"

#define ANY_LENGTH UINT64_MAX

/* No thread waits more often than once in so long: every wait takes two switches. */
#define SHORTEST_NS 1000

#define HUNDRED_MICRO (100ULL * KF_EXPR_MICRO)

struct stretch {
	uint64_t ns;	  /* as seen */
	uint64_t most_ns; /* as it may have been; ANY_LENGTH: cut off */
	bool single;	  /* of holes: no more than one wait can be in it */
};

/* What counts for an expression. */
struct material {
	const struct kf_expr *x;
	const struct kf_view *v;
	struct stretch *waits;
	size_t n_waits, room_waits;
	struct stretch *holes; /* where waits may hide: at least none, each at most most_ns */
	size_t n_holes, room_holes;
	uint64_t low_ns, high_ns; /* total(): bounds */
	uint64_t worst_cut_ns;
	struct kf_sample worst_cut;
	bool lower_bounds_only; /* there may be any number of other waits */
};

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

static int add_hole(struct material *m, const struct kf_sample *s)
{
	uint64_t in_window_ns = kf_sample_window_ns(s, m->v->t);
	bool cut = (s->flags & KF_SAMPLE_CUT) && !m->v->as_seen;

	if (KF_GROW(m->holes, m->n_holes, m->room_holes))
		return -1;
	m->holes[m->n_holes++] =
		(struct stretch){ kf_sample_ns(s), cut ? ANY_LENGTH : kf_sample_ns(s), s->flags & KF_SAMPLE_VAGUE };
	m->high_ns += in_window_ns;
	return 0;
}

/* What a wait is: one of those asked for; VAGUE ones may be none, or may be shorter. */
static int add_wait(struct material *m, const struct kf_sample *s, struct kf_measured *out)
{
	uint64_t ns = kf_sample_ns(s), in_window_ns = kf_sample_window_ns(s, m->v->t);
	bool cut = (s->flags & KF_SAMPLE_CUT) && !m->v->as_seen;

	if ((s->flags & KF_SAMPLE_VAGUE) && m->x->kind != KF_EXPR_BLOCK && m->x->kind != KF_EXPR_RUNQ)
		return add_hole(m, s);
	if (KF_GROW(m->waits, m->n_waits, m->room_waits))
		return -1;
	m->waits[m->n_waits++] = (struct stretch){ ns, cut ? ANY_LENGTH : ns, true };
	m->low_ns += in_window_ns;
	m->high_ns += in_window_ns;
	if (!out->has_worst || ns > kf_sample_ns(&out->worst)) {
		out->worst = *s;
		out->has_worst = true;
	}
	if (cut && ns >= m->worst_cut_ns) {
		m->worst_cut_ns = ns;
		m->worst_cut = *s;
	}
	return 0;
}

static int take_samples(struct material *m, const struct kf_selection *threads, struct kf_measured *out)
{
	const struct kf_sample_list *waits = &m->v->samples->lists[list_of(m->x, m->v)];
	const struct kf_sample_list *holes = &m->v->samples->lists[KF_SAMPLE_HOLE];

	for (size_t i = 0; i < waits->n; i++)
		if (threads->has[waits->items[i].thread] && fits_kind(m->x, &waits->items[i]) &&
		    add_wait(m, &waits->items[i], out))
			return -1;
	for (size_t i = 0; i < holes->n; i++)
		if (threads->has[holes->items[i].thread] && add_hole(m, &holes->items[i]))
			return -1;
	m->lower_bounds_only = m->x->kind == KF_EXPR_SYSCALL && !kf_sees_all_syscalls(m->v);
	return 0;
}

/* Time that CPUs spent otherwise. Where a record reaches out of the window, so much as may lie in it, and must. */
static void take_cpus(struct material *m)
{
	static const uint8_t parts[KF_EXPR_KINDS] = {
		[KF_EXPR_STEAL] = KF_PART_STEAL,
		[KF_EXPR_SOFTIRQ] = KF_PART_SOFTIRQ,
		[KF_EXPR_IRQ] = KF_PART_IRQ,
	};
	const struct kf_timeline *t = m->v->t;

	for (size_t cpu = 0; cpu < t->n_cpus; cpu++)
		for (size_t i = 0; i < t->cpus[cpu].n_taken; i++) {
			const struct kf_taken *taken = &t->cpus[cpu].taken[i];
			struct kf_sample whole = { .start_ns = taken->start_ns, .end_ns = taken->end_ns };
			uint64_t inside_ns = kf_sample_window_ns(&whole, t);
			uint64_t outside_ns = kf_sample_ns(&whole) - inside_ns;

			if (taken->kind != parts[m->x->kind])
				continue;
			m->low_ns += taken->ns > outside_ns ? taken->ns - outside_ns : 0;
			m->high_ns += taken->ns < inside_ns ? taken->ns : inside_ns;
		}
}

/* Is the value above the limit, or at it? value is what the unit measures: ns or a number. */
static bool passes_limit(const struct material *m, uint64_t value, bool or_equal)
{
	unsigned __int128 left = value, right = m->x->limit;
	uint64_t window_ns = m->v->t->end_ns - m->v->t->floor_ns;

	switch (m->x->unit) {
	case KF_EXPR_PERCENT:
		left *= HUNDRED_MICRO;
		right *= window_ns;
		break;
	case KF_EXPR_NUMBER:
		left *= KF_EXPR_MICRO;
		break;
	case KF_EXPR_PER_TIME:
		left = left * KF_EXPR_MICRO * m->x->per_ns;
		right *= window_ns;
		break;
	}
	return or_equal ? left >= right : left > right;
}

static bool is_long(uint64_t ns, uint64_t limit_ns, bool or_equal)
{
	return or_equal ? ns >= limit_ns : ns > limit_ns;
}

/* How many waits that long may hide in a hole. */
static uint64_t may_hide(const struct stretch *hole, uint64_t limit_ns, bool or_equal)
{
	uint64_t each_ns = limit_ns > SHORTEST_NS ? limit_ns : SHORTEST_NS;

	if (!is_long(hole->most_ns, limit_ns, or_equal))
		return 0;
	return hole->single ? 1 : hole->ns / each_ns + 1;
}

struct counts {
	uint64_t seen;	  /* waits that were long enough as they were seen */
	uint64_t at_most; /* ... as they may have been, and those that may hide */
	uint64_t hidden;  /* of at_most */
	uint64_t any;	  /* waits of any length that may hide */
};

static struct counts count(const struct material *m, uint64_t limit_ns, bool or_equal)
{
	struct counts c = { 0 };

	for (size_t i = 0; i < m->n_waits; i++) {
		c.seen += is_long(m->waits[i].ns, limit_ns, or_equal);
		c.at_most += is_long(m->waits[i].most_ns, limit_ns, or_equal);
	}
	for (size_t i = 0; i < m->n_holes; i++) {
		c.hidden += may_hide(&m->holes[i], limit_ns, or_equal);
		c.any += m->holes[i].single ? 1 : m->holes[i].ns / SHORTEST_NS + 1;
	}
	c.at_most += c.hidden;
	return c;
}

static enum kf_answer answer(bool surely, bool possibly)
{
	return surely ? KF_ANSWER_YES : possibly ? KF_ANSWER_UNKNOWN : KF_ANSWER_NO;
}

/* The percentile is beyond the limit if more waits are than may stand behind its place. */
static enum kf_answer percentile_passes(const struct material *m, bool or_equal)
{
	struct counts c = count(m, m->x->limit, or_equal);
	uint64_t n_low = m->n_waits + c.any, n_high = m->n_waits + c.hidden;
	bool surely = c.seen > n_low - kf_expr_rank(m->x, n_low);
	bool possibly = n_high && c.at_most > n_high - kf_expr_rank(m->x, n_high);

	return answer(surely, possibly);
}

static enum kf_answer max_passes(const struct material *m, bool or_equal)
{
	struct counts c = count(m, m->x->limit, or_equal);

	return answer(c.seen, c.at_most);
}

static enum kf_answer avg_passes(const struct material *m, bool or_equal)
{
	unsigned __int128 low = 0, high = 0;
	struct counts c = count(m, 0, true);
	bool endless = false;
	uint64_t n_low = m->n_waits + c.any, n_high = m->n_waits ? m->n_waits : 1;

	for (size_t i = 0; i < m->n_waits; i++) {
		low += m->waits[i].ns;
		high += m->waits[i].ns;
		endless |= m->waits[i].most_ns == ANY_LENGTH;
	}
	for (size_t i = 0; i < m->n_holes; i++) {
		high += m->holes[i].ns;
		endless |= m->holes[i].most_ns == ANY_LENGTH;
	}
	if (!m->n_waits && !m->n_holes)
		return KF_ANSWER_NO;
	low = n_low ? low / n_low : 0;
	high = endless ? ANY_LENGTH : high / n_high;
	return answer(m->n_waits && passes_limit(m, (uint64_t)low, or_equal),
		      passes_limit(m, (uint64_t)high, or_equal));
}

static enum kf_answer count_passes(const struct material *m, bool or_equal)
{
	struct counts c = count(m, m->x->longer_ns, m->x->longer_or_equal || !m->x->longer_given);

	return answer(passes_limit(m, c.seen, or_equal), passes_limit(m, c.at_most, or_equal));
}

static enum kf_answer total_passes(const struct material *m, bool or_equal)
{
	return answer(passes_limit(m, m->low_ns, or_equal), passes_limit(m, m->high_ns, or_equal));
}

static enum kf_answer value_passes(const struct material *m, bool or_equal)
{
	switch (m->x->function) {
	case KF_EXPR_MAX:
		return max_passes(m, or_equal);
	case KF_EXPR_AVG:
		return avg_passes(m, or_equal);
	case KF_EXPR_PERCENTILE:
		return percentile_passes(m, or_equal);
	case KF_EXPR_TOTAL:
		return total_passes(m, or_equal);
	}
	return count_passes(m, or_equal);
}

/* Can it only become more when more is known of the window? Not so of pieces of syscalls: two may be one. */
static bool grows_with_knowledge(const struct material *m)
{
	switch (m->x->function) {
	case KF_EXPR_MAX:
	case KF_EXPR_TOTAL:
		return true;
	case KF_EXPR_COUNT:
	case KF_EXPR_RATE:
		return !m->lower_bounds_only;
	}
	return false;
}

/* Can it only become more when the window is longer? */
static bool grows_with_time(const struct material *m)
{
	return grows_with_knowledge(m) && m->x->unit != KF_EXPR_PERCENT && m->x->unit != KF_EXPR_PER_TIME;
}

/* Is it above the limit, in spite of the doubt? */
static enum kf_answer passes_in_doubt(const struct material *m, enum kf_answer passes, enum kf_doubt doubt)
{
	if (doubt == KF_DOUBT_SHORT)
		return passes == KF_ANSWER_NO ? KF_ANSWER_UNKNOWN : passes;
	if (doubt == KF_DOUBT_HOLES)
		return passes == KF_ANSWER_YES && grows_with_knowledge(m) ? passes : KF_ANSWER_UNKNOWN;
	return passes;
}

static enum kf_answer decide(const struct material *m, enum kf_doubt doubt)
{
	bool below = m->x->compare == KF_EXPR_BELOW || m->x->compare == KF_EXPR_AT_MOST;
	bool or_equal = m->x->compare == KF_EXPR_AT_LEAST || m->x->compare == KF_EXPR_BELOW;
	enum kf_answer passes = passes_in_doubt(m, value_passes(m, or_equal), doubt);

	if (!below)
		return passes;
	if (kf_expr_is_of_one_wait(m->x) && !m->n_waits)
		return KF_ANSWER_UNKNOWN;
	if (passes == KF_ANSWER_NO)
		return KF_ANSWER_YES;
	/* What is enough in a short window need not be in a longer one. */
	if (passes == KF_ANSWER_YES && (doubt != KF_DOUBT_SHORT || grows_with_time(m)))
		return KF_ANSWER_NO;
	return KF_ANSWER_UNKNOWN;
}

static int by_length(const void *va, const void *vb)
{
	const struct stretch *a = va, *b = vb;

	return (a->ns > b->ns) - (a->ns < b->ns);
}

static uint64_t average(const struct material *m)
{
	unsigned __int128 sum = 0;

	for (size_t i = 0; i < m->n_waits; i++)
		sum += m->waits[i].ns;
	return m->n_waits ? (uint64_t)(sum / m->n_waits) : 0;
}

/* As it was seen. */
static void fill_value(struct material *m, struct kf_measured *out)
{
	const struct kf_expr *x = m->x;

	out->n_waits = m->n_waits;
	out->has_value = !kf_expr_is_of_one_wait(x) || m->n_waits;
	switch (x->function) {
	case KF_EXPR_MAX:
		out->value = out->has_worst ? kf_sample_ns(&out->worst) : 0;
		break;
	case KF_EXPR_AVG:
		out->value = average(m);
		break;
	case KF_EXPR_PERCENTILE:
		if (m->n_waits) {
			qsort(m->waits, m->n_waits, sizeof(*m->waits), by_length);
			out->value = m->waits[kf_expr_rank(x, m->n_waits) - 1].ns;
		}
		break;
	case KF_EXPR_TOTAL:
		out->value = m->low_ns;
		break;
	default:
		out->value = count(m, x->longer_ns, x->longer_or_equal || !x->longer_given).seen;
	}
}

/* Who had most of a total. */
static int find_most(struct material *m, const struct kf_selection *threads, struct kf_measured *out)
{
	const struct kf_sample_list *waits = &m->v->samples->lists[list_of(m->x, m->v)];
	uint64_t *ns = calloc(m->v->t->n_threads + 1, sizeof(*ns));

	if (!ns)
		return -1;
	for (size_t i = 0; i < waits->n; i++) {
		const struct kf_sample *s = &waits->items[i];

		if (!threads->has[s->thread] || !fits_kind(m->x, s) || (s->flags & KF_SAMPLE_VAGUE))
			continue;
		ns[s->thread] += kf_sample_window_ns(s, m->v->t);
		if (ns[s->thread] > out->most.ns)
			out->most = (struct kf_share_of){ s->thread, ns[s->thread] };
	}
	free(ns);
	return 0;
}

static void tell_cut(const struct material *m, char *why, size_t len)
{
	const struct kf_sample *s = &m->worst_cut;
	struct kf_line line;

	kf_line_init(&line, why, len);
	kf_line_thread(&line, m->v->t, s->thread);
	kf_line_text(&line, s->flags & KF_SAMPLE_OPEN	  ? " still waited when the window ended, after "
			    : s->flags & KF_SAMPLE_NO_END ? " waited, until records of it were lost, at least "
							  : " waited from before what the window knows, at least ");
	kf_line_duration(&line, m->worst_cut_ns);
}

static void tell_holes(const struct material *m, char *why, size_t len)
{
	uint64_t longest_ns = 0;
	bool reaches_out = false;
	char duration[32];

	for (size_t i = 0; i < m->n_holes; i++) {
		if (m->holes[i].ns > longest_ns)
			longest_ns = m->holes[i].ns;
		reaches_out |= m->holes[i].most_ns == ANY_LENGTH;
	}
	if (m->n_holes)
		snprintf(why, len, "what threads did is unknown %zu time%s, up to %s long%s", m->n_holes,
			 m->n_holes == 1 ? "" : "s", kf_format_duration(longest_ns, duration, sizeof(duration)),
			 reaches_out ? ", and reaches out of the window" : "");
	else
		snprintf(why, len, "there is no such wait");
}

/* Would it be known if the waits that were cut off were as long as they were seen? */
static bool is_decided_as_seen(struct material *m)
{
	for (size_t i = 0; i < m->n_waits; i++)
		m->waits[i].most_ns = m->waits[i].ns;
	return decide(m, KF_DOUBT_NONE) != KF_ANSWER_UNKNOWN;
}

/* The same of the unknown, as with --as-seen. */
static bool is_helped_as_seen(struct material *m)
{
	for (size_t i = 0; i < m->n_holes; i++)
		m->holes[i].most_ns = m->holes[i].ns;
	return is_decided_as_seen(m);
}

static void judge(struct material *m, const struct kf_selection *threads, struct kf_measured *out)
{
	enum kf_doubt doubt = kf_doubt(m->v, m->x, threads, out->why, sizeof(out->why));

	out->answer = decide(m, doubt);
	if (out->answer != KF_ANSWER_UNKNOWN)
		out->why[0] = '\0';
	else if (doubt)
		return;
	else if (m->worst_cut_ns && is_decided_as_seen(m))
		tell_cut(m, out->why, sizeof(out->why));
	else
		tell_holes(m, out->why, sizeof(out->why));
	if (out->answer == KF_ANSWER_UNKNOWN)
		out->as_seen_helps = is_helped_as_seen(m);
}

static int measure(struct material *m, const struct kf_selection *threads, struct kf_measured *out)
{
	if (m->x->kind >= KF_EXPR_STEAL)
		take_cpus(m);
	else if (take_samples(m, threads, out) || (m->x->function == KF_EXPR_TOTAL && find_most(m, threads, out)))
		return -1;
	fill_value(m, out);
	if (m->x->function == KF_EXPR_TOTAL)
		out->has_worst = false;
	judge(m, threads, out);
	return 0;
}

int kf_measure(struct kf_measured *out, const struct kf_expr *x, const struct kf_view *v, struct kf_error *e)
{
	struct material m = { .x = x, .v = v };
	struct kf_selection threads = { 0 };
	int err;

	*out = (struct kf_measured){ .window_ns = v->t->end_ns - v->t->floor_ns, .most.thread = KF_NOBODY };
	err = kf_select(&threads, v->t, x->who, x->pid, v->tgid, e);
	if (!err && measure(&m, &threads, out))
		err = kf_fail_memory(e, "the waits");
	kf_selection_release(&threads);
	free(m.waits);
	free(m.holes);
	return err;
}
