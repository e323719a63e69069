/* SPDX-License-Identifier: BSD-2-Clause */
/* signals.h - signals of the recorder, as events. */
#ifndef KF_DAEMON_SIGNALS_H
#define KF_DAEMON_SIGNALS_H

struct kf_error;
struct kf_events;
struct kf_signals;

/* Blocks the signals in the whole process (SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE): before any thread is started. */
void kf_signals_block(void);

/* Calls fn with each one that comes. */
int kf_signals_new(struct kf_signals **out, struct kf_events *events, void (*fn)(void *context, int signal),
		   void *context, struct kf_error *e);
void kf_signals_free(struct kf_signals **s);

#endif
