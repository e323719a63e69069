/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_options.h - all that `record` can be told, from the command line, the environment and the config file; `config` looks
 * at the same.
 *
 * Life cycle: kf_record_options_init(), kf_record_options_read(), kf_record_options_understand(), ..._release().
 */
#ifndef KF_CMD_RECORD_OPTIONS_H
#define KF_CMD_RECORD_OPTIONS_H

#include "cli/config.h"
#include "cli/options.h"
#include "cmd/recording.h"
#include "daemon/log.h"
#include "daemon/options.h"

#define KF_DAEMON_ROWS 12
#define KF_RECORD_ROWS (KF_RECORDING_OPTIONS + KF_DAEMON_ROWS)

struct kf_record_options {
	struct kf_recording recording;
	struct kf_daemon_options daemon;
	/* as given */
	const char *keep, *min_free, *metrics, *budget, *log, *notify, *config_path;
	struct kf_option rows[KF_RECORD_ROWS]; /* point into this struct: it must not move */
	struct kf_config *config;
	/* as understood */
	enum kf_log_format log_format;
};

void kf_record_options_init(struct kf_record_options *o);

/* As kf_options_parse(): 0, 1 when help was asked, -1. environment as environ(7), NULL none. command gets its rows here. */
int kf_record_options_read(struct kf_record_options *o, const struct kf_command *command, int argc, char **argv,
			   char *const *environment, struct kf_error *e);

/* The same without a command line: config_path names the file. */
int kf_record_options_load(struct kf_record_options *o, char *const *environment, struct kf_error *e);

/* Understands it all; needs no rights, starts nothing. The error says where a wrong value is from. */
int kf_record_options_understand(struct kf_record_options *o, struct kf_error *e);

/* Names that are looked up on the host, which may ask a name service: not in a recorder that runs and has no right to connect to one. */
int kf_record_options_check_names(const struct kf_record_options *o, struct kf_error *e);

void kf_record_options_release(struct kf_record_options *o);

#endif
