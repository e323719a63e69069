/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/bounds.h"

#include "check/material.h"
#include "expr/expr.h"

/* No thread waits more often than once in so long: every wait takes two switches. */
#define SHORTEST_NS 1000

#define HUNDRED_MICRO (100ULL * KF_EXPR_MICRO)

/* Is the value above the limit, or at it? value is what the unit measures: ns or a number. */
static bool passes_limit(const struct kf_material *m, uint64_t value, bool or_equal)
{
	unsigned __int128 left = value, right = m->picked->x->limit;

	switch (m->picked->x->unit) {
	case KF_EXPR_PERCENT:
		left *= HUNDRED_MICRO;
		right *= m->span_ns;
		break;
	case KF_EXPR_NUMBER:
		left *= KF_EXPR_MICRO;
		break;
	case KF_EXPR_PER_TIME:
		left = left * KF_EXPR_MICRO * m->picked->x->per_ns;
		right *= m->span_ns;
		break;
	}
	return or_equal ? left >= right : left > right;
}

static bool is_long(uint64_t ns, uint64_t limit_ns, bool or_equal)
{
	return or_equal ? ns >= limit_ns : ns > limit_ns;
}

/* How many waits that long may hide in a hole. */
static uint64_t may_hide(const struct kf_extent *hole, uint64_t limit_ns, bool or_equal)
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

static struct counts count(const struct kf_material *m, uint64_t limit_ns, bool or_equal)
{
	struct counts c = { 0 };

	for (size_t i = 0; i < m->waits.n; i++) {
		c.seen += is_long(m->waits.items[i].ns, limit_ns, or_equal);
		c.at_most += is_long(m->waits.items[i].most_ns, limit_ns, or_equal);
	}
	for (size_t i = 0; i < m->holes.n; i++) {
		c.hidden += may_hide(&m->holes.items[i], limit_ns, or_equal);
		c.any += m->holes.items[i].single ? 1 : m->holes.items[i].ns / SHORTEST_NS + 1;
	}
	c.at_most += c.hidden;
	return c;
}

static enum kf_answer answer(bool surely, bool possibly)
{
	return surely ? KF_ANSWER_YES : possibly ? KF_ANSWER_UNKNOWN : KF_ANSWER_NO;
}

/* The percentile is beyond the limit if more waits are than may stand behind its place. */
static enum kf_answer percentile_passes(const struct kf_material *m, bool or_equal)
{
	struct counts c = count(m, m->picked->x->limit, or_equal);
	uint64_t n_low = m->waits.n + c.any, n_high = m->waits.n + c.hidden;
	bool surely = c.seen > n_low - kf_expr_rank(m->picked->x, n_low);
	bool possibly = n_high && c.at_most > n_high - kf_expr_rank(m->picked->x, n_high);

	return answer(surely, possibly);
}

static enum kf_answer max_passes(const struct kf_material *m, bool or_equal)
{
	struct counts c = count(m, m->picked->x->limit, or_equal);

	return answer(c.seen, c.at_most);
}

static enum kf_answer avg_passes(const struct kf_material *m, bool or_equal)
{
	unsigned __int128 low = 0, high = 0;
	struct counts c = count(m, 0, true);
	bool endless = false;
	uint64_t n_low = m->waits.n + c.any, n_high = m->waits.n ? m->waits.n : 1;

	for (size_t i = 0; i < m->waits.n; i++) {
		low += m->waits.items[i].ns;
		high += m->waits.items[i].ns;
		endless |= m->waits.items[i].most_ns == KF_ANY_LENGTH;
	}
	for (size_t i = 0; i < m->holes.n; i++) {
		endless |= m->holes.items[i].most_ns == KF_ANY_LENGTH;
		high += endless ? 0 : m->holes.items[i].most_ns;
	}
	if (!m->waits.n && !m->holes.n)
		return KF_ANSWER_NO;
	low = n_low ? low / n_low : 0;
	high = endless ? KF_ANY_LENGTH : high / n_high;
	return answer(m->waits.n && passes_limit(m, (uint64_t)low, or_equal),
		      passes_limit(m, (uint64_t)high, or_equal));
}

