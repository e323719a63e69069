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

#include "daemon/options.h"

struct kf_error;
struct kf_filter_spec;
struct kf_hooks;
struct kf_log;
struct kf_notify;
struct kf_opener;
struct kf_output_dir;
struct kf_recorder;
struct kf_service;
struct kf_trigger_set;

struct kf_service_options {
	const struct kf_filter_spec *filter;
	struct kf_trigger_set *triggers; /* may be changed while running; empty: none */
	const char *output_dir;		 /* as given, for messages */
	struct kf_output_dir *dir;
	const char *socket;	  /* control socket, NULL none */
	struct kf_hooks *hooks;	  /* NULL none */
	struct kf_opener *opener; /* capture/opener.h; NULL: this process keeps the rights for what it does */
	struct kf_daemon_options daemon;
	uint64_t window_ns; /* 0 as long as fits */
	uint64_t after_ns;
	uint64_t cooldown_ns;
	uint64_t duration_ns; /* 0 no end */
	uint64_t count;	      /* snapshots by triggers, written ones, then it ends; 0 no end */
	pid_t child;	      /* ends when this child has ended, -1 none; requests are then about it */
	const char *child_name;
	bool last_snapshot; /* one more when it ends: there are no triggers */
	bool status_line;   /* on standard error, every second */
	bool counts_waits, records_syscalls, records_interrupts;
	struct kf_log *log;		     /* NULL: text on standard error */
	struct kf_notify *notify;	     /* NULL: nobody waits */
	bool prints_paths;		     /* of snapshots on standard output; else they are in the log only */
	bool drops_rights;		     /* for good, once all is open (daemon/rights.h) */
	void (*tell)(const void *recording); /* what is recorded, once nothing can fail any more; NULL: nobody asks */
	const void *recording;
	/* SIGHUP: reads the settings anew and calls kf_service_change(); NULL: SIGHUP ends the recorder. */
	void (*reload)(void *context, struct kf_service *service);
	void *context;
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

/* What may change while it runs; triggers (kf_service_options) were changed already. limit lasts for the call only. */
struct kf_service_change {
	uint64_t cooldown_ns;
	const char *limit;
};
void kf_service_change(struct kf_service *s, const struct kf_service_change *now);

#endif
