/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/service.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/control.h"
#include "capture/filter_spec.h"
#include "capture/recorder.h"
#include "daemon/status_line.h"
#include "capture/trigger_spec.h"
#include "daemon/watched_pids.h"
#include "daemon/writer.h"
#include "snapshot/snapshot.h"

#define NS_PER_S 1000000000ULL

enum state { IDLE, AFTER, WRITING };

/* Event sources, as epoll data. */
enum source { TRIGGER, SIGNAL, AFTER_TIMER, END_TIMER, STATUS_TIMER, CHECK_TIMER, CONTROL, WRITER, PIDS, SOURCES };

struct service {
	struct kf_recorder *recorder;
	const struct kf_service_options *opts;
	struct kf_service_result *result;
	struct kf_writer *writer;
	struct kf_control *control;
	struct kf_watched_pids *pids;
	struct kf_status_line *status_line;
	int epoll, signal_fd, after_fd, end_fd, status_fd, check_fd;

	enum state state;
	struct kf_trigger trigger; /* of the snapshot in progress */
	char reason[512];	   /* ... if it was requested */
	kf_request client;	   /* ... by a client who waits for the answer, 0 none */
	uint64_t by_trigger;	   /* snapshots written so far */
	uint64_t cooldown_until_ns;
	bool ending, last_taken, stop, told_limits;
};

static bool watch(struct service *s, int fd, enum source source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = source };

	return fd >= 0 && !epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void set_timer(int fd, uint64_t at_ns, uint64_t every_ns, int flags)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S },
		.it_interval = { .tv_sec = every_ns / NS_PER_S, .tv_nsec = every_ns % NS_PER_S },
	};

	timerfd_settime(fd, flags, &when, NULL);
}

static void drain(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return; /* spurious: nothing to drain */
}

/* Ends the snapshot in progress, for good or bad, and lets triggers through again. */
static void to_idle(struct service *s)
{
	s->state = IDLE;
	s->client = 0;
	s->reason[0] = 0;
	if (s->opts->count && s->by_trigger >= s->opts->count)
		s->ending = true;
	if (s->ending)
		kf_recorder_disarm(s->recorder);
	else
		kf_recorder_arm(s->recorder, s->cooldown_until_ns);
}

static void lost(struct service *s, const struct kf_error *e)
{
	kf_status_line_clear(s->status_line);
	kf_error_print(e);
	kf_note(s->ending ? "this snapshot is lost" : "this snapshot is lost, recording goes on");
	s->result->failed++;
	if (s->client)
		kf_control_answer_error(s->control, s->client, "failed", e->message);
	to_idle(s);
}

static int describe(const struct service *s, struct kf_snapshot *snapshot)
{
	const struct kf_filter_spec *filter = s->opts->filter;
	struct utsname host;

	if (uname(&host))
		return -1;
	return kf_snapshot_set(&snapshot->version, KF_VERSION) || kf_snapshot_set(&snapshot->host, host.nodename) ||
	       kf_snapshot_set(&snapshot->kernel, host.release) || kf_snapshot_set(&snapshot->machine, host.machine) ||
	       kf_snapshot_set(&snapshot->filter, filter ? filter->text : NULL) ||
	       kf_snapshot_set(&snapshot->triggers, s->opts->triggers ? s->opts->triggers->text : NULL) ||
	       kf_snapshot_set(&snapshot->reason, s->reason);
}

static void copy_and_write(struct service *s)
{
	struct kf_snapshot *snapshot = NULL;
	struct kf_error e;

	s->state = WRITING;
	set_timer(s->after_fd, 0, 0, 0);
	if (kf_recorder_copy(s->recorder, &s->trigger, &snapshot, &e)) {
		lost(s, &e);
		return;
	}
	if (describe(s, snapshot)) {
		kf_snapshot_free(&snapshot);
		kf_fail_memory(&e, "a snapshot");
		lost(s, &e);
		return;
	}
	if (kf_writer_start(s->writer, &snapshot, &e))
		lost(s, &e);
}

/* The window is held. */
static void begin(struct service *s)
{
	if (s->opts->after_ns && !s->ending) {
		s->state = AFTER;
		set_timer(s->after_fd, s->trigger.ts_ns + s->opts->after_ns, 0, TFD_TIMER_ABSTIME);
	} else {
		copy_and_write(s);
	}
}

