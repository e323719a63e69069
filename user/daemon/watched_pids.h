/* SPDX-License-Identifier: BSD-2-Clause */
/* watched_pids.h - notices when a process of the filter exits; recording goes on, but the user should know. */
#ifndef KF_DAEMON_WATCHED_PIDS_H
#define KF_DAEMON_WATCHED_PIDS_H

#include <sys/types.h>

struct kf_error;
struct kf_filter_spec;
struct kf_watched_pids;

/* filter may be NULL; `except` (our own child, -1 none) is not watched, nor is any process after the first 256. */
int kf_watched_pids_new(struct kf_watched_pids **out, const struct kf_filter_spec *filter, pid_t except,
			struct kf_error *e);
void kf_watched_pids_free(struct kf_watched_pids **w);

/* For poll(): readable when one has exited. */
int kf_watched_pids_fd(const struct kf_watched_pids *w);
/* Notes each one that has, on standard error. */
void kf_watched_pids_report(struct kf_watched_pids *w);

#endif
