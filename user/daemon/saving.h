/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * saving.h - from a window that is held to a snapshot file, one at a time:
 *
 *	idle --begin--> waiting for what comes after the trigger --> copying --> writing, in a thread of its own --> idle
 *
 * The owner holds the window first (a trigger did, or kf_recorder_hold()), and arms the recorder again when it is told that
 * this one is done, for good or bad.
 */
#ifndef KF_DAEMON_SAVING_H
#define KF_DAEMON_SAVING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/writer.h"
#include "snapshot/snapshot.h"

struct kf_error;
struct kf_events;
struct kf_recorder;
struct kf_saving;

#define KF_REASON_BYTES 512

/* Why there is a snapshot. */
struct kf_ask {
	struct kf_trigger trigger;
	char reason[KF_REASON_BYTES]; /* of a request or an aggregate, "" none */
	char trace_id[KF_TRACE_ID_BYTES], span_id[KF_SPAN_ID_BYTES];
	struct kf_requester by;
	uint64_t client; /* kf_request of the client who waits for the answer, 0 none */
};

enum kf_saving_state { KF_SAVING_IDLE, KF_SAVING_AFTER, KF_SAVING_WRITING };

struct kf_saving_options {
	struct kf_recorder *recorder;
	struct kf_events *events;
	struct kf_writer_options files;
	uint64_t after_ns;
	void *context;
	/* Fills in what the recorder does not know; 0, or -1 with the reason. */
	int (*describe)(void *context, const struct kf_ask *ask, struct kf_snapshot *s, struct kf_error *e);
	/* The file has that name now; or name is NULL and this snapshot is lost. The state is idle already. */
	void (*done)(void *context, const struct kf_ask *ask, const char *name, const struct kf_error *e);
};

int kf_saving_new(struct kf_saving **out, const struct kf_saving_options *opts, struct kf_error *e);
/* Waits for a file that is being written. NULL is fine. */
void kf_saving_free(struct kf_saving **s);

enum kf_saving_state kf_saving_state(const struct kf_saving *s);
/* "recording", "after", "writing" */
const char *kf_saving_state_name(enum kf_saving_state state);

/* For its counts and its sweep. */
struct kf_writer *kf_saving_writer(const struct kf_saving *s);
/* False: the snapshot that was just lost was lost as others within the last minute, and that was told. */
bool kf_saving_failure_is_news(const struct kf_saving *s);

/* The window is held, the state is idle. at_once: nothing after the trigger is waited for. */
void kf_saving_begin(struct kf_saving *s, const struct kf_ask *ask, bool at_once);
/* Waits no longer for what comes after the trigger. */
void kf_saving_hurry(struct kf_saving *s);

#endif
