/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status.h - all numbers a running recorder has about itself, and how they are told: as JSON, to people (status_text.c) and to
 * Prometheus (daemon/metrics.h).
 *
 * The loop fills a struct kf_daemon_status whenever somebody asks, from the recorder and from its own modules; everything that tells it
 * is a pure function of it. Counters count since the start of this recorder and never fall.
 *
 *	struct kf_daemon_status s = { .version = KF_VERSION, ... };
 *	kf_status_take_recorder(&s, recorder, trigger_set);	windows, rules, histograms
 *	kf_status_take_self(&s);				own CPU time and memory
 *	kf_status_look(&look, &s);				rates since the look before
 *	json = kf_status_json(&s);
 *	kf_status_release(&s);
 *
 * The JSON, keys in this order; what is not known or not in use is null. Times of day are ISO 8601 in UTC. Keys are only ever added.
 *
 *	version, host, pid	of the recorder
 *	state		"recording"; "after" (a snapshot collects its --after), "writing"; "ending"
 *	started		time of day
 *	uptime_ns
 *	filter		as the user gave it, "" everybody
 *	window		{wished_ns (0 as long as the rings hold), held_ns (what every CPU holds now), full (held as wished), ring_bytes,
 *			 cpus: [{cpu, held_ns, slots, dropped}]}: slots of 32 bytes since the start; CPUs that wrote nothing are left out
 *	records		{slots (in all), by_class: {sched, syscall, life, taken}, lost: {REASON: n},
 *			 rates: {over_ns, slots_per_s, lost_per_s, fired_per_s} since the look before, null at the first one}
 *	triggers	[{name, text, enabled, fired, hits, suppressed, cooling, busy, sampled, limited, last_hit (time of day)}]:
 *			fired = hits + suppressed; suppressed is the sum of the four behind it
 *	snapshots	{written, failed, bytes (of those written), suppressed, last (file name)}
 *	retention	{kept, kept_bytes (null not looked yet), removed, removed_bytes, undeletable}: of --keep
 *	hooks		{ok, failed, timed_out (of the failed)}: runs of --exec that have ended
 *	conversions	{ok, failed, timed_out}: --convert
 *	left_out	snapshots that were neither converted nor shipped, because too many waited
 *	requests	{RESULT: n}: of the control socket and of --metrics
 *	self		{cpu_ns, resident_bytes}: the process, without what its probes cost
 *	cost		{cost_ppm, budget_ppm, shed ("nothing", "syscalls", "interrupts"), sheds, restores}: of the host's CPU time,
 *			probes and process
 *	hold_latency	[{below_ns (null: the rest), count}]: from the event that fired to the protected window
 *	open_waits	{looks, ns}: looks at waits that have not ended, and the time they took
 *	waits		{KIND: {count, ns, p50_below_ns, p99_below_ns}} of waits of filtered threads that have ended; kinds that are counted
 */
#ifndef KF_DAEMON_STATUS_H
#define KF_DAEMON_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "kflight/control.h"
#include "kflight/waits.h"

struct kf_error;
struct kf_recorder;
struct kf_trigger_set;

/* Why a record, or what would have become one, is not there. That old records are overwritten is no loss. */
enum kf_loss {
	KF_LOSS_HELD = 0,   /* refused, because the window was held */
	KF_LOSS_FLOOD,	    /* refused, because its process had its share */
	KF_LOSS_NO_STATE,   /* its thread got no state: out of memory */
	KF_LOSS_BAD_WAIT,   /* a wait that was negative or absurd: recorded as unknown */
	KF_LOSS_TRIGGER,    /* a trigger that did not fit its ring */
	KF_LOSS_UNWATCHED,  /* filtered threads whose open waits are not looked at: too many */
	KF_LOSS_UNFOLLOWED, /* children of filtered processes that are not filtered: too many */
	KF_LOSSES,
};

/* How a request was answered. */
enum kf_request_result {
	KF_REQUEST_OK = 0,
	KF_REQUEST_BUSY,    /* a snapshot was being taken, or too many clients */
	KF_REQUEST_LIMITED, /* no more snapshots in this minute, hour, day */
	KF_REQUEST_REFUSED, /* who asked may not */
	KF_REQUEST_INVALID, /* not understood, too large, no such thing */
	KF_REQUEST_FAILED,  /* our fault */
	KF_REQUEST_RESULTS,
};

