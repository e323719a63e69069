/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.h - at most so many snapshots in a time: '5/m,20/h,100/d' is 5 in any 60 s and 20 in any hour and 100 in any 24 hours.
 *
 *	LIMITS := LIMIT { "," LIMIT }		LIMIT := COUNT "/" [ NUMBER ] ( "s" | "m" | "h" | "d" )
 *
 * The windows slide: '5/m' never lets a sixth one through 61 s after the first of five, nor ten around a full minute.
 * A limit is there for the disk and the host, to whom it is the same who asked. So every snapshot counts from the moment its window
 * is held, written or lost. What is kept from taking one: triggers, and requests over the socket, because those come from programs,
 * too. A signal (SIGUSR1) and the end of a recording take theirs in any case: somebody at the machine is not told to wait a day.
 *
 * Times are CLOCK_MONOTONIC: no step of the wall clock counts, and time asleep makes a limit stricter, never laxer. A restart
 * does not start anew (a recorder that crashes after each snapshot would have none): kf_limits_recall() takes what lies in the folder.
 */
#ifndef KF_DAEMON_LIMITS_H
#define KF_DAEMON_LIMITS_H

#include <stddef.h>
#include <stdint.h>

struct kf_error;
struct kf_limits;

#define KF_LIMITS_WINDOWS   8
#define KF_LIMITS_MAX_COUNT 100000

/* text NULL: no limits. Errors name the part. Memory: 8 bytes for each snapshot of the largest count, 8 KiB at least. */
int kf_limits_new(struct kf_limits **out, const char *text, struct kf_error *e);
void kf_limits_free(struct kf_limits **l);

/* Other limits, for the same snapshots: what was taken counts on. If it fails nothing has changed. */
int kf_limits_change(struct kf_limits **l, const char *text, struct kf_error *e);

/* One was begun at that time. Any order: an older one than known ones finds its place. */
void kf_limits_taken(struct kf_limits *l, uint64_t at_ns);

/* 0: one may be taken at now_ns. Else from when on, for kf_recorder_limit(recorder, -1, until). */
uint64_t kf_limits_until(const struct kf_limits *l, uint64_t now_ns);

/* "20/h, the next one in 12.5 min" for whoever is refused at now_ns; "" if nobody is. Returns buf. */
const char *kf_limits_why(const struct kf_limits *l, uint64_t now_ns, char *buf, size_t len);

/* Takes over the snapshots of earlier runs in that folder, as far as they have their mark (daemon/mark.h). Once, at the start. */
void kf_limits_recall(struct kf_limits *l, int dir_fd, uint64_t now_ns);

#endif
