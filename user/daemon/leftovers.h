/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leftovers.h - removes what a killed recorder left half-written (names that begin with KF_SNAPSHOT_TEMP_PREFIX).
 *
 * Who writes such a file has it locked (flock), so those of a recorder that lives can be told from those of a dead one.
 */
#ifndef KF_DAEMON_LEFTOVERS_H
#define KF_DAEMON_LEFTOVERS_H

/* Only regular files of this user; returns how many it removed. */
int kf_leftovers_remove(int dir_fd);

#endif
