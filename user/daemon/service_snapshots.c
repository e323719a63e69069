/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "base/text.h"
#include "capture/filter_spec.h"
#include "capture/recorder.h"
#include "daemon/aggregates.h"
#include "daemon/control.h"
#include "daemon/describe.h"
#include "daemon/history.h"
#include "daemon/hooks.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "daemon/output_dir.h"
#include "daemon/service_internal.h"
#include "daemon/status_line.h"
#include "expr/trigger_set.h"

bool kf_service_is_idle(const struct kf_service *s)
{
	return kf_saving_state(s->saving) == KF_SAVING_IDLE;
}

static const struct kf_trigger_rule *rule_of(const struct kf_service *s, const struct kf_ask *ask)
{
	const struct kf_trigger_set *set = s->opts->triggers;
	unsigned int rule = ask->trigger.rule;

	return rule && rule <= set->n_rules ? &set->rules[rule - 1] : NULL;
}

/* A snapshot has begun: it counts against --limit, whatever becomes of it. */
static void begin(struct kf_service *s, const struct kf_ask *ask)
{
	kf_limits_taken(s->limits, ask->trigger.ts_ns);
	if (rule_of(s, ask))
		s->last_hit_ns[ask->trigger.rule - 1] = ask->trigger.ts_ns;
	kf_saving_begin(s->saving, ask, s->ending);
}

/* Lets triggers through again. */
static void rearm(struct kf_service *s)
{
	if (s->opts->count && s->by_trigger >= s->opts->count)
		s->ending = true;
	if (s->ending) {
		kf_recorder_disarm(s->recorder);
		return;
	}
	kf_recorder_limit(s->recorder, -1, kf_limits_until(s->limits, kf_now_ns()));
	kf_recorder_arm(s->recorder, s->cooldown_until_ns);
}

/* Once: what the filter names, but triggers cannot see. */
static void tell_limits(struct kf_service *s)
{
	struct kf_recorder_status now;

	kf_recorder_status(s->recorder, &now);
	if (s->told_limits || !(now.unwatched || now.unfollowed))
		return;
	s->told_limits = true;
	kf_note("too many threads for the filter: %" PRIu64 " beyond %d fire only when their wait has ended, %" PRIu64
		" children beyond %d do not fire at all",
		now.unwatched, KF_MAX_WATCHED, now.unfollowed, KF_MAX_FOLLOWED);
}

static void lost(struct kf_service *s, const struct kf_ask *ask, const struct kf_error *e)
{
	if (s->ending || kf_saving_failure_is_news(s->saving)) {
		kf_log(s->opts->log, KF_LOG_ERROR, KF_LOG_FIELDS({ "message_id", KF_LOG_ID_LOST }, { "hint", e->hint }),
		       "%s", e->message);
		kf_note(s->ending ? "this snapshot is lost" : "this snapshot is lost, recording goes on");
	}
	s->result->failed++;
	if (ask->client)
		kf_control_refuse(s->control, ask->client, KF_REFUSED_FAILED, e->message, 0);
}

static void ship(struct kf_service *s, const struct kf_ask *ask, const char *path, const char *name)
{
	const struct kf_trigger_rule *rule = rule_of(s, ask);
	const struct kf_hook_job job = {
		.path = path,
		.name = name,
		.reason = ask->reason,
		.trigger = rule ? rule->name : "request",
		.trigger_text = rule ? rule->text : NULL,
		.pid = ask->trigger.tgid,
		.comm = ask->trigger.process_comm,
		.trace_id = ask->trace_id,
		.span_id = ask->span_id,
	};

	if (!s->opts->hooks)
		return;
	if (s->retention)
		kf_retention_hold(s->retention, name);
	if (!kf_hooks_submit(s->opts->hooks, &job) && s->retention)
		kf_retention_release(s->retention, name);
}

static uint64_t bytes_of(const struct kf_service *s, const char *name)
{
	struct stat st;

	return fstatat(kf_output_dir_fd(s->opts->dir), name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : (uint64_t)st.st_size;
}

/* "late, nginx/2144: wrote '/var/lib/kflight/kflight-....kfl'" */
static void log_written(struct kf_service *s, const struct kf_ask *ask, const char *path, const char *rule)
{
	char pid[16] = "", comm[KF_COMM_BYTES * 4];

	kf_text_printable(ask->trigger.process_comm, KF_COMM_BYTES, comm, sizeof(comm));
	if (ask->trigger.tgid)
		snprintf(pid, sizeof(pid), "%u", ask->trigger.tgid);
	kf_log(s->opts->log, KF_LOG_NOTICE,
	       KF_LOG_FIELDS({ "message_id", KF_LOG_ID_SNAPSHOT }, { "path", path }, { "rule", rule },
			     { "reason", ask->reason }, { "pid", pid }, { "comm", comm }, { "trace_id", ask->trace_id },
			     { "span_id", ask->span_id }),
	       "%s%s%s%s%s: wrote '%s'", rule, comm[0] || pid[0] ? ", " : "", comm, comm[0] && pid[0] ? "/" : "", pid,
	       path);
}

/*
 * False: nobody reads standard output now, and the loop does not wait for somebody to do so. (To a reader that has gone it is written,
 * in vain: recording goes on.)
 */
static bool print_path(const struct kf_service *s, const char *name)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (poll(&out, 1, 0) == 0)
		return false;
	printf("%s/%s\n", s->opts->output_dir, name);
	fflush(stdout);
	return true;
}

