/* SPDX-License-Identifier: BSD-2-Clause */
/* shares.h - how much one process may write of what one process could flood (bpf/flood.bpf.h). */
#ifndef KF_CAPTURE_SHARES_H
#define KF_CAPTURE_SHARES_H

#include <stdint.h>

struct kf_recorder;

/* Between open and load of the programs, when the rings are planned. KFLIGHT_NO_SHARES=1 leaves them out (to measure what they cost). */
void kf_recorder_set_shares(struct kf_recorder *r, uint64_t window_ns);

#endif
