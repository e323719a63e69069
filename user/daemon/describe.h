/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.h - what a snapshot says beside its records: of which host, by which triggers, why, at what cost. */
#ifndef KF_DAEMON_DESCRIBE_H
#define KF_DAEMON_DESCRIBE_H

struct kf_ask;
struct kf_error;
struct kf_service;
struct kf_snapshot;

int kf_describe(struct kf_service *service, const struct kf_ask *ask, struct kf_snapshot *s, struct kf_error *e);

#endif
