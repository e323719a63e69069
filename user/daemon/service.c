/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/service.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/filter_spec.h"
#include "capture/recorder.h"
#include "daemon/control.h"
#include "daemon/describe.h"
#include "daemon/events.h"
#include "daemon/metrics.h"
#include "daemon/output_dir.h"
#include "daemon/saving.h"
#include "daemon/signals.h"
#include "daemon/status.h"
#include "daemon/status_line.h"
#include "daemon/watched_pids.h"
#include "daemon/written.h"
#include "snapshot/trigger_kind.h"

#define NS_PER_S 1000000000ULL

struct service {
	struct kf_recorder *recorder;
	const struct kf_service_options *opts;
	struct kf_service_result *result;
	struct kf_events *events;
	struct kf_signals *signals;
	struct kf_saving *saving;
	struct kf_control_calls calls;
	struct kf_control_server *control;
	struct kf_written *files;
	struct kf_status_seen seen;
	struct kf_watched_pids *pids;
	struct kf_status_line *status_line;
	struct kf_timer *end, *status, *checks;

	uint64_t by_trigger; /* snapshots written so far */
	uint64_t cooldown_until_ns;
	bool ending, last_taken, stop, told_limits;
};

static bool is_idle(const struct service *s)
{
	return kf_saving_state(s->saving) == KF_SAVING_IDLE;
}

/* Lets triggers through again. */
static void rearm(struct service *s)
{
	if (s->opts->count && s->by_trigger >= s->opts->count)
		s->ending = true;
	if (s->ending)
		kf_recorder_disarm(s->recorder);
	else
		kf_recorder_arm(s->recorder, s->cooldown_until_ns);
}

/* Once: what the filter names, but triggers cannot see. */
static void tell_limits(struct service *s)
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

static void lost(struct service *s, const struct kf_ask *ask, const struct kf_error *e)
{
	if (s->ending || kf_saving_failure_is_news(s->saving)) {
		kf_error_print(e);
		kf_note(s->ending ? "this snapshot is lost" : "this snapshot is lost, recording goes on");
	}
	s->result->failed++;
	if (ask->client)
		kf_control_refuse(s->control, ask->client, KF_REFUSED_FAILED, e->message, 0);
}

static void written(struct service *s, const struct kf_ask *ask, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", s->opts->output_dir, name);
	printf("%s\n", path);
	fflush(stdout);
	tell_limits(s);
	s->result->written++;
	snprintf(s->result->last_name, sizeof(s->result->last_name), "%s", name);
	s->by_trigger += ask->trigger.kind != KF_TRIGGER_REQUEST;
	kf_written_add(s->files, name, kf_trigger_kind_name(ask->trigger.kind), ask->reason);
	snprintf(path, sizeof(path), "%s/%s", kf_output_dir_path(s->opts->dir), name);
	if (ask->client)
		kf_control_written(s->control, ask->client, path);
}

static void on_done(void *service, const struct kf_ask *ask, const char *name, const struct kf_error *e)
{
	struct service *s = service;

	kf_status_line_clear(s->status_line);
	if (name)
		written(s, ask, name);
	else
		lost(s, ask, e);
	rearm(s);
}

static int on_describe(void *service, const struct kf_ask *ask, struct kf_snapshot *snapshot, struct kf_error *e)
{
	struct service *s = service;

	return kf_describe(s->opts, ask, snapshot, e);
}

