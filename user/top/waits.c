/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/waits.h"

uint64_t kf_top_percentile(const struct kf_top_waits *waits, double part)
{
	uint64_t total = 0, before = 0, start_ns, width_ns, ns;
	double wanted;

	for (uint32_t i = 0; i < KF_TOP_BUCKETS; i++)
		total += waits->buckets[i];
	if (!total)
		return 0;
	wanted = part * (double)total;
	for (uint32_t i = 0; i < KF_TOP_BUCKETS; i++) {
		uint32_t n = waits->buckets[i];

		if (!n || (double)(before + n) < wanted) {
			before += n;
			continue;
		}
		/* The waits of a bucket lie evenly in it, as far as anybody knows. */
		start_ns = kf_top_bucket_start_ns(i);
		width_ns = kf_top_bucket_start_ns(i + 1) - start_ns;
		ns = start_ns + (uint64_t)((double)width_ns * (wanted - (double)before) / n);
		return ns < waits->max_ns ? ns : waits->max_ns;
	}
	return waits->max_ns;
}
