/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/hooks.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "base/text.h"
#include "base/units.h"
#include "daemon/events.h"
#include "daemon/hook_runner.h"

#define FREE_WAIT_NS (KF_CHILD_GRACE_NS + 1000000000)

struct job {
	char *packet;
	size_t len;
	char *name;
};

struct kf_hooks {
	struct kf_hook_plan plan;
	int socket;
	pid_t runner;
	pid_t group; /* of the program that runs, 0 none */
	struct kf_events *events;
	kf_hook_done_fn done;
	void *context;
	struct job queue[KF_HOOKS_QUEUE + 1]; /* the first is the one that runs */
	size_t first, n;
	bool told_overflow;
	struct kf_hooks_counts counts;
};

/* ---- options ---- */

static int parse_formats(const char *text, uint32_t *out, struct kf_error *e)
{
	char part[32];

	for (const char *at = text; at;) {
		size_t len = strcspn(at, ",");
		unsigned int f = 0;

		snprintf(part, sizeof(part), "%.*s", len < sizeof(part) ? (int)len : (int)sizeof(part) - 1, at);
		while (f < KF_HOOK_FORMATS && strcmp(part, kf_hook_format_name(f)) != 0)
			f++;
		if (f == KF_HOOK_FORMATS || *out & 1u << f)
			return kf_fail(e, KF_USAGE, "any of go,html,perfetto, each once",
				       "bad --convert '%.80s': %s '%s'", text,
				       f == KF_HOOK_FORMATS ? "unknown" : "twice", part);
		*out |= 1u << f;
		at = at[len] ? at + len + 1 : NULL;
	}
	return 0;
}

static bool is_executable(const char *folder, size_t len, const char *program)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%.*s%s%s", (int)len, folder, len ? "/" : "", program) >= sizeof(path))
		return false;
	return !access(path, X_OK);
}

static int check_program(const char *program, struct kf_error *e)
{
	const char *path = getenv("PATH");

	if (strchr(program, '/')) {
		if (!access(program, X_OK))
			return 0;
		return kf_fail_errno(e, errno, "give the path of a program, or a script that is executable",
				     "cannot run '%s'", program);
	}
	for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; *at;) {
		size_t len = strcspn(at, ":");

		if (is_executable(at, len, program))
			return 0;
		at += len + (at[len] == ':');
	}
	return kf_fail(e, KF_USAGE, "give its full path", "cannot run '%s': no such program in PATH", program);
}

static int make_plan(struct kf_hook_plan *plan, const struct kf_hooks_options *o, struct kf_error *e)
{
	plan->exec_timeout_ns = o->exec_timeout_ns ? o->exec_timeout_ns : KF_EXEC_TIMEOUT_NS;
	plan->convert_timeout_ns = o->convert_timeout_ns ? o->convert_timeout_ns : KF_CONVERT_TIMEOUT_NS;
	plan->convert_bytes = o->convert_bytes ? o->convert_bytes : KF_CONVERT_BYTES;
	plan->group = o->group;
	plan->space = o->space;
	if (o->convert && parse_formats(o->convert, &plan->formats, e))
		return -1;
	if (!o->exec)
		return 0;
	return kf_argv_parse(o->exec, &plan->exec, e) || check_program(plan->exec.words[0], e) ? -1 : 0;
}

int kf_hooks_check(const struct kf_hooks_options *opts, struct kf_error *e)
{
	struct kf_hook_plan plan = { 0 };
	int ret = make_plan(&plan, opts, e);

	kf_argv_release(&plan.exec);
	return ret;
}

/* ---- the runner ---- */

static int start_runner(struct kf_hooks *h, struct kf_error *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return kf_fail_errno(e, errno, NULL, "cannot start the process that ships snapshots");
	h->runner = fork();
	if (h->runner == 0)
		kf_hook_runner(ends[1], &h->plan);
	close(ends[1]);
	h->socket = ends[0];
	if (h->runner < 0) {
		h->runner = 0;
		return kf_fail_errno(e, errno, NULL, "cannot start the process that ships snapshots");
	}
	h->counts.runner = h->runner;
	return 0;
}

int kf_hooks_new(struct kf_hooks **out, const struct kf_hooks_options *opts, struct kf_error *e)
{
	struct kf_hooks *h;

	*out = NULL;
	if (!opts->exec && !opts->convert)
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h)
		return kf_fail_memory(e, "the shipping of snapshots");
	h->socket = -1;
	if (make_plan(&h->plan, opts, e) || start_runner(h, e)) {
		kf_hooks_free(&h);
		return -1;
	}
	*out = h;
	return 0;
}

/* ---- the queue ---- */

static struct job *first(struct kf_hooks *h)
{
	return &h->queue[h->first];
}

static void free_job(struct job *job)
{
	free(job->packet);
	free(job->name);
	*job = (struct job){ 0 };
}

