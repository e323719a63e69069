/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - records while a command runs, and judges what was recorded. The command's exit status becomes ours. */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "cmd/checking.h"
#include "cmd/recording.h"

#define STATUS_NOT_FOUND 127 /* as shells have it */
#define STATUS_NOT_RUN	 126

static const struct kf_command command = {
	.name = "run",
	.operands = "-- CMD [ARGS]",
	.summary = "record while a command runs",
	.description = "CMD and its children are the filter. Without triggers one snapshot is written when CMD "
		       "ends; with triggers, when they fire. The exit status is CMD's.\nWith --check (expressions "
		       "as in `kflight check`) or --fail-on (findings) a snapshot at the end is judged, for what "
		       "CMD and its children had to wait. The verdict goes to standard error. If CMD succeeded, "
		       "the exit status is 1 if something is wrong, 4 if that cannot be known: also if the window "
		       "does not reach back to CMD's start.",
	.examples = "  kflight run --trigger 'runq>2ms' -- ./server\n"
		    "  kflight run --check 'p99(runq) > 2ms' --check 'max(futex) > 50ms' -- make bench\n"
		    "  kflight run -o /tmp -- make test",
	.min_operands = 1,
	.max_operands = -1,
	.stops_at_operand = true,
};

/* A command that waits to be let go, so that not one of its events is missed. */
struct child {
	pid_t pid;
	int go;	    /* our end of a socket: a byte lets it go. (A pipe would kill us with SIGPIPE if it was killed.) */
	int failed; /* read end: errno of exec, or end of file when it worked */
};

static void become(const char **argv, int go, int failed)
{
	sigset_t none;
	char byte;
	int err;

	if (read(go, &byte, 1) != 1) /* the recorder could not start */
		_exit(STATUS_NOT_RUN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], (char *const *)argv);
	err = errno;
	if (write(failed, &err, sizeof(err)) != sizeof(err))
		_exit(STATUS_NOT_RUN);
	_exit(err == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN);
}

