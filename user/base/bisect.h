/* SPDX-License-Identifier: BSD-2-Clause */
/* bisect.h - binary search in what is in order. */
#ifndef KF_BASE_BISECT_H
#define KF_BASE_BISECT_H

#include <stddef.h>

/*
 * Of n things in order, the first that is not before what is searched; n if all are. `before` is an expression that says it
 * of number i, and i the name it has there:
 *
 *	KF_BISECT(n, i, runs[i].end_ns <= ts_ns)	the first run that ends after ts_ns
 */
#define KF_BISECT(n, i, before)                                                                                        \
	({                                                                                                             \
		size_t low_ = 0, high_ = (n);                                                                          \
		while (low_ < high_) {                                                                                 \
			size_t i = low_ + (high_ - low_) / 2;                                                          \
			if (before)                                                                                    \
				low_ = (i) + 1;                                                                        \
			else                                                                                           \
				high_ = (i);                                                                           \
		}                                                                                                      \
		low_;                                                                                                  \
	})

#endif
