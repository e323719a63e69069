/* SPDX-License-Identifier: BSD-2-Clause */
/* top.c - the worst waits of now, live: counted in the kernel, looked at every second. */
#include "cmd/cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "capture/filter_spec.h"
#include "capture/host.h"
#include "cli/options.h"
#include "top/sampler.h"
#include "top/screen.h"
#include "top/view.h"

#define NS_PER_S      1000000000ull
#define MIN_EVERY_NS  100000000ull
#define DEFAULT_ROWS  20
#define LINES_BESIDES 3 /* of the screen: head, titles, keys */

struct settings {
	uint64_t every_ns, count, rows;
	const char *pid, *comm, *sort;
	bool plain;
};

struct session {
	const struct settings *settings;
	struct kf_top *top;
	struct kf_screen screen;
	struct kf_top_view view;
	int signals; /* signalfd */
	bool on_screen;
	bool quits;
	uint64_t shown;
};

static uint64_t real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int draw(struct session *s, struct kf_top_sample *sample, struct kf_error *e)
{
	unsigned int lines;
	char *text = NULL;
	size_t len;
	FILE *out;

	kf_screen_size(&lines, &s->view.width);
	s->view.rows = lines > LINES_BESIDES ? lines - LINES_BESIDES : 1;
	out = open_memstream(&text, &len);
	if (!out)
		return kf_fail_memory(e, "the screen");
	if (kf_top_view_write(&s->view, sample, real_ns(), out, e)) {
		fclose(out);
		free(text);
		return -1;
	}
	fprintf(out, "%.*s", (int)s->view.width, "q quits; r, f: worst wait to run, in futex first");
	if (fclose(out)) {
		free(text);
		return kf_fail_memory(e, "the screen");
	}
	kf_screen_draw(text);
	free(text);
	return 0;
}

static int show(struct session *s, struct kf_error *e)
{
	struct kf_top_sample sample;
	int err;

	if (kf_top_take(s->top, &sample, e))
		return -1;
	if (s->on_screen) {
		err = draw(s, &sample, e);
	} else {
		if (s->shown)
			putchar('\n');
		err = kf_top_view_write(&s->view, &sample, real_ns(), stdout, e);
	}
	kf_top_sample_release(&sample);
	if (err)
		return -1;
	s->shown++;
	if (fflush(stdout) || ferror(stdout)) {
		s->quits = true; /* whoever read has enough */
		return errno == EPIPE ? 0 : kf_fail_errno(e, errno, NULL, "cannot write to standard output");
	}
	if (s->settings->count && s->shown >= s->settings->count)
		s->quits = true;
	return 0;
}

static void take_signal(struct session *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		if (s->on_screen)
			kf_screen_leave(&s->screen);
		kill(getpid(), SIGSTOP);
		break;
	case SIGCONT:
		break;
	case SIGWINCH:
		return; /* the next look sees the new size */
	default:
		s->quits = true;
		return;
	}
	if (s->on_screen)
		kf_screen_enter(&s->screen);
}

static void take_keys(struct session *s)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	for (ssize_t i = 0; i < n; i++) {
		if (keys[i] == 'q' || keys[i] == 'Q')
			s->quits = true;
		else if (keys[i] == 'r')
			s->view.order = KF_TOP_BY_RUNQ;
		else if (keys[i] == 'f')
			s->view.order = KF_TOP_BY_FUTEX;
	}
}

/* Until that moment, or until something ends it all. */
static int sleep_until(struct session *s, uint64_t until_ns, struct kf_error *e)
{
	struct pollfd fds[] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->screen.has_keys ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 }, /* only whether the reader of a pipe is gone */
	};

	for (uint64_t now_ns = kf_now_ns(); !s->quits && now_ns < until_ns; now_ns = kf_now_ns()) {
		struct timespec left = { .tv_sec = (time_t)((until_ns - now_ns) / NS_PER_S),
					 .tv_nsec = (long)((until_ns - now_ns) % NS_PER_S) };

		if (ppoll(fds, sizeof(fds) / sizeof(fds[0]), &left, NULL) < 0 && errno != EINTR)
			return kf_fail_errno(e, errno, NULL, "cannot wait for keys and signals");
		if (fds[0].revents)
			take_signal(s);
		if (fds[1].revents & POLLIN)
			take_keys(s);
		else if (fds[1].revents)
			s->quits = true; /* the terminal is gone */
		if (fds[2].revents & (POLLERR | POLLHUP))
			s->quits = true;
	}
	return 0;
}

static int loop(struct session *s, struct kf_error *e)
{
	uint64_t next_ns = kf_now_ns() + s->settings->every_ns;

	if (s->on_screen) {
		kf_screen_enter(&s->screen);
		kf_screen_draw("counting waits ...");
	}
	while (!s->quits) {
		if (sleep_until(s, next_ns, e))
			return -1;
		if (!s->quits && show(s, e))
			return -1;
		next_ns += s->settings->every_ns;
		if (next_ns < kf_now_ns()) /* stopped, or starved: looks do not pile up */
			next_ns = kf_now_ns() + s->settings->every_ns;
	}
	return 0;
}