static void on_trigger(void *service)
{
	struct service *s = service;
	struct kf_ask ask = { 0 };

	while (kf_recorder_next_trigger(s->recorder, &ask.trigger)) {
		if (!is_idle(s)) /* cannot be: the gate is shut until we are idle again */
			continue;
		s->cooldown_until_ns = ask.trigger.ts_ns + s->opts->cooldown_ns;
		kf_saving_begin(s->saving, &ask, s->ending);
	}
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

/* Begins a snapshot that somebody wants. Returns NULL, or why not. */
static const char *request(struct service *s, struct kf_ask *ask)
{
	struct kf_error e;
	int held;

	on_trigger(s); /* one may have fired that we have not yet seen: it came first */
	if (!is_idle(s))
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
	kf_saving_begin(s->saving, ask, s->ending);
	return NULL;
}

/* Without anybody who waits for an answer. */
static bool request_for(struct service *s, const char *reason)
{
	struct kf_ask ask = { 0 };
	const char *why;

	snprintf(ask.reason, sizeof(ask.reason), "%s", reason);
	why = request(s, &ask);
	if (!why)
		return true;
	kf_status_line_clear(s->status_line);
	kf_note("busy: %s", why);
	return false;
}

static void on_wish(void *service, const struct kf_snapshot_wish *wish, kf_request client)
{
	struct service *s = service;
	struct kf_ask ask = { .client = client, .by = *wish->from };
	const char *why;

	snprintf(ask.reason, sizeof(ask.reason), "%s", wish->reason[0] ? wish->reason : "snapshot command");
	memcpy(ask.trace_id, wish->trace_id, sizeof(ask.trace_id));
	memcpy(ask.span_id, wish->span_id, sizeof(ask.span_id));
	why = request(s, &ask);
	if (why)
		kf_control_refuse(s->control, client, KF_REFUSED_BUSY, why, 1);
}

static int take_status(struct service *s, struct kf_daemon_status *status)
{
	*status = (struct kf_daemon_status){
		.version = KF_VERSION,
		.state = kf_saving_state_name(kf_saving_state(s->saving)),
		.filter = s->opts->filter ? s->opts->filter->text : "",
		.ring_bytes = kf_recorder_ring_bytes(s->recorder),
		.snapshots_written = s->result->written,
		.snapshots_failed = s->result->failed,
		.last_snapshot = s->result->last_name,
		.cost_ppm = UINT32_MAX,
	};
	for (int i = 0; i < KF_REQUEST_RESULTS; i++)
		status->requests[i] = kf_control_count(s->control, (enum kf_request_result)i);
	if (kf_status_take_recorder(status, s->recorder, NULL, NULL))
		return -1;
	kf_status_take_self(status);
	kf_status_look(&s->seen, status);
	return 0;
}

static json_t *on_status_wish(void *service)
{
	struct kf_daemon_status status;
	json_t *json;

	if (take_status(service, &status))
		return NULL;
	json = kf_status_json(&status);
	kf_status_release(&status);
	return json;
}

static char *on_metrics_wish(void *service)
{
	struct kf_daemon_status status;
	char *text;

	if (take_status(service, &status))
		return NULL;
	text = kf_metrics_text(&status, NULL);
	kf_status_release(&status);
	return text;
}

static json_t *on_files_wish(void *service)
{
	const struct service *s = service;

	return kf_written_json(s->files);
}

/* Stop as soon as the snapshot in progress is done; do not wait for its --after. */
static void end(struct service *s)
{
	s->ending = true;
	kf_saving_hurry(s->saving);
}

static void on_end(void *service)
{
	end(service);
}

static void on_child(struct service *s)
{
	int status;

	if (s->opts->child > 0 && waitpid(s->opts->child, &status, WNOHANG) == s->opts->child) {
		s->result->child_ended = true;
		s->result->child_status = status;
		end(s);
	}
}

static void on_signal(void *service, int signal)
{
	struct service *s = service;

	switch (signal) {
	case SIGUSR1:
		request_for(s, "SIGUSR1");
		break;
	case SIGCHLD:
		on_child(s);
		break;
	case SIGTERM:
	case SIGHUP:
		if (s->opts->child > 0) /* its end will be ours */
			kill(s->opts->child, signal);
		else
			end(s);
		break;
	case SIGINT:
		/* From a terminal the child got its own. */
		if (s->opts->child <= 0)
			end(s);
		break;
	}
}

static void on_checks(void *service)
{
	struct service *s = service;

	kf_recorder_check(s->recorder);
}

static void on_status(void *service)
{
	struct service *s = service;
	struct kf_recorder_status now;

	kf_recorder_status(s->recorder, &now);
	kf_status_line_show(s->status_line, &now, s->result->written);
}

static void on_pids(void *service)
{
	struct service *s = service;

	kf_status_line_clear(s->status_line);
	kf_watched_pids_report(s->pids);
}

/* Ending and nothing in progress: the last snapshot, if one is wanted, then stop. */
static void step_towards_end(struct service *s)
{
	if (!s->ending || !is_idle(s))
		return;
	kf_recorder_disarm(s->recorder);
	on_trigger(s); /* one may have fired just before that */
	if (!is_idle(s) || s->stop)
		return;
	if (!s->opts->last_snapshot || s->last_taken) {
		s->stop = true;
		return;
	}
	s->last_taken = true;
	if (!request_for(s, "end of recording")) {
		s->result->failed++;
		s->stop = true;
	}
}

static int open_control(struct service *s, struct kf_error *e)
{
	const struct kf_control_options options = { .path = s->opts->socket };

	s->calls = (struct kf_control_calls){
		.context = s,
		.snapshot = on_wish,
		.status = on_status_wish,
		.snapshots = on_files_wish,
		.metrics = on_metrics_wish,
	};
	return s->opts->socket ? kf_control_new(&s->control, &options, &s->calls, s->events, e) : 0;
}

static int open_parts(struct service *s, struct kf_error *e)
{
	const struct kf_saving_options saving = {
		.recorder = s->recorder,
		.files = { .dir = s->opts->dir },
		.after_ns = s->opts->after_ns,
		.context = s,
		.describe = on_describe,
		.done = on_done,
	};
	struct kf_saving_options with_events = saving;

	if (kf_events_new(&s->events, e))
		return -1;
	with_events.events = s->events;
	if (kf_signals_new(&s->signals, s->events, on_signal, s, e) || kf_saving_new(&s->saving, &with_events, e) ||
	    kf_events_timer(s->events, on_end, s, &s->end, e) ||
	    kf_events_timer(s->events, on_status, s, &s->status, e) ||
	    kf_events_timer(s->events, on_checks, s, &s->checks, e) ||
	    kf_watched_pids_new(&s->pids, s->opts->filter, s->opts->child, e) ||
	    kf_status_line_new(&s->status_line, e) ||
	    kf_events_watch(s->events, kf_recorder_trigger_fd(s->recorder), on_trigger, s, e) ||
	    kf_events_watch(s->events, kf_watched_pids_fd(s->pids), on_pids, s, e))
		return -1;
	return kf_written_new(&s->files, s->opts->dir, e) || open_control(s, e);
}

static void close_parts(struct service *s)
{
	kf_saving_free(&s->saving);
	kf_status_line_free(&s->status_line);
	kf_watched_pids_free(&s->pids);
	kf_control_free(&s->control);
	kf_written_free(&s->files);
	kf_signals_free(&s->signals);
	kf_events_free(&s->events);
}

/* Only where BPF could not have a timer of its own. */
static void start_checks(const struct service *s)
{
	uint64_t every_ns = kf_recorder_check_every_ns(s->recorder);

	if (!every_ns)
		return;
	kf_timer_set(s->checks, kf_now_ns() + every_ns, every_ns);
	kf_note("the kernel has no memory for a BPF timer now: open waits are looked at from user space, every %" PRIu64
		" ms",
		every_ns / 1000000);
}

static void start(const struct service *s)
{
	if (s->opts->duration_ns)
		kf_timer_set(s->end, kf_now_ns() + s->opts->duration_ns, 0);
	if (s->opts->status_line)
		kf_timer_set(s->status, kf_now_ns() + NS_PER_S, NS_PER_S);
	start_checks(s);
	kf_recorder_arm(s->recorder, 0);
}

int kf_service_run(struct kf_recorder *recorder, const struct kf_service_options *opts,
		   struct kf_service_result *result, struct kf_error *e)
{
	struct service s = { .recorder = recorder, .opts = opts, .result = result };
	int failed = open_parts(&s, e);

	if (!failed)
		start(&s);
	while (!failed && !s.stop) {
		failed = kf_events_step(s.events, e);
		step_towards_end(&s);
	}
	kf_recorder_disarm(recorder);
	close_parts(&s);
	return failed;
}
