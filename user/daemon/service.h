/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service.h - a recorder that runs: triggers, requests, signals and timers in, snapshot files out.
 *
 * One thread, asleep until one of them calls; a second one writes files. A request while a snapshot is being taken is
 * answered "busy" with the reason; a trigger then is counted by BPF.
 */
#ifndef KF_DAEMON_SERVICE_H
#define KF_DAEMON_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct kf_error;
struct kf_filter_spec;
struct kf_output_dir;
struct kf_recorder;
struct kf_trigger_set;

struct kf_service_options {
	const struct kf_filter_spec *filter;
	const struct kf_trigger_set *triggers;
	const char *output_dir;
	struct kf_output_dir *dir;
	const char *socket; /* control socket, NULL none */
	uint64_t after_ns;
	uint64_t cooldown_ns;
	uint64_t duration_ns; /* 0 no end */
	uint64_t count;	      /* snapshots by triggers, written ones, then it ends; 0 no end */
	pid_t child;	      /* ends when this child has ended, -1 none; requests are then about it */
	const char *child_name;
	bool last_snapshot; /* one more when it ends: there are no triggers */
	bool status_line;   /* on standard error, every second */
};

struct kf_service_result {
	uint64_t written; /* snapshots */
	uint64_t failed;  /* snapshots lost, each told on standard error */
	bool child_ended;
	int child_status;    /* as from waitpid(), if child_ended */
	char last_name[256]; /* of the last file written, in output_dir; "" none */
};

/*
 * Runs until told to end: SIGINT, SIGTERM, duration, count, end of the child. kf_signals_block() comes first. Prints the
 * path of each file on standard output.
 */
int kf_service_run(struct kf_recorder *recorder, const struct kf_service_options *opts,
		   struct kf_service_result *result, struct kf_error *e);

#endif