struct kf_status_cpu {
	uint64_t held_ns, slots, dropped;
};

struct kf_status_rule {
	const char *name, *text;
	bool enabled;
	struct kf_rule_counts counts;
	uint64_t last_hit_ns; /* CLOCK_MONOTONIC, 0 never */
};

/* Children that have ended, or could not be started. */
struct kf_status_runs {
	uint64_t ok, failed;
	uint64_t timed_out; /* of the failed ones */
};

struct kf_status_rates {
	uint64_t over_ns; /* 0 not known */
	double slots_per_s, lost_per_s, fired_per_s;
};

struct kf_daemon_status {
	const char *version, *host, *state, *filter;
	uint32_t pid;
	uint64_t now_ns, started_ns; /* CLOCK_MONOTONIC */
	uint64_t real_ns;	     /* CLOCK_REALTIME at now_ns */

	uint64_t wished_ns, held_ns, ring_bytes;
	struct kf_status_cpu *cpus; /* allocated; index is the CPU number */
	uint32_t n_cpus;
	uint64_t slots;
	uint64_t class_slots[KF_CLASSES];
	uint64_t lost[KF_LOSSES];
	struct kf_status_rates rates;

	struct kf_status_rule rules[KF_MAX_RULES];
	size_t n_rules;
	uint64_t snapshots_written, snapshots_failed, snapshot_bytes;
	const char *last_snapshot; /* file name; NULL or "" none */
	bool kept_known;
	uint64_t kept, kept_bytes, removed, removed_bytes, undeletable;
	struct kf_status_runs hooks, conversions;
	uint64_t left_out;
	uint64_t requests[KF_REQUEST_RESULTS];

	uint64_t own_cpu_ns, resident_bytes;
	uint32_t cost_ppm;   /* UINT32_MAX not measured */
	uint32_t budget_ppm; /* 0 or more than the whole host (KF_BUDGET_OFF): no budget */
	uint16_t shed;	     /* enum kf_shed_level */
	uint64_t sheds, restores;

	uint64_t looks, looks_ns; /* at open waits */
	__u64 hold_latency[16];	  /* as in struct kf_counters */
	uint32_t waits_counted;	  /* a bit for each enum kf_waits_kind */
	struct kf_wait_histogram waits[KF_WAITS_KINDS];
};

/* What the look before saw. Zeroed at the start. */
struct kf_status_seen {
	uint64_t at_ns, slots, lost, fired;
	struct kf_status_rates rates;
};

/*
 * Windows, losses, counts of rules (whose names and texts point into set, NULL no rules), hold latency, histograms of waits_counted.
 * Leaves last_hit_ns alone. Returns -1 when out of memory.
 */
int kf_status_take_recorder(struct kf_daemon_status *s, const struct kf_recorder *r, const struct kf_trigger_set *set,
			    struct kf_error *e);
/* now_ns, real_ns, pid, own_cpu_ns, resident_bytes. */
void kf_status_take_self(struct kf_daemon_status *s);
/* Rates since the look before, which was at least a second ago (several may look). */
void kf_status_look(struct kf_status_seen *seen, struct kf_daemon_status *s);
void kf_status_release(struct kf_daemon_status *s);

/* Of one rule: all but hits. */
uint64_t kf_status_suppressed(const struct kf_rule_counts *counts);
uint64_t kf_status_lost(const struct kf_daemon_status *s); /* records: HELD and FLOOD */
bool kf_status_has_budget(const struct kf_daemon_status *s);
uint64_t kf_status_wait_count(const struct kf_wait_histogram *h);

/* Names in JSON and metrics: "held", ...; "ok", ... */
const char *kf_loss_name(enum kf_loss loss);
const char *kf_request_result_name(enum kf_request_result result);
/* "runq", "futex", "syscall", "block", "throttled" */
const char *kf_waits_name(enum kf_waits_kind kind);

/* A new object, NULL when out of memory. */
json_t *kf_status_json(const struct kf_daemon_status *s);

/*
 * For people, on the client's side: prints what kf_status_json() made, some 20 lines. Whatever is missing in it, or not of its type, is left
 * out: the recorder may be of another version.
 */
void kf_status_text(const json_t *status, FILE *out);

#endif