static void written(struct kf_service *s, const struct kf_ask *ask, const char *name)
{
	const struct kf_trigger_rule *rule = rule_of(s, ask);
	const char *rule_name = rule ? rule->name : "request";
	char path[4096];
	bool printed;

	printed = s->opts->prints_paths && print_path(s, name);
	snprintf(path, sizeof(path), "%s/%s", kf_output_dir_path(s->opts->dir), name);
	if (!printed || kf_log_is_for_programs(s->opts->log))
		log_written(s, ask, path, rule_name);
	tell_limits(s);
	s->result->written++;
	snprintf(s->result->last_name, sizeof(s->result->last_name), "%s", name);
	s->by_trigger += ask->trigger.kind != KF_TRIGGER_REQUEST;
	s->told = s->telling;
	kf_history_add(s->history, ask, name, rule_name, bytes_of(s, name));
	if (ask->client)
		kf_control_written(s->control, ask->client, path);
	ship(s, ask, path, name);
}

static void on_done(void *service, const struct kf_ask *ask, const char *name, const struct kf_error *e)
{
	struct kf_service *s = service;

	kf_status_line_clear(s->status_line);
	if (name)
		written(s, ask, name);
	else
		lost(s, ask, e);
	rearm(s);
}

static int on_describe(void *service, const struct kf_ask *ask, struct kf_snapshot *snapshot, struct kf_error *e)
{
	struct kf_service *s = service;

	return kf_describe(s, ask, snapshot, e);
}

void kf_service_take_triggers(struct kf_service *s)
{
	struct kf_ask ask = { 0 };

	while (kf_recorder_next_trigger(s->recorder, &ask.trigger)) {
		if (!kf_service_is_idle(s)) /* cannot be: the gate is shut until we are idle again */
			continue;
		ask.reason[0] = 0;
		if (ask.trigger.rule)
			kf_aggregates_why(s->aggregates, ask.trigger.rule - 1, ask.reason, sizeof(ask.reason));
		s->cooldown_until_ns = ask.trigger.ts_ns + s->cooldown_ns;
		begin(s, &ask);
	}
}

void kf_service_aggregate_fired(void *service, const struct kf_trigger *trigger, const char *text)
{
	struct kf_service *s = service;
	struct kf_ask ask = { .trigger = *trigger };

	snprintf(ask.reason, sizeof(ask.reason), "%s", text);
	s->cooldown_until_ns = trigger->ts_ns + s->cooldown_ns;
	begin(s, &ask);
}

static bool filters_one_process(const struct kf_filter_spec *filter)
{
	return filter && filter->n_pids == 1 && !filter->n_tids && !filter->n_comms && !filter->n_cgroups;
}

/* Whom a request is about: the command of `run`, or the only process of the filter. (Whose name the task scan tells.) */
static void set_subject(struct kf_trigger *trigger, const struct kf_service_options *opts)
{
	const char *slash;

	if (filters_one_process(opts->filter))
		trigger->tid = trigger->tgid = opts->filter->pids[0];
	if (opts->child <= 0)
		return;
	slash = strrchr(opts->child_name, '/');
	trigger->tid = trigger->tgid = (uint32_t)opts->child;
	snprintf(trigger->comm, sizeof(trigger->comm), "%s", slash ? slash + 1 : opts->child_name);
	memcpy(trigger->process_comm, trigger->comm, sizeof(trigger->process_comm));
}

const char *kf_service_request(struct kf_service *s, struct kf_ask *ask)
{
	struct kf_error e;
	int held;

	kf_service_take_triggers(s); /* one may have fired that we have not yet seen: it came first */
	if (!kf_service_is_idle(s))
		return kf_saving_state(s->saving) == KF_SAVING_AFTER
			       ? "another snapshot is collecting its time after the trigger"
			       : "another snapshot is being written";
	held = kf_recorder_hold(s->recorder, &ask->trigger, &e);
	if (held > 0)
		return "a trigger has just fired";
	if (held < 0) {
		kf_error_print(&e);
		return "the window could not be held";
	}
	set_subject(&ask->trigger, s->opts);
	begin(s, ask);
	return NULL;
}

bool kf_service_request_for(struct kf_service *s, const char *reason)
{
	struct kf_ask ask = { 0 };
	const char *why;

	snprintf(ask.reason, sizeof(ask.reason), "%s", reason);
	why = kf_service_request(s, &ask);
	if (!why)
		return true;
	kf_status_line_clear(s->status_line);
	kf_note("busy: %s", why);
	return false;
}

int kf_service_open_snapshots(struct kf_service *s, struct kf_error *e)
{
	const struct kf_saving_options saving = {
		.recorder = s->recorder,
		.events = s->events,
		.files = { .dir = s->opts->dir,
			   .retention = s->retention,
			   .space = s->opts->daemon.space,
			   .opener = s->opts->opener },
		.after_ns = s->opts->after_ns,
		.context = s,
		.describe = on_describe,
		.done = on_done,
	};

	return kf_saving_new(&s->saving, &saving, e);
}
