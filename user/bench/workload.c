/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/workload.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"

#define BATCHES	   60
#define BATCH_NS   2500000
#define WARM_UP_NS 20000000

const char *kf_workload_name(enum kf_workload workload)
{
	return workload == KF_WORKLOAD_PIPE ? "pipe ping-pong" : "getppid loop";
}

const char *kf_workload_unit(enum kf_workload workload)
{
	return workload == KF_WORKLOAD_PIPE ? "round trip" : "call";
}

/* One end of a conversation: in and out are pipes. */
struct link {
	int in, out;
};

/* Both loops return false when the other side has gone. */
static bool ping(const struct link *link, uint64_t rounds)
{
	char byte = 'x';

	for (uint64_t i = 0; i < rounds; i++)
		if (write(link->out, &byte, 1) != 1 || read(link->in, &byte, 1) != 1)
			return false;
	return true;
}

static bool call(const struct link *link, uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++)
		syscall(SYS_getppid); /* a real call: the C library does not answer by itself */
	return true;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* 0 when the other side has gone. */
static double measure(bool (*run)(const struct link *, uint64_t), const struct link *link)
{
	uint64_t start_ns = kf_now_ns(), warmed_ns = 0, rounds = 0, step = 256;
	double per_round[BATCHES];

	for (; warmed_ns < WARM_UP_NS; rounds += step, warmed_ns = kf_now_ns() - start_ns)
		if (!run(link, step))
			return 0;
	rounds = rounds * BATCH_NS / warmed_ns + 1;
	for (int i = 0; i < BATCHES; i++) {
		start_ns = kf_now_ns();
		if (!run(link, rounds))
			return 0;
		per_round[i] = (double)(kf_now_ns() - start_ns) / (double)rounds;
	}
	qsort(per_round, BATCHES, sizeof(per_round[0]), compare);
	return per_round[BATCHES / 5];
}

static void echo(const struct link *link)
{
	char byte;

	while (read(link->in, &byte, 1) == 1 && write(link->out, &byte, 1) == 1)
		;
}

/* Starts the other side as a child of its own, which ends when its pipe does. */
static double ping_pong(void)
{
	struct link near = { -1, -1 }, far = { -1, -1 };
	int there[2], back[2];
	double ns;
	pid_t pid;

	if (pipe(there) || pipe(back))
		return 0;
	near = (struct link){ back[0], there[1] };
	far = (struct link){ there[0], back[1] };
	pid = fork();
	if (pid < 0)
		return 0;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(near.in);
		close(near.out);
		echo(&far);
		_exit(0);
	}
	close(far.in);
	close(far.out);
	ns = measure(ping, &near);
	close(near.out);
	waitpid(pid, NULL, 0);
	return ns;
}

static void run_in_child(enum kf_workload workload, int cpu, int result)
{
	struct link nobody = { -1, -1 };
	cpu_set_t set;
	sigset_t none;
	double ns;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL); /* the parent blocks Ctrl-C to clean up; we just end */
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	setpriority(PRIO_PROCESS, 0, -20);
	ns = workload == KF_WORKLOAD_PIPE ? ping_pong() : measure(call, &nobody);
	_exit(write(result, &ns, sizeof(ns)) != sizeof(ns));
}

int kf_workload_run(enum kf_workload workload, int cpu, double *ns, struct kf_error *e)
{
	int result[2];
	ssize_t got;
	pid_t pid;

	if (pipe(result))
		return kf_fail_errno(e, errno, NULL, "cannot create a pipe");
	pid = fork();
	if (!pid)
		run_in_child(workload, cpu, result[1]);
	close(result[1]);
	if (pid < 0) {
		close(result[0]);
		return kf_fail_errno(e, errno, NULL, "cannot start the workload");
	}
	do
		got = read(result[0], ns, sizeof(*ns));
	while (got < 0 && errno == EINTR);
	close(result[0]);
	waitpid(pid, NULL, 0);
	if (got != sizeof(*ns) || *ns <= 0)
		return kf_fail(e, KF_HOST, NULL, "the workload '%s' ended without a result",
			       kf_workload_name(workload));
	return 0;
}
