/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/watched_pids.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/filter_spec.h"

/* Each takes a file descriptor, of which snapshots and clients need some, too. */
#define MAX_WATCHED 256

struct kf_watched_pids {
	int epoll;
	size_t n, n_left;
	struct {
		uint32_t pid;
		int fd; /* pidfd, -1 it exited */
	} items[];
};

static void note_exit(const struct kf_watched_pids *w, uint32_t pid)
{
	if (w->n_left)
		kf_note("process %u has exited; recording goes on", pid);
	else
		kf_note("process %u has exited, the last one of the filter; recording goes on until Ctrl-C", pid);
}

static void add(struct kf_watched_pids *w, uint32_t pid)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = w->n };
	int fd = syscall(SYS_pidfd_open, pid, 0);

	w->items[w->n].pid = pid;
	w->items[w->n].fd = fd;
	if (fd >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event)) {
		close(fd);
		w->items[w->n].fd = fd = -1;
	}
	w->n++;
	if (fd >= 0)
		w->n_left++;
	else if (errno == ESRCH)
		note_exit(w, pid);
}

int kf_watched_pids_new(struct kf_watched_pids **out, const struct kf_filter_spec *filter, pid_t except,
			struct kf_error *e)
{
	size_t n = filter ? filter->n_pids : 0;
	struct kf_watched_pids *w = calloc(1, sizeof(*w) + n * sizeof(w->items[0]));

	if (!w)
		return kf_fail_memory(e, "the processes of the filter");
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0) {
		free(w);
		return kf_fail_errno(e, errno, NULL, "cannot watch the processes of the filter");
	}
	for (size_t i = 0; i < n; i++)
		if (w->n == MAX_WATCHED)
			w->n_left++; /* never seen to exit */
		else if ((pid_t)filter->pids[i] != except)
			add(w, filter->pids[i]);
	*out = w;
	return 0;
}

int kf_watched_pids_fd(const struct kf_watched_pids *w)
{
	return w->epoll;
}

void kf_watched_pids_report(struct kf_watched_pids *w)
{
	struct epoll_event event;

	while (epoll_wait(w->epoll, &event, 1, 0) == 1) {
		size_t i = event.data.u64;

		close(w->items[i].fd); /* leaves the epoll set, too */
		w->items[i].fd = -1;
		w->n_left--;
		note_exit(w, w->items[i].pid);
	}
}

void kf_watched_pids_free(struct kf_watched_pids **w)
{
	if (!*w)
		return;
	for (size_t i = 0; i < (*w)->n; i++)
		if ((*w)->items[i].fd >= 0)
			close((*w)->items[i].fd);
	close((*w)->epoll);
	free(*w);
	*w = NULL;
}
