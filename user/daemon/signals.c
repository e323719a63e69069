/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/events.h"

struct kf_signals {
	int fd;
	void (*fn)(void *context, int signal);
	void *context;
};

static void fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
}

void kf_signals_block(void)
{
	sigset_t set;

	fill(&set);
	/* Who reads our output may go away. Blocked and not ignored: commands that we start would inherit that. */
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void on_signal(void *signals)
{
	struct kf_signals *s = signals;
	struct signalfd_siginfo info;

	if (read(s->fd, &info, sizeof(info)) == sizeof(info))
		s->fn(s->context, (int)info.ssi_signo);
}

int kf_signals_new(struct kf_signals **out, struct kf_events *events, void (*fn)(void *context, int signal),
		   void *context, struct kf_error *e)
{
	struct kf_signals *s = calloc(1, sizeof(*s));
	sigset_t set;

	if (!s)
		return kf_fail_memory(e, "the signals");
	s->fn = fn;
	s->context = context;
	fill(&set);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0)
		kf_fail_errno(e, errno, NULL, "cannot watch for signals");
	else if (!kf_events_watch(events, s->fd, on_signal, s, e)) {
		*out = s;
		return 0;
	}
	kf_signals_free(&s);
	return -1;
}

void kf_signals_free(struct kf_signals **s)
{
	if (!*s)
		return;
	if ((*s)->fd >= 0)
		close((*s)->fd);
	free(*s);
	*s = NULL;
}
