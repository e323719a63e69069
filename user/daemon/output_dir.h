/* SPDX-License-Identifier: BSD-2-Clause */
/* output_dir.h - the folder snapshots go to. */
#ifndef KF_DAEMON_OUTPUT_DIR_H
#define KF_DAEMON_OUTPUT_DIR_H

struct kf_error;

/*
 * Opens the folder, makes it (mode 0700, not its parents) if it is missing, and tries whether files can be made there.
 * Returns a descriptor, or -1.
 */
int kf_output_dir_open(const char *path, struct kf_error *e);

#endif
