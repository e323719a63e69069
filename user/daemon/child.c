/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/now.h"

#define FLOOD_PAUSE_MS 50

struct running {
	const struct kf_child *child;
	pid_t pid;
	int pidfd, messages;
	uint64_t deadline_ns; /* of the next signal */
	int next_signal;
	enum kf_child_how why; /* ... it was sent */
	char line[KF_CHILD_LINE_BYTES];
	size_t len, lines;
	bool messages_end;
};

/* ---- in the child ---- */

static void limit(int what, uint64_t value)
{
	struct rlimit limit = { value, value };

	setrlimit(what, &limit);
}

static void to_background(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		dprintf(fd, "1000");
		close(fd);
	}
	setpriority(PRIO_PROCESS, 0, 19);
}

static void clear_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Does not come back. */
static void become(const struct kf_child *c, int messages, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	clear_signals();
	umask(077);
	if (c->background)
		to_background();
	if (dup2(null, STDIN_FILENO) < 0 || dup2(c->stdout_fd >= 0 ? c->stdout_fd : messages, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(127);
	close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	limit(RLIMIT_CORE, 0);
	if (c->cpu_s)
		limit(RLIMIT_CPU, c->cpu_s);
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
	if (c->memory_bytes)
		limit(RLIMIT_AS, c->memory_bytes);
#endif
	if (c->exe_fd >= 0)
		fexecve(c->exe_fd, c->argv, c->env);
	else
		execvpe(c->argv[0], c->argv, c->env);
	dprintf(STDERR_FILENO, "cannot run '%s': %s\n", c->argv[0], strerror(errno));
	_exit(127);
}

/* ---- its messages ---- */

static void end_line(struct running *r)
{
	if (r->len && r->lines++ < KF_CHILD_MAX_LINES)
		r->child->line(r->child->context, r->line, r->len);
	r->len = 0;
}

static void take_bytes(struct running *r, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || r->len == sizeof(r->line))
			end_line(r);
		if (bytes[i] != '\n')
			r->line[r->len++] = bytes[i];
	}
}

/* False at their end. */
static bool read_messages(struct running *r)
{
	static char bytes[65536]; /* what a pipe holds */
	ssize_t n = read(r->messages, bytes, sizeof(bytes));

	if (n > 0)
		take_bytes(r, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* What is still in the pipe: somebody outside of the group may hold it open for ever. */
static void read_last_messages(struct running *r)
{
	char more[64];
	struct pollfd p = { .fd = r->messages, .events = POLLIN };

	for (int i = 0; i < 64 && poll(&p, 1, 0) > 0 && p.revents & POLLIN; i++)
		if (!read_messages(r))
			break;
	end_line(r);
	if (r->lines > KF_CHILD_MAX_LINES) {
		snprintf(more, sizeof(more), "... and %zu more lines", r->lines - KF_CHILD_MAX_LINES);
		r->child->line(r->child->context, more, strlen(more));
	}
}

/* ---- beside the child ---- */

static void end_for(struct running *r, enum kf_child_how why)
{
	if (r->why != KF_CHILD_NOT_RUN)
		return;
	r->why = why;
	kill(-r->pid, SIGTERM);
	r->next_signal = SIGKILL;
	r->deadline_ns = kf_now_ns() + KF_CHILD_GRACE_NS;
}

static void on_deadline(struct running *r)
{
	if (r->why == KF_CHILD_NOT_RUN) {
		end_for(r, KF_CHILD_TIMED_OUT);
		return;
	}
	kill(-r->pid, SIGKILL);
	r->deadline_ns = UINT64_MAX;
}

static int until_ms(uint64_t deadline_ns)
{
	uint64_t now_ns = kf_now_ns(), left_ms;

	if (deadline_ns == UINT64_MAX)
		return -1;
	left_ms = deadline_ns > now_ns ? (deadline_ns - now_ns) / 1000000 + 1 : 0;
	return left_ms > 3600000 ? 3600000 : (int)left_ms;
}

static void wait_for_end(struct running *r)
{
	struct pollfd fds[] = { { .fd = r->pidfd, .events = POLLIN },
				{ .events = POLLIN },
				{ .fd = r->child->hangup_fd } };

	for (;;) {
		/* Who says more than is wanted is read now and then: not all day, and without blocking him. */
		bool floods = !r->messages_end && r->lines > KF_CHILD_MAX_LINES;
		int wait_ms = until_ms(r->deadline_ns), n;

		fds[1].fd = floods || r->messages_end ? -1 : r->messages;
		n = poll(fds, 3, floods && (wait_ms < 0 || wait_ms > FLOOD_PAUSE_MS) ? FLOOD_PAUSE_MS : wait_ms);
		if (n < 0 && errno != EINTR)
			end_for(r, KF_CHILD_HUNG_UP);
		if ((floods || (n > 0 && fds[1].revents)) && !read_messages(r))
			r->messages_end = true;
		if (n > 0 && fds[2].revents & (POLLHUP | POLLERR | POLLNVAL)) {
			end_for(r, KF_CHILD_HUNG_UP);
			fds[2].fd = -1;
		}
		if (n > 0 && fds[0].revents)
			return;
		if (kf_now_ns() >= r->deadline_ns)
			on_deadline(r);
	}
}

static struct kf_child_end reap(struct running *r)
{
	struct kf_child_end end = { .how = r->why };
	int status = 0;

	/* First, because as long as it is a zombie nobody else can have the number of its group. */
	kill(-r->pid, SIGKILL);
	waitpid(r->pid, &status, 0);
	read_last_messages(r);
	if (end.how != KF_CHILD_NOT_RUN)
		return end;
	end.how = WIFSIGNALED(status) ? KF_CHILD_KILLED : KF_CHILD_EXITED;
	end.value = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	return end;
}

struct kf_child_end kf_child_run(const struct kf_child *c)
{
	struct running r = { .child = c };
	struct kf_child_end end = { .how = KF_CHILD_NOT_STARTED };
	pid_t self = getpid();
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC)) {
		end.value = errno;
		return end;
	}
	r.messages = pipe_fds[0];
	if (__builtin_add_overflow(kf_now_ns(), c->timeout_ns, &r.deadline_ns))
		r.deadline_ns = UINT64_MAX;
	r.pid = fork();
	if (!r.pid)
		become(c, pipe_fds[1], self);
	end.value = errno;
	close(pipe_fds[1]);
	if (r.pid > 0) {
		setpgid(r.pid, r.pid);
		c->started(c->context, r.pid);
		fcntl(r.messages, F_SETFL, O_NONBLOCK);
		r.pidfd = pidfd_open(r.pid, 0);
		if (r.pidfd >= 0)
			wait_for_end(&r);
		end = reap(&r);
		if (r.pidfd >= 0)
			close(r.pidfd);
	}
	close(r.messages);
	return end;
}
