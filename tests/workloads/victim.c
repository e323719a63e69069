/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * victim.c - a periodic thread that measures its own lateness.
 *
 *	victim [-c CPU] [-p PERIOD_MS] [-s SECONDS] [-r] [-j JOURNAL]
 *
 * -r takes a low real-time priority where that is allowed, so that only the hog with its higher one stands in its way,
 * and not whatever else a busy host runs. Wakes on absolute times of CLOCK_MONOTONIC and writes for every wake-up: {"tid", "due_ns", "woke_ns", "late_ns"}.
 */
#include <signal.h>

#include "workload.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

int main(int argc, char **argv)
{
	uint64_t period = 10 * NS_PER_MS, due, end, worst = 0;
	double seconds = 5;
	const char *path = NULL;
	FILE *journal;
	int opt;

	while ((opt = getopt(argc, argv, "c:p:s:rj:")) != -1) {
		switch (opt) {
		case 'c':
			pin_to((int)number(optarg));
			break;
		case 'p':
			period = (uint64_t)(number(optarg) * NS_PER_MS);
			break;
		case 's':
			seconds = number(optarg);
			break;
		case 'r':
			take_realtime(1);
			break;
		case 'j':
			path = optarg;
			break;
		default:
			return 2;
		}
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	prctl(PR_SET_TIMERSLACK, 1); /* the kernel's 50 us would count as lateness */
	journal = journal_open(path);
	due = now_ns();
	end = due + (uint64_t)(seconds * NS_PER_S);
	while (!stopped && due < end) {
		uint64_t woke, late;

		due += period;
		sleep_until(due);
		woke = now_ns();
		late = woke - due;
		if (late > worst)
			worst = late;
		fprintf(journal, "{\"tid\":%d,\"due_ns\":%lu,\"woke_ns\":%lu,\"late_ns\":%lu}\n", my_tid(), due, woke,
			late);
	}
	fclose(journal);
	fprintf(stderr, "victim: worst lateness %.2f ms\n", (double)worst / NS_PER_MS);
	return 0;
}
