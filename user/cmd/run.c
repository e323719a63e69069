/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - records while a command runs. The command's exit status becomes ours. */
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
#include "cmd/recording.h"

#define STATUS_NOT_FOUND 127 /* as shells have it */
#define STATUS_NOT_RUN	 126

static const struct kf_command command = {
	.name = "run",
	.operands = "-- CMD [ARGS]",
	.summary = "record while a command runs",
	.description = "CMD and its children are the filter. Without triggers one snapshot is written when CMD ends; "
		       "with triggers,\n"
		       "when they fire. The exit status is CMD's.",
	.examples = "  kflight run --trigger 'runq>2ms' -- ./server\n"
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

static int record_child(struct kf_recording *recording, struct child *child, const char *name)
{
	struct kf_service_result result = { 0 };
	int status, child_status;
	struct kf_error e;

	if (kf_filter_spec_add_own_pid(&recording->filter, child->pid, &e) || kf_recording_start(recording, &e))
		return kf_error_print(&e);
	if (let_go(child, name, &e)) {
		kf_error_print(&e);
		waitpid(child->pid, &status, 0);
		return exit_status(status);
	}
	status = kf_recording_loop(recording, child->pid, name, &result);
	if (!result.written && recording->triggers.text[0])
		kf_note("no trigger fired, nothing was written");
	if (result.child_ended)
		return exit_status(result.child_status);
	kf_recording_stop(recording);
	kf_note("the recording has ended, '%s' goes on: waiting for it", name);
	child_status = wait_for(child->pid);
	return child_status ? child_status : status;
}

int cmd_run(int argc, char **argv)
{
	struct kf_command with_options = command;
	struct kf_option rows[KF_RECORDING_OPTIONS];
	struct kf_operands operands = { 0 };
	struct child child = { .pid = -1 };
	struct kf_recording recording;
	struct kf_error e;
	int parsed, status;

	kf_recording_init(&recording);
	recording.socket = "none"; /* several may run side by side */
	kf_recording_options(&recording, rows);
	with_options.options = rows;
	parsed = kf_options_parse(&with_options, argc, argv, &operands, &e);
	if (parsed > 0)
		status = KF_OK;
	else if (parsed || kf_recording_prepare(&recording, &e) || start_child(&child, operands.items, &e))
		status = kf_error_print(&e);
	else
		status = record_child(&recording, &child, operands.items[0]);
	kf_recording_release(&recording);
	free(operands.items);
	return status;
}
