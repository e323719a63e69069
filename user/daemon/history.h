/* SPDX-License-Identifier: BSD-2-Clause */
/* history.h - the snapshots this recorder wrote, the last KF_HISTORY of them, for whoever asks for a list. */
#ifndef KF_DAEMON_HISTORY_H
#define KF_DAEMON_HISTORY_H

#include <stdint.h>

#include <jansson.h>

struct kf_ask;
struct kf_error;
struct kf_history;

#define KF_HISTORY 256

int kf_history_new(struct kf_history **out, struct kf_error *e);
void kf_history_free(struct kf_history **h);

/* rule: name of the trigger, "request". */
void kf_history_add(struct kf_history *h, const struct kf_ask *ask, const char *name, const char *rule, uint64_t bytes);

/*
 * Newest first, those that are still in the folder:
 * [{name, path, bytes, time (ISO 8601, UTC), trigger, reason, process, pid, trace_id, span_id, uid, asked_by (pid)}]; what is not known is null.
 */
json_t *kf_history_json(const struct kf_history *h, int dir_fd, const char *dir);

#endif
