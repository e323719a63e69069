/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/service.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/filter_spec.h"
#include "capture/recorder.h"
#include "daemon/aggregates.h"
#include "daemon/budget.h"
#include "daemon/control.h"
#include "daemon/events.h"
#include "daemon/history.h"
#include "daemon/hooks.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/output_dir.h"
#include "daemon/rights.h"
#include "daemon/service_internal.h"
#include "daemon/signals.h"
#include "daemon/status_line.h"
#include "daemon/watchdog.h"
#include "daemon/watched_pids.h"
#include "daemon/writer.h"
#include "expr/trigger_set.h"

#define NS_PER_S       1000000000ULL
#define SWEEP_EVERY_NS (3600 * NS_PER_S)
/* Who was told to end lets hooks go on for so long; who ends by itself waits for a command's whole time, and this. */
#define HOOKS_PATIENCE_NS (10 * NS_PER_S)

/* Stop as soon as the snapshot in progress is done; do not wait for its --after. */
static void end(struct kf_service *s)
{
	if (!s->ending)
		kf_notify_stopping(s->opts->notify, "ending");
	s->ending = true;
	kf_saving_hurry(s->saving);
}

/* By a signal. The second time nothing is waited for any more. */
static void told_to_end(struct kf_service *s)
{
	if (s->told_to_end)
		s->give_up_ns = kf_now_ns();
	s->told_to_end = true;
	end(s);
}

static void on_trigger(void *service)
{
	kf_service_take_triggers(service);
}

static void on_end(void *service)
{
	end(service);
}

static void on_child(struct kf_service *s)
{
	int status;

	if (s->opts->child > 0 && waitpid(s->opts->child, &status, WNOHANG) == s->opts->child) {
		s->result->child_ended = true;
		s->result->child_status = status;
		end(s);
	}
}

static void on_hang_up(struct kf_service *s)
{
	if (!s->opts->reload) {
		told_to_end(s);
		return;
	}
	kf_notify_reloading(s->opts->notify);
	s->opts->reload(s->opts->context, s);
	kf_notify_ready(s->opts->notify, "recording");
}

static void on_signal(void *service, int signal)
{
	struct kf_service *s = service;
	bool has_child = s->opts->child > 0;

	switch (signal) {
	case SIGUSR1:
		kf_service_request_for(s, "SIGUSR1");
		break;
	case SIGCHLD:
		on_child(s);
		break;
	case SIGTERM:
	case SIGHUP:
		if (has_child) /* its end will be ours */
			kill(s->opts->child, signal);
		else if (signal == SIGHUP)
			on_hang_up(s);
		else
			told_to_end(s);
		break;
	case SIGINT:
		/* From a terminal the child got its own. */
		if (!has_child)
			told_to_end(s);
		break;
	}
}

static void on_checks(void *service)
{
	struct kf_service *s = service;

	kf_recorder_check(s->recorder);
}

static void on_status(void *service)
{
	struct kf_service *s = service;
	struct kf_recorder_status now;

	kf_recorder_status(s->recorder, &now);
	kf_status_line_show(s->status_line, &now, s->result->written);
}

static void on_pids(void *service)
{
	struct kf_service *s = service;

	kf_status_line_clear(s->status_line);
	kf_watched_pids_report(s->pids);
}

static void on_sweep(void *service)
{
	struct kf_service *s = service;

	kf_writer_sweep(kf_saving_writer(s->saving));
}

static void on_shipped(void *service, const char *name)
{
	struct kf_service *s = service;

	if (s->retention)
		kf_retention_release(s->retention, name);
}

static uint64_t hooks_patience_ns(const struct kf_service *s)
{
	uint64_t timeout_ns = s->opts->daemon.exec_timeout_ns;

	if (s->told_to_end)
		return HOOKS_PATIENCE_NS;
	return (timeout_ns ? timeout_ns : KF_EXEC_TIMEOUT_NS) + HOOKS_PATIENCE_NS;
}

/* What still ships gets a little time. */
static void wait_for_hooks(struct kf_service *s)
{
	uint64_t now_ns = kf_now_ns();

	if (!s->give_up_ns) {
		s->give_up_ns = now_ns + hooks_patience_ns(s);
		kf_timer_set(s->end, s->give_up_ns, 0); /* wakes the loop */
	}
	if (!s->opts->hooks || kf_hooks_is_idle(s->opts->hooks) || now_ns >= s->give_up_ns)
		s->stop = true;
}

/* Ending and nothing in progress: the last snapshot, if one is wanted, then stop. */
static void step_towards_end(struct kf_service *s)
{
	if (!s->ending || !kf_service_is_idle(s))
		return;
	kf_recorder_disarm(s->recorder);
	kf_service_take_triggers(s); /* one may have fired just before that */
	if (!kf_service_is_idle(s) || s->stop)
		return;
	if (!s->opts->last_snapshot || s->last_taken) {
		wait_for_hooks(s);
		return;
	}
	s->last_taken = true;
	if (!kf_service_request_for(s, "end of recording")) {
		s->result->failed++;
		wait_for_hooks(s);
	}
}

static int open_timers(struct kf_service *s, struct kf_error *e)
{
	return kf_events_timer(s->events, on_end, s, &s->end, e) ||
	       kf_events_timer(s->events, on_status, s, &s->status, e) ||
	       kf_events_timer(s->events, on_checks, s, &s->checks, e) ||
	       kf_events_timer(s->events, on_sweep, s, &s->sweep, e);
}

