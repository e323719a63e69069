/* SPDX-License-Identifier: BSD-2-Clause */
/* glob.h - a name pattern with * and ?, as the table that BPF walks without branches. */
#ifndef KF_CAPTURE_GLOB_H
#define KF_CAPTURE_GLOB_H

#include <stdbool.h>

#include "kflight/control.h"

/* glob is NUL-terminated and shorter than KF_COMM_GLOB_BYTES. */
void kf_glob_compile(const char *glob, struct kf_glob_table *table);

/* What BPF does with it; for tests. comm is padded with NULs. */
bool kf_glob_fits(const struct kf_glob_table *table, const char comm[KF_COMM_BYTES]);

#endif
