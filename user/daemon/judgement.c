/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/judgement.h"

#include "daemon/sliding.h"
#include "expr/expr.h"
#include "expr/expr_text.h"
#include "output/line.h"

#define HUNDRED_MICRO (100ULL * KF_EXPR_MICRO)

/* left and right of the comparison, as whole numbers. */
struct sides {
	unsigned __int128 value, limit;
};

static struct sides sides_of(const struct kf_expr *x, const struct kf_sliding_sum *sum)
{
	const struct kf_term_stats *stats = &sum->stats;

	switch (x->function) {
	case KF_EXPR_AVG:
		return (struct sides){ stats->ns, (unsigned __int128)x->limit * stats->count };
	case KF_EXPR_TOTAL:
		if (x->unit == KF_EXPR_PERCENT)
			return (struct sides){ (unsigned __int128)stats->ns * HUNDRED_MICRO,
					       (unsigned __int128)x->limit * sum->span_ns };
		return (struct sides){ stats->ns, x->limit };
	case KF_EXPR_RATE:
		return (struct sides){ (unsigned __int128)stats->above * KF_EXPR_MICRO * x->per_ns,
				       (unsigned __int128)x->limit * sum->span_ns };
	}
	return (struct sides){ (unsigned __int128)stats->above * KF_EXPR_MICRO, x->limit };
}

/* Above the limit, or at it where that is asked for too. */
static bool passes(const struct kf_expr *x, const struct kf_sliding_sum *sum, bool or_equal)
{
	const struct kf_term_stats *stats = &sum->stats;
	struct sides sides;

	if (x->function == KF_EXPR_MAX)
		return stats->above > 0;
	if (x->function == KF_EXPR_PERCENTILE)
		return stats->above > stats->count - kf_expr_rank(x, stats->count);
	sides = sides_of(x, sum);
	return or_equal ? sides.value >= sides.limit : sides.value > sides.limit;
}

/* More time makes sums larger, but not averages and shares. */
static bool grows_with_time(const struct kf_expr *x)
{
	return x->function == KF_EXPR_COUNT || (x->function == KF_EXPR_TOTAL && x->unit == KF_EXPR_NS);
}

enum kf_judgement kf_judge(const struct kf_expr *x, uint64_t period_ns, const struct kf_sliding_sum *sum)
{
	bool below = x->compare == KF_EXPR_BELOW || x->compare == KF_EXPR_AT_MOST;
	bool above;

	if (kf_expr_is_of_one_wait(x) && !sum->stats.count)
		return KF_JUDGED_NOTHING;
	above = passes(x, sum, x->compare == KF_EXPR_AT_LEAST || x->compare == KF_EXPR_BELOW);
	if (above && grows_with_time(x) && sum->span_ns > period_ns + kf_sliding_step_ns(period_ns))
		return KF_JUDGED_NOTHING;
	return above != below ? KF_JUDGED_TRUE : KF_JUDGED_FALSE;
}

static void add_count(struct kf_line *line, uint64_t n)
{
	char text[32];

	kf_line_text(line, kf_format_count(n, text, sizeof(text)));
}

static void add_waits(struct kf_line *line, uint64_t n)
{
	add_count(line, n);
	kf_line_text(line, n == 1 ? " wait" : " waits");
}

static void add_value(struct kf_line *line, const struct kf_expr *x, const struct kf_sliding_sum *sum)
{
	const struct kf_term_stats *stats = &sum->stats;
	long double span_ns = sum->span_ns ? sum->span_ns : 1;

	switch (x->function) {
	case KF_EXPR_MAX:
	case KF_EXPR_PERCENTILE:
		add_count(line, stats->above);
		kf_line_text(line, " of ");
		add_waits(line, stats->count);
		break;
	case KF_EXPR_AVG:
		kf_line_duration(line, stats->count ? stats->ns / stats->count : 0);
		kf_line_text(line, " of ");
		add_waits(line, stats->count);
		break;
	case KF_EXPR_TOTAL:
		if (x->unit == KF_EXPR_PERCENT)
			kf_line_add(line, "%.3Lg %%, ", 100 * stats->ns / span_ns);
		kf_line_duration(line, stats->ns);
		kf_line_text(line, " of ");
		add_waits(line, stats->count);
		break;
	case KF_EXPR_RATE:
		kf_line_add(line, "%.3Lg%s, ", (long double)stats->above * x->per_ns / span_ns, kf_expr_per(x));
		/* fall through */
	default:
		add_waits(line, stats->above);
	}
}

const char *kf_judgement_text(const struct kf_expr *x, const struct kf_sliding_sum *sum, char *buf, size_t len)
{
	char measure[KF_EXPR_MEASURE_BYTES], limit[48];
	struct kf_line line;

	kf_line_init(&line, buf, len);
	kf_line_add(&line, "%s %s: ", kf_expr_measure(x, measure, sizeof(measure)),
		    kf_expr_limit(x, limit, sizeof(limit)));
	add_value(&line, x, sum);
	kf_line_text(&line, " in the last ");
	kf_line_duration(&line, sum->span_ns);
	return buf;
}