static int start_child(struct child *child, const char **argv, struct kf_error *e)
{
	int go[2], failed[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go))
		return kf_fail_errno(e, errno, NULL, "cannot start '%s'", argv[0]);
	if (pipe2(failed, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return kf_fail_errno(e, errno, NULL, "cannot start '%s'", argv[0]);
	}
	child->pid = fork();
	if (child->pid == 0) {
		close(go[1]);
		become(argv, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	child->go = go[1];
	child->failed = failed[0];
	if (child->pid < 0)
		return kf_fail_errno(e, errno, NULL, "cannot start '%s'", argv[0]);
	return 0;
}

/* Returns 0 when the command runs. */
static int let_go(struct child *child, const char *name, struct kf_error *e)
{
	int err = 0;

	if (send(child->go, "", 1, MSG_NOSIGNAL) != 1)
		return kf_fail_errno(e, errno, NULL, "cannot start '%s'", name);
	if (read(child->failed, &err, sizeof(err)) == sizeof(err))
		return kf_fail_errno(e, err, NULL, "cannot run '%s'", name);
	return 0;
}

static int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* The recording has ended before the command: waits for it as the recorder did. Ctrl-C of a terminal reaches it, too. */
static int wait_for(pid_t pid)
{
	int status, signal;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		signal = sigwaitinfo(&set, NULL);
		if (signal == SIGTERM)
			kill(pid, SIGTERM);
	}
	return exit_status(status);
}

/* What was asked of a run, and what is known of it. */
struct run {
	struct kf_recording recording;
	struct kf_checking checking;
	struct child child;
	const char *name;
	uint64_t go_ns; /* when the command was let go */
};

static bool has_checks(const struct run *r)
{
	const struct kf_checks *c = &r->checking.checks;

	return c->n_conditions || c->findings || c->rules.n_thresholds || c->rules.n_off;
}

/* Judges the snapshot of the end. Returns an exit status. */
static int judge(struct run *r, const struct kf_service_result *result, int status)
{
	struct kf_checks *checks = &r->checking.checks;
	char path[4096];

	if (status != KF_OK || !result->last_name[0]) {
		kf_note("there is no verdict: no snapshot of the end was written");
		return status != KF_OK ? status : KF_INCOMPLETE;
	}
	snprintf(path, sizeof(path), "%s/%s", r->recording.output_dir, result->last_name);
	checks->tgid = (uint32_t)r->child.pid;
	if (!checks->window_min_ns)
		checks->from_ns = r->go_ns;
	return kf_checking_judge(&r->checking, path, stderr);
}

static int record_child(struct run *r)
{
	struct kf_service_result result = { 0 };
	struct kf_service_options opts;
	int status, child_status;
	struct kf_error e;

	if (kf_filter_spec_add_own_pid(&r->recording.filter, r->child.pid, &e) ||
	    kf_recording_start(&r->recording, NULL, &e))
		return kf_error_print(&e);
	r->go_ns = kf_now_ns();
	if (let_go(&r->child, r->name, &e)) {
		kf_error_print(&e);
		waitpid(r->child.pid, &status, 0);
		return exit_status(status);
	}
	kf_recording_service_options(&r->recording, &opts);
	opts.child = r->child.pid;
	opts.child_name = r->name;
	status = kf_recording_serve(&r->recording, &opts, &result);
	if (!result.written && r->recording.triggers.n_rules)
		kf_note("no trigger fired, nothing was written");
	if (!result.child_ended) {
		kf_recording_stop(&r->recording);
		kf_note("the recording has ended, '%s' goes on: waiting for it", r->name);
	}
	child_status = result.child_ended ? exit_status(result.child_status) : wait_for(r->child.pid);
	if (has_checks(r))
		status = judge(r, &result, status);
	else if (result.child_ended)
		return child_status; /* whatever became of the recording */
	return child_status ? child_status : status;
}

static int parse(struct run *r, int argc, char **argv, struct kf_operands *operands, struct kf_error *e)
{
	struct kf_option rows[KF_CHECKING_OPTIONS + 1 + KF_RECORDING_OPTIONS];
	struct kf_command with_options = command;

	rows[0] = (struct kf_option){ "check",	      0,
				      KF_OPT_STRINGS, &r->checking.expressions,
				      "EXPR",	      "judge the end: what is not wanted, 'p99(runq) > 2ms'" };
	kf_checking_options(&r->checking, rows + 1);
	kf_recording_options(&r->recording, rows + 1 + KF_CHECKING_OPTIONS);
	with_options.options = rows;
	return kf_options_parse(&with_options, argc, argv, operands, e);
}

/* Expressions about syscalls need their records. */
static void adapt_recording(struct run *r)
{
	const struct kf_checks *checks = &r->checking.checks;

	r->recording.for_verdict = has_checks(r);
	if (kf_checks_need_syscalls(checks) && !r->recording.syscalls)
		r->recording.syscalls = "slow";
}

static int run(struct run *r, const struct kf_operands *operands)
{
	struct kf_error e;
	int status;

	status = kf_checking_prepare(&r->checking, r->checking.expressions.items, r->checking.expressions.n);
	if (status != KF_OK)
		return status;
	adapt_recording(r);
	r->name = operands->items[0];
	if (kf_recording_understand(&r->recording, NULL, &e) || kf_recording_prepare(&r->recording, &e) ||
	    start_child(&r->child, operands->items, &e))
		return kf_error_print(&e);
	return record_child(r);
}

int cmd_run(int argc, char **argv)
{
	struct run r = { .child = { .pid = -1 } };
	struct kf_operands operands = { 0 };
	struct kf_error e;
	int parsed, status;

	kf_recording_init(&r.recording);
	r.recording.socket = "none"; /* several may run side by side */
	parsed = parse(&r, argc, argv, &operands, &e);
	if (parsed)
		status = parsed > 0 ? KF_OK : kf_error_print(&e);
	else
		status = run(&r, &operands);
	kf_recording_release(&r.recording);
	kf_checking_release(&r.checking);
	free(operands.items);
	return status;
}
