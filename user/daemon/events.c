/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/events.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"

#define NS_PER_S	1000000000ULL
#define EVENTS_PER_STEP 16

struct source {
	struct source *next;
	int fd;
	kf_event_fn fn; /* NULL: forgotten, to be freed when nobody can hold it any more */
	void *context;
};

struct kf_timer {
	int fd;
	kf_event_fn fn;
	void *context;
	struct kf_timer *next;
};

struct kf_events {
	int epoll;
	struct source *sources;
	struct kf_timer *timers;
};

int kf_events_new(struct kf_events **out, struct kf_error *e)
{
	struct kf_events *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return kf_fail_memory(e, "the event loop");
	ev->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epoll < 0) {
		free(ev);
		return kf_fail_errno(e, errno, NULL, "cannot watch for events");
	}
	*out = ev;
	return 0;
}

int kf_events_watch(struct kf_events *ev, int fd, kf_event_fn fn, void *context, struct kf_error *e)
{
	struct source *source = calloc(1, sizeof(*source));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	if (!source)
		return kf_fail_memory(e, "the event loop");
	if (epoll_ctl(ev->epoll, EPOLL_CTL_ADD, fd, &event)) {
		free(source);
		return kf_fail_errno(e, errno, NULL, "cannot watch for events");
	}
	source->fd = fd;
	source->fn = fn;
	source->context = context;
	source->next = ev->sources;
	ev->sources = source;
	return 0;
}

void kf_events_forget(struct kf_events *ev, int fd)
{
	for (struct source *s = ev->sources; s; s = s->next)
		if (s->fd == fd && s->fn) {
			epoll_ctl(ev->epoll, EPOLL_CTL_DEL, fd, NULL);
			s->fn = NULL;
		}
}

static void free_forgotten(struct kf_events *ev)
{
	struct source **at = &ev->sources;

	while (*at) {
		struct source *source = *at;

		if (source->fn) {
			at = &source->next;
			continue;
		}
		*at = source->next;
		free(source);
	}
}

static void on_timer(void *timer)
{
	struct kf_timer *t = timer;
	uint64_t expirations;

	if (read(t->fd, &expirations, sizeof(expirations)) == sizeof(expirations)) /* else it was set anew meanwhile */
		t->fn(t->context);
}

int kf_events_timer(struct kf_events *ev, kf_event_fn fn, void *context, struct kf_timer **out, struct kf_error *e)
{
	struct kf_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return kf_fail_memory(e, "a timer");
	t->fn = fn;
	t->context = context;
	t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->fd < 0) {
		free(t);
		return kf_fail_errno(e, errno, NULL, "cannot make a timer");
	}
	t->next = ev->timers;
	ev->timers = t;
	if (kf_events_watch(ev, t->fd, on_timer, t, e))
		return -1; /* kf_events_free() frees it */
	*out = t;
	return 0;
}

void kf_timer_set(struct kf_timer *t, uint64_t at_ns, uint64_t every_ns)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(at_ns / NS_PER_S), .tv_nsec = (long)(at_ns % NS_PER_S) },
		.it_interval = { .tv_sec = (time_t)(every_ns / NS_PER_S), .tv_nsec = (long)(every_ns % NS_PER_S) },
	};

	timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

int kf_events_step(struct kf_events *ev, struct kf_error *e)
{
	struct epoll_event events[EVENTS_PER_STEP];
	int n = epoll_wait(ev->epoll, events, EVENTS_PER_STEP, -1);

	if (n < 0 && errno != EINTR)
		return kf_fail_errno(e, errno, NULL, "cannot wait for events");
	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;

		if (source->fn)
			source->fn(source->context);
	}
	free_forgotten(ev);
	return 0;
}

void kf_events_free(struct kf_events **events)
{
	struct kf_events *ev = *events;

	if (!ev)
		return;
	while (ev->sources) {
		struct source *source = ev->sources;

		ev->sources = source->next;
		free(source);
	}
	while (ev->timers) {
		struct kf_timer *timer = ev->timers;

		ev->timers = timer->next;
		close(timer->fd);
		free(timer);
	}
	close(ev->epoll);
	free(ev);
	*events = NULL;
}
