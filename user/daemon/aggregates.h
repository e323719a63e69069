/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aggregates.h - triggers over many waits (p99(runq)>2ms/1s, rate(futex>10ms)>5/s, ...): looked at ten times per period.
 *
 * BPF counts; nothing is sent to user space. If an enabled trigger has an aggregate, one timer wakes the recorder every tenth of
 * the smallest period of all (10 times a second for 1 s), reads a few mapped counters per CPU and aggregate, and compares.
 * Without one there is no timer.
 *
 * An aggregate is not true before a whole period has passed since the start, or since its trigger was changed. One with < or <= is
 * about something that falls: it must have been at or above its limit before, so that what was idle all the time is silent. While
 * it is true it is told to the recorder as true for a second (or until the next look, if that is later), about every second.
 */
#ifndef KF_DAEMON_AGGREGATES_H
#define KF_DAEMON_AGGREGATES_H

#include <stdbool.h>
#include <stddef.h>

struct kf_aggregates;
struct kf_error;
struct kf_events;
struct kf_recorder;
struct kf_trigger;
struct kf_trigger_set;

/* Room for what kf_aggregates_why() can say of most rules. */
#define KF_AGGREGATES_WHY_BYTES 1024

/*
 * A rule fired, and the window is held: the caller takes the snapshot. why is good for its reason, one printable line:
 * "p99(runq) > 2 ms: 37 of 1,204 waits in the last 1.00 s". It must not free the aggregates.
 */
typedef void (*kf_aggregate_fired_fn)(void *context, const struct kf_trigger *trigger, const char *why);

/* set and r must outlive it; set may be changed by kf_trigger_set_change(). */
int kf_aggregates_new(struct kf_aggregates **out, struct kf_events *events, struct kf_recorder *r,
		      const struct kf_trigger_set *set, kf_aggregate_fired_fn fired, void *context, struct kf_error *e);
/* Before its events are freed. Sets *a to NULL; NULL and pointer to NULL are fine. */
void kf_aggregates_free(struct kf_aggregates **a);

/* That rule was changed, and the recorder knows (kf_recorder_change_rule()): its aggregates begin again. */
void kf_aggregates_change(struct kf_aggregates *a, int rule);

/*
 * What of that rule is true or was so within the last second, joined by "; ": also for a rule that an event completed. "" nothing.
 * Returns buf.
 */
const char *kf_aggregates_why(const struct kf_aggregates *a, int rule, char *buf, size_t len);
/* The last value of a term, for status: false if it is none, or a period has not passed yet. *is_true may be NULL. */
bool kf_aggregates_value(const struct kf_aggregates *a, size_t term, bool *is_true, char *buf, size_t len);

#endif
