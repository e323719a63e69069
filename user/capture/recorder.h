/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorder.h - the probes in the kernel: load, attach, arm, hold, copy, release.
 *
 * Life cycle: kf_recorder_open() attaches (recording starts); kf_recorder_arm() lets triggers through. When
 * kf_recorder_trigger_fd() becomes readable, kf_recorder_next_trigger() tells which fired; the window is then held. For
 * a request without trigger, kf_recorder_hold() does the same. Either way kf_recorder_copy() comes next: it copies the
 * window and ends the hold. Triggers are counted as busy until kf_recorder_arm() is called again. Nothing stays in the
 * kernel when the process ends, however it ends.
 *
 * Not thread-safe: one thread owns a recorder; the snapshots it gives are free of it.
 */
#ifndef KF_CAPTURE_RECORDER_H
#define KF_CAPTURE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/rings.h"
#include "kflight/control.h"
#include "kflight/waits.h"
#include "snapshot/snapshot.h"

struct kf_error;
struct kf_filter_spec;
struct kf_opener;
struct kf_recorder;
struct kf_snapshot;
struct kf_trigger_set;

struct kf_recorder_options {
	const struct kf_filter_spec *filter;	  /* NULL everybody */
	bool only;				  /* children of filtered processes are not followed */
	const struct kf_trigger_set *trigger_set; /* NULL none; must outlive the recorder */
	bool count_waits;			  /* keep histograms of waits (kflight/waits.h) */
	uint64_t window_ns;			  /* 0 as long as the rings hold */
	uint64_t window_bytes;			  /* of all rings; 0 no limit but the plan's */
	uint64_t after_ns;			  /* part of the window that comes after the trigger */
	enum kf_syscall_mode syscalls;
	uint32_t sources;	  /* enum kf_sources wanted; what this kernel cannot tell is left out */
	struct kf_opener *opener; /* for kf_recorder_count_cost(); NULL: this process has the rights itself */
};

/* Reads only opts; what must outlive the call is copied. */
int kf_recorder_open(struct kf_recorder **out, const struct kf_recorder_options *opts, struct kf_error *e);
void kf_recorder_close(struct kf_recorder **r);

/* Rings, and what a copy of them can need on top while a snapshot is written. */
uint64_t kf_recorder_ring_bytes(const struct kf_recorder *r);

/* Opens the gate; triggers before cooldown_until_ns (CLOCK_MONOTONIC, 0 none) are counted, but suppressed. */
void kf_recorder_arm(struct kf_recorder *r, uint64_t cooldown_until_ns);
/* No trigger fires any more. */
void kf_recorder_disarm(struct kf_recorder *r);

/* Not 0: the kernel gave no timer for open waits, and kf_recorder_check() is to be called this often. */
uint64_t kf_recorder_check_every_ns(const struct kf_recorder *r);
void kf_recorder_check(struct kf_recorder *r);

/* For poll(): readable when a trigger fired. */
int kf_recorder_trigger_fd(const struct kf_recorder *r);
/* The next trigger that fired; false if there is none. */
bool kf_recorder_next_trigger(struct kf_recorder *r, struct kf_trigger *out);

/* Holds the window for a request. Returns 0, 1 if a snapshot is being taken already, -1 on failure. */
int kf_recorder_hold(struct kf_recorder *r, struct kf_trigger *out, struct kf_error *e);

/*
 * Copies the held window, ends the hold, scans the tasks. The snapshot belongs to the caller; it has no reason, version
 * and host texts yet (kf_snapshot_set). On failure the hold is ended, too.
 */
int kf_recorder_copy(struct kf_recorder *r, const struct kf_trigger *trigger, struct kf_snapshot **out,
		     struct kf_error *e);

/* What goes on, read from the mapped pages: costs no system call. */
struct kf_recorder_status {
	uint64_t slots_written;
	uint64_t records_dropped;
	uint64_t window_held_ns;   /* how far back every CPU reaches */
	uint64_t hits, suppressed; /* over all rules; together how often they fired */
	uint64_t unwatched, unfollowed;
	uint64_t checks, check_ns;
	uint64_t class_slots[KF_CLASSES]; /* slots_written by class */
	uint64_t no_state, bad_waits, lost_triggers, flooded;
	bool contexts_known; /* whether wakers' interrupt contexts are */
};
void kf_recorder_status(const struct kf_recorder *r, struct kf_recorder_status *out);

/* Triggers (expr/trigger_set.h). What is measured of whom, and how it is combined, is fixed at the start. */
/* Takes over what kf_trigger_set_change() changed in that rule; counting of its aggregates starts again. */
void kf_recorder_change_rule(struct kf_recorder *r, const struct kf_trigger_set *set, int rule);
/* No snapshots of that rule (-1: of any) before until_ns: they are counted as limited. 0 lifts it. */
void kf_recorder_limit(struct kf_recorder *r, int rule, uint64_t until_ns);
void kf_recorder_rule_counts(const struct kf_recorder *r, int rule, struct kf_rule_counts *out);

/* Aggregates: what was counted for a term, over all CPUs, since the start or its last change. Costs no system call. */
void kf_recorder_term_stats(const struct kf_recorder *r, int term, struct kf_term_stats *out);
/* An aggregate is true until then. No rule is looked at: kf_recorder_set_true() comes next. */
void kf_recorder_keep_true(struct kf_recorder *r, int term, uint64_t until_ns);
/*
 * Looks at a rule of which these terms (a bit each) are true. Returns 0 and the trigger (kind KF_TRIGGER_AGGREGATE; the window is held)
 * if it got a snapshot, 1 if it did not fire or was suppressed, which is counted.
 */
int kf_recorder_set_true(struct kf_recorder *r, uint32_t terms, struct kf_trigger *out);

/* Waits of filtered threads by length, over all CPUs, since the start (only if kf_recorder_options.count_waits). */
void kf_recorder_waits(const struct kf_recorder *r, enum kf_waits_kind kind, struct kf_wait_histogram *out);

/* From the event that fired to the protected window; kf_counters.hold_latency. */
void kf_recorder_hold_latency(const struct kf_recorder *r, uint64_t out[16]);

/* One CPU's part of kf_recorder_status(). False behind the last CPU. */
struct kf_recorder_cpu {
	uint64_t window_held_ns, slots_written, records_dropped;
};
bool kf_recorder_cpu_status(const struct kf_recorder *r, uint32_t cpu, struct kf_recorder_cpu *out);

/* Attaches what up to that level is given up no more, detaches the rest (enum kf_shed_level). */
int kf_recorder_shed(struct kf_recorder *r, enum kf_shed_level level, struct kf_error *e);

/* CPU time of all BPF programs since it was first asked to count, while counting (costs 20 ns a run: sample it). */
int kf_recorder_count_cost(struct kf_recorder *r, bool on, struct kf_error *e);
uint64_t kf_recorder_cost_ns(const struct kf_recorder *r);

#endif
