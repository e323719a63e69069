/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/cost_helper.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

struct kf_cost_helper {
	pid_t pid;
	int fd; /* our end of the socket pair */
};

static int keep_descriptor(int fd)
{
	if (fd > 0 && syscall(SYS_close_range, 0, fd - 1, 0))
		return -1;
	return (int)syscall(SYS_close_range, fd + 1, ~0U, 0);
}

static int drop_rights(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_SYS_ADMIN) ||
	    capng_apply(CAPNG_SELECT_CAPS))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int filter_syscalls(void)
{
	static const int allowed[] = { SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(exit_group) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = !filter;

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
				       SCMP_A0(SCMP_CMP_EQ, BPF_ENABLE_STATS));
	if (!err)
		err = seccomp_load(filter);
	return err ? -1 : 0; /* not released: that may unmap memory, which is not allowed any more */
}

static unsigned char count(bool on, int *stats)
{
	union bpf_attr attr = { .enable_stats = { .type = BPF_STATS_RUN_TIME } };

	if (*stats >= 0)
		close(*stats);
	*stats = -1;
	if (!on)
		return 0;
	/* Not libbpf's: it moves a descriptor below 3 to a higher place by fcntl(). */
	*stats = (int)syscall(SYS_bpf, BPF_ENABLE_STATS, &attr, sizeof(attr));
	return *stats < 0 ? (unsigned char)errno : 0;
}

static void __attribute__((noreturn)) serve(int fd, pid_t recorder)
{
	sigset_t all;
	unsigned char word;
	int stats = -1;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL); /* those of a terminal or a service manager are the recorder's to obey */
	prctl(PR_SET_NAME, "kflight-cost");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != recorder || keep_descriptor(fd) || drop_rights() || filter_syscalls())
		_exit(1);
	while (read(fd, &word, 1) == 1) {
		word = count(word, &stats);
		if (write(fd, &word, 1) != 1)
			break;
	}
	_exit(0);
}

int kf_cost_helper_start(struct kf_cost_helper **out, struct kf_error *e)
{
	struct kf_cost_helper *h = calloc(1, sizeof(*h));
	pid_t recorder = getpid();
	int pair[2];

	if (!h)
		return kf_fail_memory(e, "a child");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		free(h);
		return kf_fail_errno(e, errno, NULL, "cannot make a socket pair");
	}
	h->pid = fork();
	if (!h->pid)
		serve(pair[1], recorder);
	close(pair[1]);
	h->fd = pair[0];
	if (h->pid < 0) {
		int err = errno;

		close(pair[0]);
		free(h);
		return kf_fail_errno(e, err, NULL, "cannot start a child");
	}
	*out = h;
	return 0;
}

int kf_cost_helper_count(struct kf_cost_helper *h, bool on)
{
	struct pollfd answered = { .fd = h->fd, .events = POLLIN };
	unsigned char word = on;
	int n;

	/* An answer that came too late is not the one to this. */
	while (recv(h->fd, &word, 1, MSG_DONTWAIT) == 1) {
	}
	word = on;
	if (send(h->fd, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return errno;
	n = poll(&answered, 1, KF_COST_HELPER_WAIT_MS);
	if (n <= 0) {
		word = false; /* so that it does not go on counting for nobody */
		if (on)
			send(h->fd, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		return n ? errno : ETIMEDOUT;
	}
	return recv(h->fd, &word, 1, MSG_DONTWAIT) == 1 ? word : EPIPE;
}

void kf_cost_helper_stop(struct kf_cost_helper **h)
{
	if (!*h)
		return;
	close((*h)->fd); /* it reads the end of its file */
	waitpid((*h)->pid, NULL, 0);
	free(*h);
	*h = NULL;
}
