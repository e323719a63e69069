/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sliding.h"

#include <string.h>

/* Timers are not exact: looks may come this much early. */
static uint64_t slack_ns(const struct kf_sliding *s)
{
	return kf_sliding_step_ns(s->period_ns) / 4;
}

void kf_sliding_start(struct kf_sliding *s, uint64_t period_ns, uint64_t now_ns, const struct kf_term_stats *stats)
{
	*s = (struct kf_sliding){ .period_ns = period_ns, .n = 1, .looks = { { now_ns, *stats } } };
}

bool kf_sliding_is_due(const struct kf_sliding *s, uint64_t now_ns)
{
	return now_ns + slack_ns(s) >= s->looks[s->n - 1].ts_ns + kf_sliding_step_ns(s->period_ns);
}

static void forget_oldest(struct kf_sliding *s)
{
	s->n--;
	memmove(&s->looks[0], &s->looks[1], s->n * sizeof(s->looks[0]));
}

static bool reaches_back(const struct kf_sliding *s, const struct kf_sliding_look *look, uint64_t now_ns)
{
	return look->ts_ns + s->period_ns <= now_ns + slack_ns(s);
}

static bool is_less(const struct kf_term_stats *a, const struct kf_term_stats *b)
{
	return a->count < b->count || a->above < b->above || a->ns < b->ns;
}

bool kf_sliding_add(struct kf_sliding *s, uint64_t now_ns, const struct kf_term_stats *stats,
		    struct kf_sliding_sum *out)
{
	const struct kf_sliding_look *newest = &s->looks[s->n - 1];
	const struct kf_sliding_look *from = &s->looks[0];

	if (now_ns < newest->ts_ns || is_less(stats, &newest->stats)) {
		kf_sliding_start(s, s->period_ns, now_ns, stats);
		return false;
	}
	/* What the next look will not need, either. */
	while (s->n > 1 && reaches_back(s, &s->looks[1], now_ns))
		forget_oldest(s);
	out->span_ns = now_ns - from->ts_ns;
	out->stats = (struct kf_term_stats){ .count = stats->count - from->stats.count,
					     .above = stats->above - from->stats.above,
					     .ns = stats->ns - from->stats.ns };
	if (s->n == KF_SLIDING_LOOKS)
		forget_oldest(s);
	s->looks[s->n++] = (struct kf_sliding_look){ now_ns, *stats };
	return out->span_ns && out->span_ns + slack_ns(s) >= s->period_ns;
}