static int open_signals(struct session *s, struct kf_error *e)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return s->signals < 0 ? kf_fail_errno(e, errno, NULL, "cannot listen to signals") : 0;
}

static int run(struct session *s, struct kf_error *e)
{
	struct kf_checks checks;
	int err;

	kf_host_check(&checks);
	if (kf_host_require(&checks, e) || open_signals(s, e) || kf_top_open(&s->top, e))
		return -1;
	err = loop(s, e);
	kf_screen_leave(&s->screen);
	kf_top_close(&s->top);
	return err;
}

static int set_order(struct session *s, struct kf_error *e)
{
	static const char *const names[] = { "runq", "futex", NULL };
	const char *near;

	for (int order = KF_TOP_BY_RUNQ; names[order]; order++)
		if (!strcmp(s->settings->sort, names[order])) {
			s->view.order = (enum kf_top_order)order;
			return 0;
		}
	near = kf_nearest(s->settings->sort, names);
	return kf_fail(e, KF_USAGE, "runq or futex", "bad --sort '%s'%s%s%s", s->settings->sort,
		       near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* One that exists, as for `record`. */
static int set_pid(struct session *s, struct kf_error *e)
{
	struct kf_filter_spec spec = { .n_pids = 0 };
	int err = 0;

	if (!s->settings->pid)
		return 0;
	err = kf_filter_spec_add_pids(&spec, s->settings->pid, e);
	if (!err && spec.n_pids != 1)
		err = kf_fail(e, KF_USAGE, "--comm 'nginx*' shows several", "'%.100s' is more than one process",
			      s->settings->pid);
	s->view.pid = spec.pids[0];
	kf_filter_spec_release(&spec);
	return err;
}

static int check(struct session *s, struct kf_error *e)
{
	const struct settings *o = s->settings;

	if (o->every_ns < MIN_EVERY_NS)
		return kf_fail(e, KF_USAGE, "100ms and more", "--every is too short");
	s->view.comm = o->comm;
	s->view.rows = o->rows;
	s->on_screen = !o->plain && isatty(STDOUT_FILENO);
	return set_pid(s, e) || set_order(s, e) ? -1 : 0;
}

static int parse(struct settings *o, int argc, char **argv, struct kf_error *e)
{
	const struct kf_option options[] = {
		{ "pid", 'p', KF_OPT_STRING, &o->pid, "PID", "only this process" },
		{ "comm", 0, KF_OPT_STRING, &o->comm, "GLOB", "only processes with such a name: 'nginx*'" },
		{ "every", 0, KF_OPT_TIME, &o->every_ns, "TIME", "time between two looks (default 1s)" },
		{ "count", 0, KF_OPT_COUNT, &o->count, "N", "end after N looks" },
		{ "sort", 0, KF_OPT_STRING, &o->sort, "WHAT", "longest wait to run first: runq (default), or futex" },
		{ "top", 0, KF_OPT_UINT, &o->rows, "N", "so many processes (default 20; on a terminal what fits)" },
		{ "plain", 0, KF_OPT_FLAG, &o->plain, NULL,
		  "a table below the other, as on a pipe, instead of a screen" },
		{ 0 },
	};
	const struct kf_command command = {
		.name = "top",
		.summary = "the worst waits of now, live (root)",
		.description =
			"Per process and since the last look: how many threads are ready and not running (ready), how "
			"often and how long they waited to run (waits/s, ms/s; half of the waits no longer than p50, "
			"99 of 100 no longer than p99; max counts those that have not ended, too), and how long they "
			"waited in futex(2): for locks and condition variables, but idle threads for work, too. "
			"Percentiles are exact to an eighth. The kernel counts, no event is recorded: a switch and "
			"its wake-up take some 0.25 us more, two thirds of what `record` costs.",
		.examples = "  sudo kflight top\n"
			    "  sudo kflight top --comm 'nginx*' --sort futex\n"
			    "  sudo kflight top -p 2144 --every 10s --count 6 > waits.txt\n",
		.options = options,
	};
	struct kf_operands operands = { 0 };
	int ret = kf_options_parse(&command, argc, argv, &operands, e);

	free(operands.items);
	return ret;
}

int cmd_top(int argc, char **argv)
{
	struct settings o = { .every_ns = NS_PER_S, .rows = DEFAULT_ROWS, .sort = "runq" };
	struct session s = { .settings = &o, .signals = -1 };
	struct kf_error e = { 0 };
	int ret = parse(&o, argc, argv, &e);

	if (ret)
		return ret > 0 ? KF_OK : kf_error_print(&e);
	if (check(&s, &e) || run(&s, &e))
		ret = kf_error_print(&e);
	if (s.signals >= 0)
		close(s.signals);
	return ret;
}
