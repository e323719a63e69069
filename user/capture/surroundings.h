/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * surroundings.h - what a snapshot needs to know of its host besides the records: the cgroups of its threads with their
 * quotas, the names of its interrupts, which programs are Go. Read from /sys and /proc after the copy, off the critical
 * path; what is gone by then stays unknown.
 */
#ifndef KF_CAPTURE_SURROUNDINGS_H
#define KF_CAPTURE_SURROUNDINGS_H

struct kf_opener;
struct kf_snapshot;

/* Best effort: running out of memory leaves things unknown, too. opener may be NULL (capture/opener.h). */
void kf_surroundings_add(struct kf_snapshot *s, struct kf_opener *opener);

#endif
