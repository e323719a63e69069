/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording.h - what `record` and `run` have in common: options, checks, a recorder that runs until it is told to end.
 *
 * Life cycle: kf_recording_init(), kf_options_parse() with the rows of kf_recording_options(), kf_recording_understand(),
 * kf_recording_prepare(), kf_recording_start(), kf_recording_service_options(), kf_recording_serve(), kf_recording_release().
 */
#ifndef KF_CMD_RECORDING_H
#define KF_CMD_RECORDING_H

#include "capture/filter_spec.h"
#include "cli/options.h"
#include "daemon/service.h"
#include "expr/trigger_set.h"

struct kf_config;
struct kf_error;
struct kf_opener;
struct kf_output_dir;
struct kf_recorder;

struct kf_recording {
	/* as given */
	struct kf_strings pids, tids, comms, cgroups, trigger_texts;
	bool only;
	const char *output_dir;
	const char *window;
	const char *syscalls;
	const char *causes;
	const char *socket;
	uint64_t after_ns, cooldown_ns, duration_ns, count;
	/* as the command wants it */
	bool count_waits;  /* histograms for metrics */
	const char *group; /* may read the snapshots, NULL none */
	bool for_verdict;  /* a snapshot of all there was, as far as it fits, at the end whatever triggers there are */
	/* as understood */
	struct kf_filter_spec filter;
	struct kf_trigger_set triggers;
	uint64_t window_ns, window_bytes;
	int syscall_mode;
	uint32_t sources;
	struct kf_output_dir *dir;
	struct kf_recorder *recorder;
};

/* Rows for the option table; the last one is empty. */
#define KF_RECORDING_OPTIONS 16

void kf_recording_init(struct kf_recording *r);
void kf_recording_options(struct kf_recording *r, struct kf_option rows[KF_RECORDING_OPTIONS]);

/* Understands the options; needs no rights. config (NULL none) may have triggers of its own, and is blamed for what is wrong. */
int kf_recording_understand(struct kf_recording *r, const struct kf_config *config, struct kf_error *e);

/* Looks whether the host can do it, and opens the folder, before anything is started. */
int kf_recording_prepare(struct kf_recording *r, struct kf_error *e);

/* Attaches. Tells on standard error what is recorded and how much memory it takes. opener (capture/opener.h) may be NULL. */
int kf_recording_start(struct kf_recording *r, struct kf_opener *opener, struct kf_error *e);

/* What follows from the options; the caller adds the rest. */
void kf_recording_service_options(struct kf_recording *r, struct kf_service_options *out);

/* Until the end. Returns an exit status. */
int kf_recording_serve(struct kf_recording *r, const struct kf_service_options *opts, struct kf_service_result *result);

/* Takes the probes out of the kernel and gives the rings back; kf_recording_release() does it, too. */
void kf_recording_stop(struct kf_recording *r);

void kf_recording_release(struct kf_recording *r);

#endif
