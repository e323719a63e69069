/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * circumstances_json.h - how a snapshot came about (output/circumstances.h), as JSON. Each is a new reference, NULL when out of
 * memory. Files of format 1.1 and before tell none of it.
 */
#ifndef KF_OUTPUT_CIRCUMSTANCES_JSON_H
#define KF_OUTPUT_CIRCUMSTANCES_JSON_H

#include <jansson.h>

struct kf_snapshot;

/* The rule that fired: {name, text}; null if it is not known. */
json_t *kf_fired_json(const struct kf_snapshot *s);
/* {pid, uid, comm, trace_id, span_id}, pid, uid and comm null if they are not known, trace_id and span_id "" without one;
 * null if none of it is known. */
json_t *kf_requester_json(const struct kf_snapshot *s);
/* Of all rules since since_ns: {since_ns, total, cooling, busy, sampled, limited, text}. */
json_t *kf_suppressed_json(const struct kf_snapshot *s);
/* [{name, text, fired, hits, cooling, busy, sampled, limited, recent: {hits, cooling, busy, sampled, limited}}] */
json_t *kf_rules_json(const struct kf_snapshot *s);
/*
 * {cost_ppm, budget_ppm, snapshots_before, given_up, sheds: [{ts_ns, cost_ppm, before, after}]}: cost_ppm is null if it was not
 * measured, budget_ppm null without one; before and after are "nothing", "syscalls", "interrupts" (those, too), "unknown"; given_up
 * says in words what the window lacks therefore, "" nothing.
 */
json_t *kf_recorder_json(const struct kf_snapshot *s);

#endif
