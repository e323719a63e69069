/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * written.h - the snapshots this recorder has written since it started, for GET /snapshots: the last KF_WRITTEN_MAX. Those that have
 * been deleted since are left out when they are listed.
 */
#ifndef KF_DAEMON_WRITTEN_H
#define KF_DAEMON_WRITTEN_H

#include <stdint.h>

#include <jansson.h>

struct kf_error;
struct kf_output_dir;
struct kf_written; /* opaque */

#define KF_WRITTEN_MAX 1024

/* dir stays the caller's. */
int kf_written_new(struct kf_written **out, const struct kf_output_dir *dir, struct kf_error *e);
void kf_written_free(struct kf_written **w);

/* The file `name` in that folder is whole. trigger: its rule, or what it was ("request"); reason "" none. Texts are copied, cut if long. */
void kf_written_add(struct kf_written *w, const char *name, const char *trigger, const char *reason);

/* [{name, path, bytes, time (ISO 8601, UTC: when it was written), trigger, reason}], newest first; NULL when out of memory. */
json_t *kf_written_json(const struct kf_written *w);

#endif
