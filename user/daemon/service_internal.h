/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service_internal.h - what the files of the service share: service.c (life), service_snapshots.c (from a trigger or a request to a file),
 * service_control.c (requests of clients), service_status.c (numbers).
 */
#ifndef KF_DAEMON_SERVICE_INTERNAL_H
#define KF_DAEMON_SERVICE_INTERNAL_H

#include "daemon/control.h"
#include "daemon/saving.h"
#include "daemon/service.h"
#include "daemon/status.h"

/* What the last snapshot that was written told of the rules: the next one tells what came since, too. */
struct kf_told {
	struct kf_rule_counts counts[KF_MAX_RULES];
	uint64_t at_ns;
};

struct kf_service {
	struct kf_recorder *recorder;
	const struct kf_service_options *opts;
	struct kf_service_result *result;
	struct kf_events *events;
	struct kf_signals *signals;
	struct kf_saving *saving;
	struct kf_limits *limits;
	struct kf_retention *retention;
	struct kf_budget *budget;
	struct kf_aggregates *aggregates;
	struct kf_control_server *control;
	struct kf_control_calls calls;
	struct kf_history *history;
	struct kf_watched_pids *pids;
	struct kf_status_line *status_line;
	struct kf_timer *end, *status, *checks, *sweep;
	struct kf_status_seen seen;

	struct kf_told told, telling; /* telling: in the snapshot that is being written */
	uint64_t last_hit_ns[KF_MAX_RULES];
	uint64_t started_ns;
	char host[65]; /* nodename */
	uint64_t cooldown_ns;
	uint64_t by_trigger; /* snapshots written so far */
	uint64_t cooldown_until_ns;
	uint64_t give_up_ns; /* hooks that go on when all else has ended are waited for until then, 0 not ending yet */
	bool ending, told_to_end, last_taken, stop, told_limits;
};

/* service.c: a rule of opts->triggers is not what it was; everybody who has a part of it is told. */
void kf_service_rule_changed(struct kf_service *s, int rule);

/* service_snapshots.c */
int kf_service_open_snapshots(struct kf_service *s, struct kf_error *e);
bool kf_service_is_idle(const struct kf_service *s);
/* Looks for triggers that have fired. */
void kf_service_take_triggers(struct kf_service *s);
/* An aggregate has fired: the window is held; text says what was measured. */
void kf_service_aggregate_fired(void *service, const struct kf_trigger *trigger, const char *text);
/* Begins a snapshot that somebody wants; fills in ask->trigger. Returns NULL, or why not. */
const char *kf_service_request(struct kf_service *s, struct kf_ask *ask);
/* The same without anybody who waits for an answer: why not is told. */
bool kf_service_request_for(struct kf_service *s, const char *reason);

/* service_control.c */
int kf_service_open_control(struct kf_service *s, struct kf_error *e);

/* service_status.c; kf_status_release() when done. */
int kf_service_take_status(struct kf_service *s, struct kf_daemon_status *out, struct kf_error *e);

#endif
