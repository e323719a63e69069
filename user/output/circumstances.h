/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * circumstances.h - how a snapshot came about, in words: which rule, who asked, what else fired, what recording cost and had to
 * give up.
 *
 * Each is one line without full stop and newline, "" (and 0) when there is nothing to say: then it should not be said. Names
 * and texts of others come out escaped. KF_CIRCUMSTANCE_BYTES are enough; what does not fit is cut off.
 */
#ifndef KF_OUTPUT_CIRCUMSTANCES_H
#define KF_OUTPUT_CIRCUMSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kf_line;
struct kf_rule_counts;
struct kf_shed;
struct kf_snapshot;

#define KF_CIRCUMSTANCE_BYTES 1024

/* "runq > 5 ms", with the name of its rule if it has one of its own: "slow-web (runq > 5 ms)"; "p99(runq)>2ms/1s". */
void kf_fired_label(struct kf_line *line, const struct kf_snapshot *s);

/* " by checkout/2144 (uid 1000) for trace 4bf9..., span 00f0..."; nothing if nobody is known. */
void kf_requester_add(struct kf_line *line, const struct kf_snapshot *s);

/* "fired by rule slow-web: runq>5ms{comm=nginx*}"; "" if the label says all of it. */
size_t kf_rule_text(const struct kf_snapshot *s, char *buf, size_t len);

/* Fired, and got no snapshot. */
uint64_t kf_suppressed(const struct kf_rule_counts *counts);
/* Of all rules, since the snapshot before. */
struct kf_rule_counts kf_suppressed_recently(const struct kf_snapshot *s);
/* "37 more in the last 10.0 s were suppressed: 30 cooling down, 5 busy, 2 sampled out" */
size_t kf_suppressed_text(const struct kf_snapshot *s, char *buf, size_t len);

/* How long recording had run when it fired. */
uint64_t kf_recorded_before_ns(const struct kf_snapshot *s);
/* Had it run long enough to fill the wished window? True without a wish. */
bool kf_window_was_full(const struct kf_snapshot *s);

/* "recording cost 0.42 % of this host's CPU time (budget 2 %)"; "" if it was not measured. */
size_t kf_cost_text(const struct kf_snapshot *s, char *buf, size_t len);
/* One of s->sheds: "4.20 s before the trigger: syscalls given up, recording cost 2.1 %". */
size_t kf_shed_text(const struct kf_snapshot *s, const struct kf_shed *shed, char *buf, size_t len);
/* What was given up at any time of the window, and since when; "" nothing. */
size_t kf_given_up_text(const struct kf_snapshot *s, char *buf, size_t len);

#endif
