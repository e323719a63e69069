/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stopped.c - a process that is stopped and continued again and again.
 *
 *	stopped [-c CPU] [-s SECONDS] [-j JOURNAL]
 *
 * A child, named `stopped`, burns CPU; its parent sends it SIGSTOP for 20 ms in every 30 ms. Journal, by the parent: from each
 * SIGSTOP to its SIGCONT. At the end the child is killed, and the parent stays until it is.
 */
#include "workload.h"

static void __attribute__((noreturn)) be_stopped(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	take_name("stopped");
	for (;;)
		burn_until(now_ns() + NS_PER_S);
}

int main(int argc, char **argv)
{
	struct common_options common = COMMON_DEFAULTS;
	uint64_t end, next;
	FILE *journal;
	pid_t child;
	int opt;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS)) != -1)
		take_common(&common, opt, optarg);
	pin_to(common.cpu);
	take_exact_timers();
	journal = journal_open(common.journal);
	child = fork();
	if (child < 0)
		give_up(1, "cannot fork: %s", strerror(errno));
	if (!child)
		be_stopped();
	end = end_of(&common);
	next = now_ns() + 10 * NS_PER_MS;
	journal_begin(journal, "stopped", child);
	while (next < end) {
		uint64_t start;

		sleep_until(next);
		kill(child, SIGSTOP);
		start = now_ns();
		sleep_until(start + 20 * NS_PER_MS);
		journal_wait(journal, child, start, now_ns());
		kill(child, SIGCONT);
		next = now_ns() + 10 * NS_PER_MS;
	}
	kill(child, SIGKILL);
	fclose(journal);
	stay_until_killed();
}
