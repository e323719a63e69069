/* SPDX-License-Identifier: BSD-2-Clause */
/* shed.h - the recorder's part of shedding: what a snapshot may claim when something was given up. kf_recorder_shed() is in recorder.h. */
#ifndef KF_CAPTURE_SHED_H
#define KF_CAPTURE_SHED_H

struct kf_recorder;
struct kf_snapshot;

/*
 * Sets sources and syscall_mode of a snapshot whose window is known: a reader takes them for true of the whole window, so what was
 * given up within it is not claimed.
 */
void kf_recorder_claim_sources(const struct kf_recorder *r, struct kf_snapshot *s);

#endif
