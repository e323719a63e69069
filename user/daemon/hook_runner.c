/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/hook_runner.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"

#define SOCKET_FD     3
#define EXE_FD	      4
#define REAP_EVERY_MS 1000

struct runner {
	const struct kf_hook_plan *plan;
	char **base; /* environment of every program */
	size_t n_base, base_room;
	uint32_t from; /* whose lines come now */
};

/* ---- what it gives away ---- */

/* The socket and this program's file stay; nothing else of the recorder's. */
static void keep_two(int socket)
{
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR);

	/* Out of the way first: one may have the other's number. */
	socket = fcntl(socket, F_DUPFD_CLOEXEC, 64);
	exe = fcntl(exe, F_DUPFD_CLOEXEC, 64);
	if (socket < 0 || exe < 0 || dup3(socket, SOCKET_FD, O_CLOEXEC) < 0 || dup3(exe, EXE_FD, O_CLOEXEC) < 0)
		_exit(1);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			_exit(1);
	close_range(EXE_FD + 1, ~0u, 0);
}

/* The bounding set can only be emptied by who may; where not, no_new_privs keeps a program from regaining what is gone. */
static void drop_rights(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(1);
	capng_clear(CAPNG_SELECT_BOTH);
	capng_apply(CAPNG_SELECT_BOUNDS);
	if (capng_apply(CAPNG_SELECT_CAPS))
		_exit(1);
}

/* ---- the environment ---- */

static const char *const passed[] = { "PATH",	      "HOME",	       "LANG",	      "TZ",	    "USER",
				      "LOGNAME",      "SHELL",	       "TMPDIR",      "http_proxy", "https_proxy",
				      "no_proxy",     "HTTP_PROXY",    "HTTPS_PROXY", "NO_PROXY",   "SSL_CERT_FILE",
				      "SSL_CERT_DIR", "CURL_CA_BUNDLE" };
