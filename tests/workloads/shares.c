/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shares.c - processes that flood the recorder with records, and quiet ones whose records must survive beside them.
 *
 *	shares calls|forks|renames|busy|quiet|births [-s SECONDS]
 *
 * calls, forks and renames do that as fast as they can. quiet calls getppid(2) every ms, busy 20 times a ms; births forks every 20 ms a process that
 * gives itself the name "born" and calls getppid(2). They write a line {"call_ns"} for each call (busy for the last of each 20), the time right behind it.
 */
#include <sys/wait.h>

#include "workload.h"

static volatile sig_atomic_t over;

static void stop(int signal)
{
	over = 1;
}

static void call(void)
{
	syscall(SYS_getppid);
}

static void fork_one(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void rename_one(void)
{
	prctl(PR_SET_NAME, "renames");
}

static void call_and_tell(void)
{
	call();
	printf("{\"call_ns\": %llu}\n", (unsigned long long)now_ns());
	fflush(stdout);
}

static void call_quietly(void)
{
	call_and_tell();
	usleep(1000);
}

static void call_often(void)
{
	for (int i = 1; i < 20; i++)
		call();
	call_quietly();
}

static void bear_one(void)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_NAME, "born");
		call_and_tell();
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
	usleep(20000);
}

static const struct {
	const char *name;
	void (*step)(void);
} roles[] = {
	{ "calls", call },	{ "forks", fork_one },	   { "renames", rename_one },
	{ "busy", call_often }, { "quiet", call_quietly }, { "births", bear_one },
};

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 3 && !strcmp(argv[2], "-s") ? strtoull(argv[3], NULL, 10) : 3600, until_ns;

	signal(SIGTERM, stop);
	until_ns = now_ns() + seconds * NS_PER_S;
	for (size_t i = 0; argc > 1 && i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(argv[1], roles[i].name))
			continue;
		prctl(PR_SET_NAME, roles[i].name);
		for (unsigned int step = 0; !over && (step % 256 || now_ns() < until_ns); step++)
			roles[i].step();
		return 0;
	}
	fprintf(stderr, "usage: shares calls|forks|renames|busy|quiet|births [-s SECONDS]\n");
	return 2;
}
