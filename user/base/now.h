/* SPDX-License-Identifier: BSD-2-Clause */
/* now.h - CLOCK_MONOTONIC in ns, the clock of every record. */
#ifndef KF_BASE_NOW_H
#define KF_BASE_NOW_H

#include <stdint.h>
#include <time.h>

static inline uint64_t kf_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

#endif