/* Object stores take their credentials from there, above all in containers. */
static const char *const passed_beginnings[] = { "LC_", "AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "RCLONE_", "S3_" };

static bool is_passed(const char *variable)
{
	size_t name = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (strlen(passed[i]) == name && !strncmp(variable, passed[i], name))
			return true;
	for (size_t i = 0; i < sizeof(passed_beginnings) / sizeof(passed_beginnings[0]); i++)
		if (!strncmp(variable, passed_beginnings[i], strlen(passed_beginnings[i])))
			return true;
	return false;
}

static void add_base(struct runner *r, const char *variable)
{
	if (KF_GROW(r->base, r->n_base, r->base_room))
		_exit(1);
	r->base[r->n_base++] = (char *)variable;
}

static void take_base(struct runner *r)
{
	for (char **at = environ; *at; at++)
		if (is_passed(*at))
			add_base(r, *at);
	if (!getenv("PATH"))
		add_base(r, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

/* Base, the job's own variables, room for the converted files. */
static char **make_env(const struct runner *r, const char *variables, const char *end)
{
	size_t n = r->n_base;
	char **env;

	for (const char *at = variables; at < end; at += strlen(at) + 1)
		n++;
	env = calloc(n + KF_HOOK_FORMATS + 1, sizeof(*env));
	if (!env)
		return NULL;
	if (r->n_base)
		memcpy(env, r->base, r->n_base * sizeof(*env));
	n = r->n_base;
	for (const char *at = variables; at < end; at += strlen(at) + 1)
		env[n++] = (char *)at;
	return env;
}

/* KFLIGHT_GO=..., KFLIGHT_HTML=...: what was converted. */
static void add_converted(char **env, char *const converted[KF_HOOK_FORMATS])
{
	static const char *const names[] = { "KFLIGHT_GO", "KFLIGHT_HTML", "KFLIGHT_PERFETTO" };
	size_t n = 0;

	while (env[n])
		n++;
	for (int f = 0; f < KF_HOOK_FORMATS; f++)
		if (converted[f] && asprintf(&env[n], "%s=%s", names[f], converted[f]) >= 0)
			n++;
	env[n] = NULL;
}

/* ---- jobs ---- */

static void send_line(void *runner, const char *text, size_t len)
{
	const struct runner *r = runner;
	struct kf_hook_line line = { .answer = KF_HOOK_LINE, .from = r->from };

	if (len > sizeof(line.text))
		len = sizeof(line.text);
	memcpy(line.text, text, len);
	/* The recorder has more important things to do: a line that it does not take at once is lost. */
	send(SOCKET_FD, &line, offsetof(struct kf_hook_line, text) + len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_started(void *runner, pid_t group)
{
	const struct kf_hook_started started = { .answer = KF_HOOK_STARTED, .group = group };

	(void)runner;
	send(SOCKET_FD, &started, sizeof(started), MSG_NOSIGNAL);
}

static void convert_all(struct runner *r, const struct kf_child *base, const char *path, struct kf_hook_result *result,
			char *converted[KF_HOOK_FORMATS])
{
	for (unsigned int f = 0; f < KF_HOOK_FORMATS; f++) {
		if (!(r->plan->formats & 1u << f))
			continue;
		r->from = f;
		result->formats[f] = kf_hook_convert(r->plan, base, path, f, &converted[f]);
	}
}

static struct kf_child_end run_command(struct runner *r, const struct kf_child *base, const char *path)
{
	struct kf_child child = *base;
	struct kf_argv words;
	struct kf_child_end end = { .how = KF_CHILD_NOT_STARTED, .value = ENOMEM };

	if (kf_argv_fill(&r->plan->exec, path, &words))
		return end;
	r->from = KF_HOOK_FORMATS;
	child.argv = words.words;
	child.exe_fd = -1;
	child.timeout_ns = r->plan->exec_timeout_ns;
	end = kf_child_run(&child);
	kf_argv_release(&words);
	return end;
}

static void run_job(struct runner *r, const char *path, const char *variables, const char *end)
{
	struct kf_hook_result result = { .answer = KF_HOOK_RESULT };
	char *converted[KF_HOOK_FORMATS] = { NULL };
	char **env = make_env(r, variables, end);
	size_t first = r->n_base;
	struct kf_child base = { .env = env,
				 .exe_fd = EXE_FD,
				 .stdout_fd = -1,
				 .hangup_fd = SOCKET_FD,
				 .started = send_started,
				 .line = send_line,
				 .context = r };

	if (!env)
		_exit(1);
	convert_all(r, &base, path, &result, converted);
	for (const char *at = variables; at < end; at += strlen(at) + 1)
		first++;
	add_converted(env, converted);
	if (r->plan->exec.n)
		result.exec = run_command(r, &base, path);
	send(SOCKET_FD, &result, sizeof(result), MSG_NOSIGNAL);
	for (; env[first]; first++)
		free(env[first]);
	free(env);
	for (int f = 0; f < KF_HOOK_FORMATS; f++)
		free(converted[f]);
}

/* What a command left running outside of its group ends up as our child. Returns whether there are any. */
static bool reap_strays(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0);
	return pid == 0;
}

void kf_hook_runner(int socket, const struct kf_hook_plan *plan)
{
	static const int not_for_us[] = { SIGINT, SIGHUP, SIGTERM, SIGUSR1, SIGPIPE };
	static char job[KF_HOOK_JOB_BYTES + 1];
	struct runner r = { .plan = plan };
	struct pollfd next = { .fd = SOCKET_FD, .events = POLLIN };

	/* `kill -USR1 $(pidof kflight)` finds us, too: we end when the recorder does. (Children take the defaults.) */
	for (size_t i = 0; i < sizeof(not_for_us) / sizeof(not_for_us[0]); i++)
		signal(not_for_us[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	setpgid(0, 0); /* what the terminal sends to the recorder is not for us */
	prctl(PR_SET_NAME, "kflight-hooks");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	umask(077);
	keep_two(socket);
	drop_rights();
	take_base(&r);
	add_base(&r, NULL);
	r.n_base--;
	for (;;) {
		ssize_t n;

		if (poll(&next, 1, reap_strays() ? REAP_EVERY_MS : -1) == 0)
			continue;
		n = recv(SOCKET_FD, job, KF_HOOK_JOB_BYTES, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		job[n] = 0;
		run_job(&r, job, job + strlen(job) + 1, job + n);
	}
}
