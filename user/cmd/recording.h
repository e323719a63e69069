/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording.h - what `record` and `run` have in common: options, checks, a recorder that runs until it is told to end.
 *
 * Life cycle: kf_recording_init(), kf_options_parse() with the rows of kf_recording_options(), kf_recording_prepare(),
 * kf_recording_start(), kf_recording_loop(), kf_recording_release(). `record` has a config file besides: the rows of
 * kf_record_options(), and kf_recording_load() behind kf_options_parse_given().
 */
#ifndef KF_CMD_RECORDING_H
#define KF_CMD_RECORDING_H

#include "capture/filter_spec.h"
#include "daemon/service.h"
#include "cli/config.h"
#include "cli/options.h"
#include "expr/trigger_set.h"

struct kf_error;
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
	const char *config_path;
	uint64_t after_ns, cooldown_ns, duration_ns, count;
	/* as the command wants it */
	bool for_verdict; /* a snapshot of all there was, as far as it fits, at the end whatever triggers there are */
	struct kf_config *config; /* NULL none: it owns strings of the above */
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

/* What `record` takes, from the command line, the environment and a file. */
#define KF_RECORD_OPTIONS (1 + KF_RECORDING_OPTIONS)
void kf_record_options(struct kf_recording *r, struct kf_option rows[KF_RECORD_OPTIONS]);

/* Adds what rows have from the environment and from the config file (cli/config.h). */
int kf_recording_load(struct kf_recording *r, const struct kf_option *rows, const bool *given, struct kf_error *e);

/* Understands the options, without a look at the host. kf_recording_prepare() does it, too. */
int kf_recording_understand(struct kf_recording *r, struct kf_error *e);

/* Understands the options and looks whether the host can do it, before anything is started. */
int kf_recording_prepare(struct kf_recording *r, struct kf_error *e);

/* Attaches. Tells on standard error what is recorded and how much memory it takes. */
int kf_recording_start(struct kf_recording *r, struct kf_error *e);

/* Until the end; child and its name as in kf_service_options. Returns an exit status. */
int kf_recording_loop(struct kf_recording *r, pid_t child, const char *child_name, struct kf_service_result *result);

/* Takes the probes out of the kernel and gives the rings back; kf_recording_release() does it, too. */
void kf_recording_stop(struct kf_recording *r);

void kf_recording_release(struct kf_recording *r);

#endif
