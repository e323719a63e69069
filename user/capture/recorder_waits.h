/* SPDX-License-Identifier: BSD-2-Clause */
/* recorder_waits.h - the recorder's part of counted waits; what is read of them is in recorder.h. */
#ifndef KF_CAPTURE_RECORDER_WAITS_H
#define KF_CAPTURE_RECORDER_WAITS_H

struct kf_error;
struct kf_recorder;
struct kf_recorder_options;

/* Between open and load of the programs, when the rings are sized. */
int kf_recorder_waits_plan(struct kf_recorder *r, const struct kf_recorder_options *opts, struct kf_error *e);
/* After load. */
int kf_recorder_waits_map(struct kf_recorder *r, struct kf_error *e);
/* Does nothing if they are not mapped. */
void kf_recorder_waits_unmap(struct kf_recorder *r);

/* Its limit has changed: what was counted before is forgotten. */
void kf_recorder_restart_term(struct kf_recorder *r, int term);

#endif
