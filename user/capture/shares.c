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
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		struct kf_ring_share share = kf_ring_share(r->plan.slots[shared[i]], lasts_ns);

		r->bpf->rodata->flood_depth[shared[i]] = share.depth_slots;
		r->bpf->rodata->flood_leak[shared[i]] = share.leak_slots;
	}
}
