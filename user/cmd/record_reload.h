/* SPDX-License-Identifier: BSD-2-Clause */
/* record_reload.h - SIGHUP: `record` reads its settings again, from the same command line, environment and file. */
#ifndef KF_CMD_RECORD_RELOAD_H
#define KF_CMD_RECORD_RELOAD_H

struct kf_command;
struct kf_log;
struct kf_record_options;
struct kf_service;

struct kf_reload {
	const struct kf_command *command;
	int argc;
	char **argv;
	struct kf_record_options *running; /* what is in force: what can change is changed there */
	struct kf_record_options *latest;  /* owns the texts of what was changed; NULL never reloaded */
	struct kf_log *log;
};

/* For kf_service_options.reload; context is a struct kf_reload. Wrong settings are logged and change nothing. */
void kf_record_reload(void *context, struct kf_service *service);
/* The options in `running` must not be used any more. */
void kf_record_reload_release(struct kf_reload *r);

#endif
