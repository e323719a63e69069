/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sliding.h - what was counted within the last period, from counters that only grow.
 *
 * The counters are looked at ten times per period; what lies between the newest look and the one a period before is the sum.
 * A late look makes it span more than the period: it says how much.
 */
#ifndef KF_DAEMON_SLIDING_H
#define KF_DAEMON_SLIDING_H

#include <stdbool.h>
#include <stdint.h>

#include "kflight/waits.h"

#define KF_SLIDING_STEPS 10
#define KF_SLIDING_LOOKS 16 /* looks may come a quarter of a step early, each time */

struct kf_sliding {
	uint64_t period_ns;
	struct kf_sliding_look {
		uint64_t ts_ns;
		struct kf_term_stats stats;
	} looks[KF_SLIDING_LOOKS]; /* oldest first */
	uint32_t n;
};

struct kf_sliding_sum {
	uint64_t span_ns; /* the period, or a bit more */
	struct kf_term_stats stats;
};

/* Begins (again) with a first look. */
void kf_sliding_start(struct kf_sliding *s, uint64_t period_ns, uint64_t now_ns, const struct kf_term_stats *stats);

static inline uint64_t kf_sliding_step_ns(uint64_t period_ns)
{
	return period_ns / KF_SLIDING_STEPS;
}

/* Is it time for a look? Not much before a step after the one before, so that the looks of ten steps reach back a period. */
bool kf_sliding_is_due(const struct kf_sliding *s, uint64_t now_ns);

/*
 * Takes a look. True: *out is what was counted in the last period; false: it has not been a whole period since the start.
 * Counters that have become less were restarted: so is this.
 */
bool kf_sliding_add(struct kf_sliding *s, uint64_t now_ns, const struct kf_term_stats *stats,
		    struct kf_sliding_sum *out);

#endif
