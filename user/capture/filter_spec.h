/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter_spec.h - who may trigger: processes, threads, names and cgroups as the user gave them, checked. With several,
 * one that fits is enough; with none, everybody fits.
 */
#ifndef KF_CAPTURE_FILTER_SPEC_H
#define KF_CAPTURE_FILTER_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr/trigger_set.h"
#include "kflight/control.h"

struct kf_error;

/* Starts zeroed; end it with kf_filter_spec_release(). */
struct kf_filter_spec {
	uint32_t pids[KF_MAX_FILTER_PIDS]; /* processes: tgid */
	size_t n_pids;
	uint32_t tids[KF_MAX_FILTER_PIDS];
	size_t n_tids;
	struct kf_comm_glob comms[KF_MAX_FILTER_COMMS]; /* fit the name of the thread or of its process */
	size_t n_comms;
	struct kf_cgroup_filter cgroups[KF_MAX_FILTER_CGROUPS];
	size_t n_cgroups;
	char *text; /* for snapshots: "pid 2144, comm nginx*"; NULL none */
	size_t text_room;
};

/*
 * All four leave spec as it was on failure.
 *
 * A list is numbers with commas or blanks between ("2144,2150", or what pidof prints). Each must exist now: a number
 * that nobody has is an error, and so is a thread given as a process (the message names its process).
 */
int kf_filter_spec_add_pids(struct kf_filter_spec *spec, const char *list, struct kf_error *e);
int kf_filter_spec_add_tids(struct kf_filter_spec *spec, const char *list, struct kf_error *e);
/* A name with * and ?; nothing else is special. */
int kf_filter_spec_add_comm(struct kf_filter_spec *spec, const char *glob, struct kf_error *e);
/* See kf_cgroup_resolve(). */
int kf_filter_spec_add_cgroup(struct kf_filter_spec *spec, const char *path, struct kf_error *e);

/* No existence check, for a process that we have just started ourselves. */
int kf_filter_spec_add_own_pid(struct kf_filter_spec *spec, uint32_t pid, struct kf_error *e);

/* Can the filter of a trigger be for this number: is there such a process, thread, or either (PID, TID, PID_OR_TID)? */
int kf_filter_check_id(uint32_t id, enum kf_filter_by by, struct kf_error *e);

bool kf_filter_spec_is_empty(const struct kf_filter_spec *spec);
void kf_filter_spec_release(struct kf_filter_spec *spec);

#endif
