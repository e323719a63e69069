/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/shares.h"

#include <stdlib.h>

#include "capture/recorder_internal.h"

#include "kflight.skel.h"

void kf_recorder_set_shares(struct kf_recorder *r, uint64_t window_ns)
{
	static const enum kf_class shared[] = { KF_CLASS_SYSCALL, KF_CLASS_LIFE };
	uint64_t lasts_ns = kf_ring_plan_window_ns(&r->plan, window_ns);

	if (getenv("KFLIGHT_NO_SHARES"))
		return;
	r->bpf->rodata->flood_window_ns = lasts_ns;
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		r->bpf->rodata->flood_share[shared[i]] = kf_ring_flood_share(r->plan.slots[shared[i]], lasts_ns);
}