static enum kf_answer count_passes(const struct kf_material *m, bool or_equal)
{
	struct counts c =
		count(m, m->picked->x->longer_ns, m->picked->x->longer_or_equal || !m->picked->x->longer_given);

	return answer(passes_limit(m, c.seen, or_equal), passes_limit(m, c.at_most, or_equal));
}

static enum kf_answer total_passes(const struct kf_material *m, bool or_equal)
{
	return answer(passes_limit(m, m->low_ns, or_equal), passes_limit(m, m->high_ns, or_equal));
}

enum kf_answer kf_passes(const struct kf_material *m)
{
	const struct kf_expr *x = m->picked->x;
	bool or_equal = x->compare == KF_EXPR_AT_LEAST || x->compare == KF_EXPR_BELOW;

	switch (x->function) {
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

/* Not so of pieces of syscalls: two may be one. */
bool kf_grows_with_knowledge(const struct kf_material *m)
{
	switch (m->picked->x->function) {
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
static bool grows_with_time(const struct kf_material *m)
{
	return kf_grows_with_knowledge(m) && m->picked->x->unit != KF_EXPR_PERCENT &&
	       m->picked->x->unit != KF_EXPR_PER_TIME;
}

/* Is it above the limit, in spite of the doubt? */
static enum kf_answer passes_in_doubt(const struct kf_material *m, enum kf_answer passes, enum kf_doubt doubt)
{
	if (doubt == KF_DOUBT_SHORT)
		return passes == KF_ANSWER_NO ? KF_ANSWER_UNKNOWN : passes;
	if (doubt == KF_DOUBT_HOLES)
		return passes == KF_ANSWER_YES && kf_grows_with_knowledge(m) ? passes : KF_ANSWER_UNKNOWN;
	return passes;
}

enum kf_answer kf_decide(const struct kf_material *m, enum kf_doubt doubt)
{
	bool below = m->picked->x->compare == KF_EXPR_BELOW || m->picked->x->compare == KF_EXPR_AT_MOST;
	enum kf_answer passes = passes_in_doubt(m, kf_passes(m), doubt);

	if (!below)
		return passes;
	if (kf_expr_is_of_one_wait(m->picked->x) && !m->waits.n)
		return KF_ANSWER_UNKNOWN;
	if (passes == KF_ANSWER_NO)
		return KF_ANSWER_YES;
	/* What is enough in a short window need not be in a longer one. */
	if (passes == KF_ANSWER_YES && (doubt != KF_DOUBT_SHORT || grows_with_time(m)))
		return KF_ANSWER_NO;
	return KF_ANSWER_UNKNOWN;
}

static uint64_t average(const struct kf_material *m)
{
	unsigned __int128 sum = 0;

	for (size_t i = 0; i < m->waits.n; i++)
		sum += m->waits.items[i].ns;
	return m->waits.n ? (uint64_t)(sum / m->waits.n) : 0;
}

static uint64_t longest(const struct kf_material *m)
{
	return m->worst ? kf_sample_ns(m->worst) : 0;
}

static uint64_t count_up_to(const struct kf_material *m, uint64_t ns)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->waits.n; i++)
		n += m->waits.items[i].ns <= ns;
	return n;
}

/* The smallest length that so many waits do not exceed. Found by halves: a sort would take several times as long. */
static uint64_t percentile(const struct kf_material *m)
{
	uint64_t place = kf_expr_rank(m->picked->x, m->waits.n), low = 0, high = longest(m);

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (count_up_to(m, middle) >= place)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint64_t kf_value_seen(const struct kf_material *m, bool *has_value)
{
	const struct kf_expr *x = m->picked->x;

	*has_value = !kf_expr_is_of_one_wait(x) || m->waits.n;
	switch (x->function) {
	case KF_EXPR_MAX:
		return longest(m);
	case KF_EXPR_AVG:
		return average(m);
	case KF_EXPR_PERCENTILE:
		return percentile(m);
	case KF_EXPR_TOTAL:
		return m->low_ns;
	}
	return count(m, x->longer_ns, x->longer_or_equal || !x->longer_given).seen;
}
