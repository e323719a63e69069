/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.h - the loop of the recorder: file descriptors and timers in, calls out. One thread; between events it sleeps.
 *
 * Each module of the daemon watches its own descriptors. Everything is called from kf_events_step(), one after the other:
 * nobody may block.
 */
#ifndef KF_DAEMON_EVENTS_H
#define KF_DAEMON_EVENTS_H

#include <stdint.h>

struct kf_error;
struct kf_events;
struct kf_timer;

typedef void (*kf_event_fn)(void *context);

int kf_events_new(struct kf_events **out, struct kf_error *e);
/* Frees the timers, too; watched descriptors stay open. NULL is fine. */
void kf_events_free(struct kf_events **ev);

/* Calls fn whenever fd is readable, until kf_events_forget(). */
int kf_events_watch(struct kf_events *ev, int fd, kf_event_fn fn, void *context, struct kf_error *e);
/* Not called again, even if it is readable now. An fd that is not watched is fine. */
void kf_events_forget(struct kf_events *ev, int fd);

/* A timer that is not set yet. */
int kf_events_timer(struct kf_events *ev, kf_event_fn fn, void *context, struct kf_timer **out, struct kf_error *e);
/* First at at_ns (CLOCK_MONOTONIC; the past is at once), then every every_ns (0: once). at_ns 0 stops it. */
void kf_timer_set(struct kf_timer *t, uint64_t at_ns, uint64_t every_ns);

/* Sleeps until something happens and calls whom it concerns. */
int kf_events_step(struct kf_events *ev, struct kf_error *e);

#endif