static void on_trigger(struct service *s)
{
	struct kf_trigger trigger;

	while (kf_recorder_next_trigger(s->recorder, &trigger)) {
		if (s->state != IDLE) /* cannot be: the gate is shut until we are idle again */
			continue;
		s->trigger = trigger;
		s->cooldown_until_ns = trigger.ts_ns + s->opts->cooldown_ns;
		begin(s);
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
	trigger->tid = trigger->tgid = opts->child;
	snprintf(trigger->comm, sizeof(trigger->comm), "%s", slash ? slash + 1 : opts->child_name);
	memcpy(trigger->process_comm, trigger->comm, sizeof(trigger->process_comm));
}

/* Returns NULL, or why not. */
static const char *request(struct service *s, const char *reason, kf_request client)
{
	struct kf_error e;
	int held;

	on_trigger(s); /* one may have fired that we have not yet seen: it came first */
	if (s->state != IDLE)
		return s->state == AFTER ? "another snapshot is collecting its time after the trigger"
					 : "another snapshot is being written";
	held = kf_recorder_hold(s->recorder, &s->trigger, &e);
	if (held > 0)
		return "a trigger has just fired";
	if (held < 0) {
		kf_error_print(&e);
		return "the window could not be held";
	}
	set_subject(&s->trigger, s->opts);
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	s->client = client;
	begin(s);
	return NULL;
}

static void note_busy(struct service *s, const char *why)
{
	kf_status_line_clear(s->status_line);
	kf_note("busy: %s", why);
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

static void on_written(struct service *s)
{
	struct kf_error e;
	const char *name = kf_writer_finish(s->writer, &e);
	char path[4096];

	if (!name) {
		lost(s, &e);
		return;
	}
	kf_status_line_clear(s->status_line);
	snprintf(path, sizeof(path), "%s/%s", s->opts->output_dir, name);
	printf("%s\n", path);
	fflush(stdout);
	tell_limits(s);
	s->result->written++;
	snprintf(s->result->last_name, sizeof(s->result->last_name), "%s", name);
	s->by_trigger += s->trigger.kind != KF_TRIGGER_REQUEST;
	if (s->client)
		kf_control_answer_path(s->control, s->client, path);
	to_idle(s);
}

/* Stop as soon as the snapshot in progress is done; do not wait for its --after. */
static void end(struct service *s)
{
	s->ending = true;
	if (s->state == AFTER)
		copy_and_write(s);
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

static void on_signal(struct service *s)
{
	struct signalfd_siginfo info;
	const char *why;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGUSR1:
		why = request(s, "SIGUSR1", 0);
		if (why)
			note_busy(s, why);
		break;
	case SIGCHLD:
		on_child(s);
		break;
	case SIGTERM:
		if (s->opts->child > 0) /* its end will be ours */
			kill(s->opts->child, SIGTERM);
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

static void on_request(void *service, const char *reason, kf_request client)
{
	struct service *s = service;
	const char *why = request(s, reason && *reason ? reason : "snapshot command", client);

	if (why)
		kf_control_answer_error(s->control, client, "busy", why);
}

static const char *state_name(enum state state)
{
	static const char *const names[] = { [IDLE] = "recording", [AFTER] = "after", [WRITING] = "writing" };

	return names[state];
}

static json_t *on_status(void *service)
{
	struct service *s = service;
	struct kf_recorder_status now;

	kf_recorder_status(s->recorder, &now);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "state",
			 state_name(s->state), "slots_written", (json_int_t)now.slots_written, "records_dropped",
			 (json_int_t)now.records_dropped, "window_held_ns", (json_int_t)now.window_held_ns, "hits",
			 (json_int_t)now.hits, "unwatched", (json_int_t)now.unwatched, "unfollowed",
			 (json_int_t)now.unfollowed, "checks", (json_int_t)now.checks, "check_ns",
			 (json_int_t)now.check_ns, "cooling", (json_int_t)now.cooling, "busy", (json_int_t)now.busy,
			 "snapshots", (json_int_t)s->result->written, "ring_bytes",
			 (json_int_t)kf_recorder_ring_bytes(s->recorder));
}

static void on_event(struct service *s, enum source source)
{
	const struct kf_control_handlers handlers = { .context = s, .snapshot = on_request, .status = on_status };
	struct kf_recorder_status now;

	switch (source) {
	case TRIGGER:
		on_trigger(s);
		break;
	case SIGNAL:
		on_signal(s);
		break;
	case AFTER_TIMER:
		drain(s->after_fd);
		if (s->state == AFTER)
			copy_and_write(s);
		break;
	case END_TIMER:
		drain(s->end_fd);
		end(s);
		break;
	case CHECK_TIMER:
		drain(s->check_fd);
		kf_recorder_check(s->recorder);
		break;
	case STATUS_TIMER:
		drain(s->status_fd);
		kf_recorder_status(s->recorder, &now);
		kf_status_line_show(s->status_line, &now, s->result->written);
		break;
	case CONTROL:
		kf_control_step(s->control, &handlers);
		break;
	case WRITER:
		on_written(s);
		break;
	case PIDS:
		kf_status_line_clear(s->status_line);
		kf_watched_pids_report(s->pids);
		break;
	case SOURCES:
		break;
	}
}

/* Ending and nothing in progress: the last snapshot, if one is wanted, then stop. */
static void step_towards_end(struct service *s)
{
	if (!s->ending || s->state != IDLE)
		return;
	kf_recorder_disarm(s->recorder);
	on_trigger(s); /* one may have fired just before that */
	if (s->state != IDLE || s->stop)
		return;
	if (!s->opts->last_snapshot || s->last_taken) {
		s->stop = true;
		return;
	}
	s->last_taken = true;
	if (request(s, "end of recording", 0)) {
		s->result->failed++; /* it was told why */
		s->stop = true;
	}
}

static int loop(struct service *s, struct kf_error *e)
{
	struct epoll_event events[SOURCES];

	while (!s->stop) {
		int n = epoll_wait(s->epoll, events, SOURCES, -1);

		if (n < 0 && errno != EINTR)
			return kf_fail_errno(e, errno, NULL, "cannot wait for events");
		for (int i = 0; i < n; i++)
			on_event(s, events[i].data.u32);
		step_towards_end(s);
	}
	return 0;
}

static void fill_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
}

void kf_service_block_signals(void)
{
	sigset_t set;

	fill_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int open_signals(void)
{
	sigset_t set;

	fill_signals(&set);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_sources(struct service *s, struct kf_error *e)
{
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->signal_fd = open_signals();
	s->after_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->end_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->status_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->check_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (kf_writer_new(&s->writer, s->opts->output_dir_fd, e) ||
	    kf_watched_pids_new(&s->pids, s->opts->filter, s->opts->child, e) ||
	    kf_status_line_new(&s->status_line, e) ||
	    (s->opts->socket && kf_control_open(&s->control, s->opts->socket, e)))
		return -1;
	if (!watch(s, kf_recorder_trigger_fd(s->recorder), TRIGGER) || !watch(s, s->signal_fd, SIGNAL) ||
	    !watch(s, s->after_fd, AFTER_TIMER) || !watch(s, s->end_fd, END_TIMER) ||
	    !watch(s, s->status_fd, STATUS_TIMER) || !watch(s, s->check_fd, CHECK_TIMER) ||
	    !watch(s, kf_writer_fd(s->writer), WRITER) || !watch(s, kf_watched_pids_fd(s->pids), PIDS) ||
	    (s->control && !watch(s, kf_control_fd(s->control), CONTROL)))
		return kf_fail_errno(e, errno, NULL, "cannot watch for events");
	return 0;
}

static void close_sources(struct service *s)
{
	int fds[] = { s->epoll, s->signal_fd, s->after_fd, s->end_fd, s->status_fd, s->check_fd };

	kf_status_line_free(&s->status_line);
	kf_writer_free(&s->writer);
	kf_watched_pids_free(&s->pids);
	kf_control_close(&s->control);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Only where BPF could not have a timer of its own. */
static void start_checks(const struct service *s)
{
	uint64_t every_ns = kf_recorder_check_every_ns(s->recorder);

	if (!every_ns)
		return;
	set_timer(s->check_fd, every_ns, every_ns, 0);
	kf_note("the kernel has no memory for a BPF timer now: open waits are looked at from user space, every %" PRIu64
		" ms",
		every_ns / 1000000);
}

int kf_service_run(struct kf_recorder *recorder, const struct kf_service_options *opts,
		   struct kf_service_result *result, struct kf_error *e)
{
	struct service s = { .recorder = recorder, .opts = opts, .result = result, .epoll = -1, .signal_fd = -1 };
	int failed;

	s.after_fd = s.end_fd = s.status_fd = s.check_fd = -1;
	failed = open_sources(&s, e);
	if (!failed) {
		if (opts->duration_ns)
			set_timer(s.end_fd, opts->duration_ns, 0, 0);
		if (opts->status_line)
			set_timer(s.status_fd, NS_PER_S, NS_PER_S, 0);
		start_checks(&s);
		kf_recorder_arm(recorder, 0);
		failed = loop(&s, e);
	}
	kf_recorder_disarm(recorder);
	close_sources(&s);
	return failed;
}
