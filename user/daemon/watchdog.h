/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.h - signs of life for systemd, twice in WATCHDOG_USEC, from the loop itself: a loop that is stuck sends none, and the
 * recorder is started again. Without a watchdog there is no timer, and the recorder sleeps on.
 */
#ifndef KF_DAEMON_WATCHDOG_H
#define KF_DAEMON_WATCHDOG_H

struct kf_error;
struct kf_events;
struct kf_notify;

/* From now on. notify has to outlive the timers of events. */
int kf_watchdog_start(struct kf_events *events, struct kf_notify *notify, struct kf_error *e);

#endif
