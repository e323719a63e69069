/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/opener.h"

#include <bpf/bpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define ANSWER_WITHIN_US 100000 /* the loop of the recorder waits for it */
#define SOCKET_FD	 3	/* in the opener: the only one it has */

enum what { OPEN_STATS = 1, OPEN_EXE = 2 };

struct question {
	uint32_t number;
	uint32_t what;
	int32_t pid;
};

struct answer {
	uint32_t number; /* of the question */
	int32_t err;	 /* 0: a descriptor comes with it */
};

struct kf_opener {
	pid_t pid;
	int socket;
	pthread_mutex_t lock;
	uint32_t asked, answered; /* questions; a late answer is still to come if they differ */
};

/* ---- what is opened ---- */

static int open_stats(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0 && fd != -1) /* libbpf 1.x returns the negative error, too */
		errno = -fd;
	return fd < 0 ? -1 : fd;
}

static int open_exe(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* ---- the opener ---- */

static void give(int socket, const struct answer *answer, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)answer, sizeof(*answer) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						 .cmsg_level = SOL_SOCKET,
						 .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	if (sendmsg(socket, &message, MSG_NOSIGNAL) != (ssize_t)sizeof(*answer))
		_exit(0);
}

static void serve(int socket)
{
	struct question q;

	while (recv(socket, &q, sizeof(q), 0) == (ssize_t)sizeof(q)) {
		struct answer a = { .number = q.number };
		int fd = -1;

		errno = EINVAL;
		if (q.what == OPEN_STATS)
			fd = open_stats();
		else if (q.what == OPEN_EXE && q.pid > 0)
			fd = open_exe(q.pid);
		a.err = fd < 0 ? errno : 0;
		give(socket, &a, fd);
		if (fd >= 0)
			close(fd);
	}
}

static int keep_capabilities(void)
{
	static const unsigned int kept[] = { CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH };
	bool has[sizeof(kept) / sizeof(kept[0])];
	bool may_lock = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		has[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
	if (may_lock && (capng_lock() || capng_apply(CAPNG_SELECT_BOUNDS)))
		return -1;
	return capng_apply(CAPNG_SELECT_CAPS);
}

static int filter_syscalls(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which needs more */
	static const int allowed[] = { SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),	   SCMP_SYS(openat),
				       SCMP_SYS(close),	   SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
				       SCMP_SYS(exit),	   SCMP_SYS(exit_group) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = filter ? 0 : -1;

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
				       SCMP_A0(SCMP_CMP_EQ, BPF_ENABLE_STATS));
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
#else
	return 0;
#endif
}

/* Does not come back. */
static void become_opener(int socket, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int s = 1; s < NSIG; s++)
		signal(s,
		       s == SIGINT || s == SIGHUP || s == SIGTERM || s == SIGUSR1 || s == SIGPIPE ? SIG_IGN : SIG_DFL);
	prctl(PR_SET_NAME, "kflight-opener");
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			_exit(1);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || dup3(socket, SOCKET_FD, O_CLOEXEC) < 0 ||
	    close_range(SOCKET_FD + 1, ~0u, 0))
		_exit(1);
	if (chdir("/") || prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || keep_capabilities() ||
	    filter_syscalls())
		_exit(1);
	serve(SOCKET_FD);
	_exit(0);
}

/* ---- the recorder's side ---- */

int kf_opener_new(struct kf_opener **out, struct kf_error *e)
{
	const struct timeval patience = { .tv_usec = ANSWER_WITHIN_US };
	struct kf_opener *o = calloc(1, sizeof(*o));
	int ends[2], high;
	pid_t self = getpid();

	if (!o)
		return kf_fail_memory(e, "the opener");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		free(o);
		return kf_fail_errno(e, errno, NULL, "cannot make a socket for the opener");
	}
	high = fcntl(ends[1], F_DUPFD_CLOEXEC, 64); /* dup3() wants another number than its own */
	o->pid = high < 0 ? -1 : fork();
	if (!o->pid)
		become_opener(high, self);
	close(ends[1]);
	if (high >= 0)
		close(high);
	if (o->pid < 0) {
		int err = errno;

		close(ends[0]);
		free(o);
		return kf_fail_errno(e, err, NULL, "cannot start the opener");
	}
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	pthread_mutex_init(&o->lock, NULL);
	o->socket = ends[0];
	*out = o;
	return 0;
}

void kf_opener_free(struct kf_opener **o)
{
	if (!*o)
		return;
	close((*o)->socket);
	/* A file server that does not answer can keep it for ever: then it dies with us. */
	for (int i = 0; i < 100 && !waitpid((*o)->pid, NULL, WNOHANG); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	pthread_mutex_destroy(&(*o)->lock);
	free(*o);
	*o = NULL;
}

pid_t kf_opener_pid(const struct kf_opener *o)
{
	return o->pid;
}

/* The next answer: its error, and the descriptor that came with it (-1 none). Returns 0, or -1 with errno. */
static int take_answer(const struct kf_opener *o, int flags, struct answer *answer, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { answer, sizeof(*answer) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)
	};
	ssize_t n = recvmsg(o->socket, &message, flags | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&message);

	*fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	if (n == (ssize_t)sizeof(*answer))
		return 0;
	if (*fd >= 0)
		close(*fd);
	if (n >= 0)
		errno = EPIPE; /* it is gone */
	return -1;
}

/* Answers to questions that nobody waits for any more. Returns 0 if none is to come. */
static int drop_late_answers(struct kf_opener *o)
{
	while (o->answered != o->asked) {
		struct answer a;
		int fd;

		if (take_answer(o, MSG_DONTWAIT, &a, &fd))
			return -1;
		if (fd >= 0)
			close(fd);
		o->answered++;
	}
	return 0;
}

static int ask_locked(struct kf_opener *o, struct question *q)
{
	struct answer a;
	int fd;

	if (drop_late_answers(o)) {
		errno = errno == EAGAIN ? ETIMEDOUT : errno;
		return -1;
	}
	q->number = ++o->asked;
	if (send(o->socket, q, sizeof(*q), MSG_NOSIGNAL) != (ssize_t)sizeof(*q)) {
		o->asked--;
		return -1;
	}
	if (take_answer(o, 0, &a, &fd)) {
		errno = errno == EAGAIN ? ETIMEDOUT : errno;
		return -1;
	}
	o->answered++;
	if (fd < 0)
		errno = a.err > 0 ? a.err : EPROTO;
	return fd;
}

static int ask(struct kf_opener *o, enum what what, pid_t pid)
{
	struct question q = { .what = what, .pid = pid };
	int fd, err;

	pthread_mutex_lock(&o->lock);
	fd = ask_locked(o, &q);
	err = errno;
	pthread_mutex_unlock(&o->lock);
	errno = err;
	return fd;
}

int kf_opener_stats(struct kf_opener *o)
{
	return o ? ask(o, OPEN_STATS, 0) : open_stats();
}

int kf_opener_exe(struct kf_opener *o, pid_t pid)
{
	return o ? ask(o, OPEN_EXE, pid) : open_exe(pid);
}