/* The first job is over. */
static void finish(struct kf_hooks *h)
{
	struct job job = *first(h);

	h->first = (h->first + 1) % (KF_HOOKS_QUEUE + 1);
	h->n--;
	h->counts.done++;
	if (h->done)
		h->done(h->context, job.name);
	free_job(&job);
}

static void lose_runner(struct kf_hooks *h)
{
	if (h->events)
		kf_events_forget(h->events, h->socket);
	close(h->socket);
	h->socket = -1;
	kill(h->runner, SIGKILL); /* as good as certainly it is dead already */
	waitpid(h->runner, NULL, 0);
	if (h->group > 1) /* its leader went with the runner; what that had started did not */
		kill(-h->group, SIGKILL);
	h->group = 0;
	h->runner = h->counts.runner = 0;
	kf_note("the process that ships snapshots is gone: %zu are not shipped, nor will be any more", h->n);
	while (h->n) {
		h->counts.exec_failed += h->plan.exec.n > 0;
		h->counts.convert_failed += (uint64_t)__builtin_popcount(h->plan.formats);
		finish(h);
	}
}

static void start_first(struct kf_hooks *h)
{
	if (!h->n || h->socket < 0)
		return;
	if (send(h->socket, first(h)->packet, first(h)->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		lose_runner(h);
}

/* ---- answers ---- */

static const char *tell_end(struct kf_child_end end, uint64_t timeout_ns, char *buf, size_t len)
{
	char time[32];

	switch (end.how) {
	case KF_CHILD_EXITED:
		snprintf(buf, len, "exit status %d", end.value);
		break;
	case KF_CHILD_KILLED:
		snprintf(buf, len, "%s%s", strsignal(end.value), end.value == SIGKILL ? " (out of memory?)" : "");
		break;
	case KF_CHILD_TIMED_OUT:
		snprintf(buf, len, "not done after %s, ended", kf_format_duration(timeout_ns, time, sizeof(time)));
		break;
	case KF_CHILD_NOT_STARTED:
		snprintf(buf, len, "%s", strerror(end.value));
		break;
	default:
		snprintf(buf, len, "ended");
	}
	return buf;
}

static void judge_command(struct kf_hooks *h, struct kf_child_end end)
{
	char why[128];

	if (end.how == KF_CHILD_NOT_RUN)
		return;
	if (end.how == KF_CHILD_EXITED && !end.value) {
		h->counts.exec_ok++;
		return;
	}
	h->counts.exec_failed++;
	h->counts.exec_timed_out += end.how == KF_CHILD_TIMED_OUT;
	kf_note("command '%s' failed for '%s': %s", h->plan.exec.words[0], first(h)->name,
		tell_end(end, h->plan.exec_timeout_ns, why, sizeof(why)));
}

static void judge_conversion(struct kf_hooks *h, enum kf_hook_format format, struct kf_child_end end)
{
	char why[128];

	if (end.how == KF_CHILD_NOT_RUN)
		return;
	if (end.how == KF_CHILD_EXITED && !end.value) {
		h->counts.converted++;
		return;
	}
	h->counts.convert_failed++;
	kf_note("cannot convert '%s' to %s: %s", first(h)->name, kf_hook_format_name(format),
		tell_end(end, h->plan.convert_timeout_ns, why, sizeof(why)));
}

static void on_result(struct kf_hooks *h, const struct kf_hook_result *result)
{
	h->group = 0;
	if (!h->n)
		return;
	for (unsigned int f = 0; f < KF_HOOK_FORMATS; f++)
		judge_conversion(h, f, result->formats[f]);
	judge_command(h, result->exec);
	finish(h);
	start_first(h);
}

static void on_line(const struct kf_hooks *h, const struct kf_hook_line *line, size_t len)
{
	char text[KF_CHILD_LINE_BYTES * 4 + 1];

	kf_text_printable(line->text, len - offsetof(struct kf_hook_line, text), text, sizeof(text));
	kf_note("%s: %s", line->from < KF_HOOK_FORMATS ? kf_hook_format_name(line->from) : h->plan.exec.words[0], text);
}

static void on_answer(void *hooks)
{
	struct kf_hooks *h = hooks;
	union {
		uint32_t answer;
		struct kf_hook_line line;
		struct kf_hook_started started;
		struct kf_hook_result result;
	} packet;
	ssize_t n = recv(h->socket, &packet, sizeof(packet), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		lose_runner(h);
	else if (packet.answer == KF_HOOK_LINE && (size_t)n >= offsetof(struct kf_hook_line, text))
		on_line(h, &packet.line, (size_t)n);
	else if (packet.answer == KF_HOOK_STARTED && (size_t)n == sizeof(packet.started))
		h->group = packet.started.group;
	else if (packet.answer == KF_HOOK_RESULT && (size_t)n == sizeof(packet.result))
		on_result(h, &packet.result);
}

int kf_hooks_watch(struct kf_hooks *h, struct kf_events *events, kf_hook_done_fn done, void *context,
		   struct kf_error *e)
{
	if (!h)
		return 0;
	h->done = done;
	h->context = context;
	h->events = events;
	return kf_events_watch(events, h->socket, on_answer, h, e);
}

/* ---- jobs ---- */

struct packet {
	char bytes[KF_HOOK_JOB_BYTES];
	size_t len;
	bool full;
};

/* "NAME=VALUE" and a NUL; nothing for an empty value. */
static void add_variable(struct packet *p, const char *name, const char *value)
{
	char text[4096];
	int n;

	if (p->full || !value || !*value)
		return;
	kf_text_printable(value, strlen(value), text, sizeof(text));
	n = snprintf(p->bytes + p->len, sizeof(p->bytes) - p->len, "%s=%s", name, text);
	if ((size_t)n >= sizeof(p->bytes) - p->len)
		p->full = true;
	else
		p->len += (size_t)n + 1;
}

/* As it is: a program has to open it. */
static void add_path(struct packet *p, const char *path)
{
	int n = snprintf(p->bytes, sizeof(p->bytes), "%s%cKFLIGHT_PATH=%s", path, 0, path);

	p->full = n < 0 || (size_t)n >= sizeof(p->bytes);
	p->len = p->full ? 0 : (size_t)n + 1;
}

static bool make_job(const struct kf_hook_job *job, struct job *out)
{
	struct packet *p = calloc(1, sizeof(*p));
	char pid[16] = "";
	struct utsname us = { 0 };

	if (!p || uname(&us)) {
		free(p);
		return false;
	}
	if (job->pid)
		snprintf(pid, sizeof(pid), "%" PRIu32, job->pid);
	add_path(p, job->path);
	add_variable(p, "KFLIGHT_NAME", job->name);
	add_variable(p, "KFLIGHT_REASON", job->reason);
	add_variable(p, "KFLIGHT_TRIGGER", job->trigger);
	add_variable(p, "KFLIGHT_TRIGGER_TEXT", job->trigger_text);
	add_variable(p, "KFLIGHT_PID", pid);
	add_variable(p, "KFLIGHT_COMM", job->comm);
	add_variable(p, "KFLIGHT_TRACE_ID", job->trace_id);
	add_variable(p, "KFLIGHT_SPAN_ID", job->span_id);
	add_variable(p, "KFLIGHT_HOST", job->host && *job->host ? job->host : us.nodename);
	if (!p->full) {
		out->packet = malloc(p->len);
		out->name = strdup(job->name);
		out->len = p->len;
	}
	if (out->packet && out->name)
		memcpy(out->packet, p->bytes, p->len);
	free(p);
	if (out->packet && out->name)
		return true;
	free_job(out);
	return false;
}

static bool leave_out(struct kf_hooks *h, const char *name, const char *why)
{
	h->counts.overflowed++;
	if (!h->told_overflow)
		kf_note("'%s' is not shipped: %s; more such ones are only counted", name, why);
	h->told_overflow = true;
	return false;
}

bool kf_hooks_submit(struct kf_hooks *h, const struct kf_hook_job *job)
{
	struct job *last;

	if (!h)
		return false;
	last = &h->queue[(h->first + h->n) % (KF_HOOKS_QUEUE + 1)];
	if (!h->runner)
		return leave_out(h, job->name, "the process that does it is gone");
	if (h->n > KF_HOOKS_QUEUE)
		return leave_out(h, job->name, "too many wait already");
	if (!make_job(job, last))
		return leave_out(h, job->name, "its path is too long, or memory is short");
	h->told_overflow = false;
	h->n++;
	h->counts.submitted++;
	if (h->n == 1)
		start_first(h);
	return true;
}

bool kf_hooks_is_idle(const struct kf_hooks *h)
{
	return !h || !h->n;
}

void kf_hooks_counts(const struct kf_hooks *h, struct kf_hooks_counts *out)
{
	*out = (struct kf_hooks_counts){ 0 };
	if (!h)
		return;
	*out = h->counts;
	out->waiting = (uint32_t)h->n;
}

/* ---- the end ---- */

/* It ends what it runs, politely at first. */
static void end_runner(pid_t pid)
{
	uint64_t deadline_ns = kf_now_ns() + FREE_WAIT_NS;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (kf_now_ns() > deadline_ns)
			kill(pid, SIGKILL);
		poll(NULL, 0, 5);
	}
}

void kf_hooks_free(struct kf_hooks **hooks)
{
	struct kf_hooks *h = *hooks;

	if (!h)
		return;
	if (h->socket >= 0)
		close(h->socket); /* the loop forgets it by that, if it is still there */
	if (h->runner)
		end_runner(h->runner);
	for (; h->n; h->n--) {
		free_job(first(h));
		h->first = (h->first + 1) % (KF_HOOKS_QUEUE + 1);
	}
	kf_argv_release(&h->plan.exec);
	free(h);
	*hooks = NULL;
}