static int open_files(struct kf_service *s, struct kf_error *e)
{
	const struct kf_daemon_options *daemon = &s->opts->daemon;
	int dir_fd = kf_output_dir_fd(s->opts->dir);

	if (kf_history_new(&s->history, e) || kf_limits_new(&s->limits, daemon->limit, e) ||
	    (daemon->keeps && kf_retention_new(&s->retention, &daemon->keep, dir_fd, e)))
		return -1;
	kf_limits_recall(s->limits, dir_fd, s->started_ns);
	return kf_service_open_snapshots(s, e);
}

static int open_watchers(struct kf_service *s, struct kf_error *e)
{
	const struct kf_service_options *opts = s->opts;
	const struct kf_budget_options budget = {
		.budget_ppm = opts->daemon.budget_ppm,
		.records_syscalls = opts->records_syscalls,
		.records_interrupts = opts->records_interrupts,
	};

	if (kf_watched_pids_new(&s->pids, opts->filter, opts->child, e) || kf_status_line_new(&s->status_line, e) ||
	    kf_events_watch(s->events, kf_recorder_trigger_fd(s->recorder), on_trigger, s, e) ||
	    kf_events_watch(s->events, kf_watched_pids_fd(s->pids), on_pids, s, e) ||
	    kf_aggregates_new(&s->aggregates, s->events, s->recorder, opts->triggers, kf_service_aggregate_fired, s, e))
		return -1;
	if (budget.budget_ppm != KF_BUDGET_OFF && kf_budget_new(&s->budget, &budget, s->recorder, s->events, e))
		return -1;
	return kf_hooks_watch(opts->hooks, s->events, on_shipped, s, e);
}

static int open_parts(struct kf_service *s, struct kf_error *e)
{
	if (kf_events_new(&s->events, e) || kf_signals_new(&s->signals, s->events, on_signal, s, e) ||
	    open_timers(s, e) || open_files(s, e) || open_watchers(s, e) || kf_service_open_control(s, e))
		return -1;
	if (s->opts->log && kf_log_watch(s->opts->log, s->events, e))
		return -1;
	return s->opts->notify ? kf_watchdog_start(s->events, s->opts->notify, e) : 0;
}

static int drop_rights(const struct kf_service *s, struct kf_error *e)
{
	const struct kf_rights_options rights = {
		.output_fd = kf_output_dir_fd(s->opts->dir),
		.has_opener = s->opts->opener != NULL,
		.has_hooks = s->opts->hooks != NULL,
	};

	return s->opts->drops_rights ? kf_rights_drop(&rights, e) : 0;
}

static void close_parts(struct kf_service *s)
{
	if (s->opts->log)
		kf_log_watch(s->opts->log, NULL, NULL);
	kf_control_free(&s->control);
	kf_budget_free(&s->budget);
	kf_aggregates_free(&s->aggregates);
	kf_saving_free(&s->saving);
	kf_retention_free(&s->retention);
	kf_limits_free(&s->limits);
	kf_history_free(&s->history);
	kf_status_line_free(&s->status_line);
	kf_watched_pids_free(&s->pids);
	kf_signals_free(&s->signals);
	kf_events_free(&s->events);
}

/* Only where BPF could not have a timer of its own. */
static void set_checks(const struct kf_service *s)
{
	uint64_t every_ns = kf_recorder_check_every_ns(s->recorder);

	if (every_ns)
		kf_timer_set(s->checks, kf_now_ns() + every_ns, every_ns);
}

static void tell_checks(const struct kf_service *s)
{
	uint64_t every_ns = kf_recorder_check_every_ns(s->recorder);

	if (!every_ns)
		return;
	kf_note("the kernel has no memory for a BPF timer now: open waits are looked at from user space, every %" PRIu64
		" ms",
		every_ns / 1000000);
}

static void start(const struct kf_service *s)
{
	uint64_t now_ns = kf_now_ns();

	if (s->opts->duration_ns)
		kf_timer_set(s->end, now_ns + s->opts->duration_ns, 0);
	if (s->opts->status_line)
		kf_timer_set(s->status, now_ns + NS_PER_S, NS_PER_S);
	if (s->retention)
		kf_timer_set(s->sweep, now_ns + SWEEP_EVERY_NS, SWEEP_EVERY_NS);
	set_checks(s);
	tell_checks(s);
	kf_recorder_limit(s->recorder, -1, kf_limits_until(s->limits, now_ns));
	kf_recorder_arm(s->recorder, 0);
	if (s->opts->tell)
		s->opts->tell(s->opts->recording);
	kf_notify_ready(s->opts->notify, "recording");
}

void kf_service_rule_changed(struct kf_service *s, int rule)
{
	kf_recorder_change_rule(s->recorder, s->opts->triggers, rule);
	kf_aggregates_change(s->aggregates, rule);
	set_checks(s);
}

void kf_service_change(struct kf_service *s, const struct kf_service_change *now)
{
	struct kf_error e;

	s->cooldown_ns = now->cooldown_ns;
	for (size_t i = 0; i < s->opts->triggers->n_rules; i++)
		kf_service_rule_changed(s, (int)i);
	if (kf_limits_change(&s->limits, now->limit, &e)) { /* out of memory: the old ones are better than none */
		kf_error_print(&e);
		return;
	}
	kf_recorder_limit(s->recorder, -1, kf_limits_until(s->limits, kf_now_ns()));
}

int kf_service_run(struct kf_recorder *recorder, const struct kf_service_options *opts,
		   struct kf_service_result *result, struct kf_error *e)
{
	struct kf_service s = { .recorder = recorder, .opts = opts, .result = result };
	struct utsname host;
	int failed;

	s.started_ns = kf_now_ns();
	s.cooldown_ns = opts->cooldown_ns;
	if (!uname(&host))
		snprintf(s.host, sizeof(s.host), "%s", host.nodename);
	failed = open_parts(&s, e) || drop_rights(&s, e) ? -1 : 0;
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
