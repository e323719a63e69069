/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify.h - tells who started the recorder that it is ready, reloading, alive, ending.
 *
 * systemd (and whoever speaks its protocol, sd_notify(3)): datagrams of lines like "READY=1" to the Unix socket of NOTIFY_SOCKET,
 * a path or, behind '@', an abstract name. Others: a descriptor that was handed to us (--notify-fd) gets a newline and is closed
 * when recording has begun, as s6 has it.
 *
 * Our own, because a few datagrams of text do not deserve libsystemd, which would bring its compression and crypto libraries into
 * a process with root's rights.
 *
 * Nothing here blocks. What cannot be sent is lost: systemd then notices a missing READY=1 or WATCHDOG=1 by itself.
 */
#ifndef KF_DAEMON_NOTIFY_H
#define KF_DAEMON_NOTIFY_H

#include <stdint.h>

struct kf_error;
struct kf_notify;

/* "7" -> 7, which must be open and none of standard input, output and error; NULL -> -1. It is not inherited from then on. */
int kf_notify_parse_fd(const char *text, int *out, struct kf_error *e);

/*
 * Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that hooks do not speak for us. fd: -1 none; it
 * belongs to *out. Without a socket everything below does nothing (but the newline).
 */
int kf_notify_new(struct kf_notify **out, int fd, struct kf_error *e);
/* NULL inside is fine. Closes the descriptor without a newline if ready never came. */
void kf_notify_free(struct kf_notify **n);

/* All below do nothing where n is NULL.
 * status is one line for `systemctl status`. The first time and after each reload. */
void kf_notify_ready(struct kf_notify *n, const char *status);
void kf_notify_status(struct kf_notify *n, const char *status);
/* SIGHUP is being worked on; ready ends it, whether the new settings were taken or not. */
void kf_notify_reloading(struct kf_notify *n);
void kf_notify_stopping(struct kf_notify *n, const char *status);
void kf_notify_alive(struct kf_notify *n);

/* How long systemd waits for the next sign of life; 0: it does not. */
uint64_t kf_notify_watchdog_ns(const struct kf_notify *n);

#endif
