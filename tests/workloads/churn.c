/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * churn.c - threads and processes that are born and die quickly.
 *
 *	churn threads|forks|storm|reuse [-s SECONDS]
 *
 * threads: starts and joins threads in groups of eight. forks: children in groups of eight, each a short sleep and some
 * work. storm: a child as soon as another has ended, 32 at a time, which all work and never sleep.
 * reuse: one child after the other gets the same tid (clone3 with set_tid), each with a name of its own: reuse-1,
 * reuse-2, ... Prints at its end {"mode", "born", "tid"}; tid is the reused one.
 */
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "workload.h"

#define GROUP 8

static void short_life(void)
{
	sleep_until(now_ns() + 200000);
	burn_until(now_ns() + 100000);
}

static void *short_thread(void *unused)
{
	(void)unused;
	short_life();
	return NULL;
}

static unsigned churn_threads(uint64_t end)
{
	pthread_t group[GROUP];
	unsigned born = 0;

	while (now_ns() < end) {
		int n = 0;

		while (n < GROUP && !pthread_create(&group[n], NULL, short_thread, NULL))
			n++;
		for (int i = 0; i < n; i++)
			pthread_join(group[i], NULL);
		born += (unsigned)n;
	}
	return born;
}

static unsigned churn_forks(uint64_t end)
{
	unsigned born = 0;

	while (now_ns() < end) {
		int n = 0;

		for (; n < GROUP; n++) {
			pid_t pid = fork();

			if (!pid) {
				short_life();
				_exit(0);
			}
			if (pid < 0)
				break;
		}
		born += (unsigned)n;
		while (n-- > 0)
			wait(NULL);
	}
	return born;
}

static unsigned churn_storm(uint64_t end)
{
	unsigned born = 0, alive = 0;

	while (now_ns() < end) {
		pid_t pid = fork();

		if (!pid) {
			burn_until(now_ns() + 300000);
			_exit(0);
		}
		if (pid > 0) {
			born++;
			alive++;
		}
		if (pid < 0 || alive == 4 * GROUP)
			alive -= wait(NULL) > 0;
	}
	while (wait(NULL) > 0)
		;
	return born;
}

static pid_t fork_as(pid_t tid)
{
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1 };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static unsigned churn_one_tid(uint64_t end, pid_t *tid)
{
	unsigned born = 0;

	*tid = fork();
	if (!*tid)
		_exit(0);
	waitpid(*tid, NULL, 0);
	while (now_ns() < end) {
		char name[16];
		pid_t pid = fork_as(*tid);

		if (!pid) {
			snprintf(name, sizeof(name), "reuse-%u", born + 1);
			prctl(PR_SET_NAME, name);
			short_life();
			_exit(0);
		}
		if (pid > 0) {
			born++;
			waitpid(pid, NULL, 0);
		} else if (errno == EPERM || errno == ENOSYS || errno == EINVAL) {
			give_up(WORKLOAD_SKIP, "cannot choose a tid: %s", strerror(errno));
		} /* EEXIST: somebody else has it just now */
	}
	return born;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	double seconds = argc > 3 && !strcmp(argv[2], "-s") ? number(argv[3]) : 5;
	uint64_t end = now_ns() + (uint64_t)(seconds * NS_PER_S);
	unsigned born;
	pid_t tid = 0;

	if (!strcmp(mode, "threads"))
		born = churn_threads(end);
	else if (!strcmp(mode, "forks"))
		born = churn_forks(end);
	else if (!strcmp(mode, "storm"))
		born = churn_storm(end);
	else if (!strcmp(mode, "reuse"))
		born = churn_one_tid(end, &tid);
	else
		give_up(2, "usage: churn threads|forks|storm|reuse [-s SECONDS]");
	printf("{\"mode\":\"%s\",\"born\":%u,\"tid\":%d}\n", mode, born, tid);
	return 0;
}
