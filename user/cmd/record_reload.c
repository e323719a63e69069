/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/record_reload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/record_options.h"
#include "daemon/log.h"
#include "daemon/reload.h"

/* All else needs a restart; triggers are compared by themselves. */
static const char *const live[] = { "cooldown", "limit", "log", NULL };

static void free_options(struct kf_record_options **o)
{
	if (!*o)
		return;
	kf_record_options_release(*o);
	free(*o);
	*o = NULL;
}

static int read_again(const struct kf_reload *r, struct kf_record_options **out, struct kf_error *e)
{
	struct kf_record_options *o = malloc(sizeof(*o));

	if (!o)
		return kf_fail_memory(e, "the settings");
	kf_record_options_init(o);
	if (kf_record_options_read(o, r->command, r->argc, r->argv, environ, e) || kf_record_options_understand(o, e)) {
		free_options(&o);
		return -1;
	}
	*out = o;
	return 0;
}

/* Live settings that are no triggers. Their texts belong to `fresh`, which stays. */
static void take_over(struct kf_record_options *running, const struct kf_record_options *fresh)
{
	running->recording.cooldown_ns = fresh->recording.cooldown_ns;
	running->daemon.limit = fresh->daemon.limit;
	running->log = fresh->log;
	running->log_format = fresh->log_format;
}

/* First of all: the only setting that can be refused by the host. */
static int change_log(const struct kf_reload *r, const struct kf_record_options *fresh, struct kf_error *e)
{
	return fresh->log_format != r->running->log_format ? kf_log_change(r->log, fresh->log_format, e) : 0;
}

void kf_record_reload(void *context, struct kf_service *service)
{
	struct kf_reload *r = context;
	struct kf_record_options *fresh = NULL;
	struct kf_changes *changes = calloc(1, sizeof(*changes));
	struct kf_error e;

	if (!changes || read_again(r, &fresh, &e) || change_log(r, fresh, &e)) {
		if (!changes)
			kf_fail_memory(&e, "the settings");
		kf_error_print(&e);
		kf_log(r->log, KF_LOG_WARNING, NULL, "the settings stay as they are");
		free_options(&fresh);
		free(changes);
		return;
	}
	kf_reload_options(changes, r->running->rows, fresh->rows, live);
	kf_reload_triggers(changes, &r->running->recording.triggers, &fresh->recording.triggers);
	take_over(r->running, fresh);
	free_options(&r->latest);
	r->latest = fresh;
	kf_reload_log(changes, r->log);
	kf_service_change(service, &(struct kf_service_change){ .cooldown_ns = r->running->recording.cooldown_ns,
								.limit = r->running->daemon.limit });
	free(changes);
}

void kf_record_reload_release(struct kf_reload *r)
{
	free_options(&r->latest);
}
