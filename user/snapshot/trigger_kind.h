/* SPDX-License-Identifier: BSD-2-Clause */
/* trigger_kind.h - names of the trigger kinds, the same in expressions, file names and reports. */
#ifndef KF_SNAPSHOT_TRIGGER_KIND_H
#define KF_SNAPSHOT_TRIGGER_KIND_H

/* "runq", "futex", "syscall", "block", "request", "none"; "unknown" for any other number. */
const char *kf_trigger_kind_name(unsigned int kind);

#endif
