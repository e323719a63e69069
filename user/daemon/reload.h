/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reload.h - what changed settings change in a running recorder (SIGHUP).
 *
 * The settings are read again from the command line, the environment and the file, as at the start, into rows of their own. A
 * setting that can change while it runs does so at once; another one is named in the log, and waits for a restart. Settings that
 * are wrong anywhere change nothing at all.
 *
 *	if (kf_config_load(&config, rows, ...) || understand(...)) { log it; return; }		nothing has changed
 *	kf_reload_options(&changes, running_rows, rows, live);
 *	kf_reload_triggers(&changes, &running_set, &set);					running_set has changed
 *	kf_reload_log(&changes, log);
 *	... give what is `live` to the modules, and running_set to the recorder ...
 */
#ifndef KF_DAEMON_RELOAD_H
#define KF_DAEMON_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct kf_log;
struct kf_option;
struct kf_trigger_set;

#define KF_MAX_CHANGES 96

struct kf_change {
	char name[48];		 /* "cooldown", "trigger slow-nginx" */
	char was[160], now[160]; /* as text, cut; "" none */
	bool live;		 /* else it needs a restart */
	char why[160];		 /* it does, if there is more to say; else "" */
};

/* Starts zeroed. */
struct kf_changes {
	struct kf_change items[KF_MAX_CHANGES];
	size_t n;
	size_t untold; /* beyond these, that need a restart */
};

/*
 * Adds the rows whose values differ; both tables have the same rows in the same order. live: names of those that can change, NULL
 * behind the last. The list `trigger` is left to kf_reload_triggers().
 */
void kf_reload_options(struct kf_changes *changes, const struct kf_option *was, const struct kf_option *now,
		       const char *const *live);

/*
 * Makes running as wanted where that can be done (kf_trigger_set_change()), and adds what differs: also what was changed over the
 * control socket since, because the file is what counts now. Rules that came or went need a restart.
 */
void kf_reload_triggers(struct kf_changes *changes, struct kf_trigger_set *running,
			const struct kf_trigger_set *wanted);

/* A line for each change, with what it was and is; a warning for what needs a restart. */
void kf_reload_log(const struct kf_changes *changes, struct kf_log *log);

#endif
