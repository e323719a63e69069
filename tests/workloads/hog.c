/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hog.c - takes a CPU in bursts.
 *
 *	hog [-c CPU] [-b BURST_MS] [-p PAUSE_MS] [-s SECONDS] [-n NICE] [-r] [-j JOURNAL]
 *
 * -r runs the bursts with real-time priority (SCHED_FIFO), which makes fair threads on that CPU wait for the whole
 * burst on every kernel; a host that refuses it gets the strongest nice value instead, and a line that says so.
 * The default, 8 ms in every 27.7 ms, meets a thread that wakes every 10 ms at ever other points of its burst. PAUSE 0
 * never sleeps: always give -s. SIGTERM ends it after a burst. Journal: {"tid", "start_ns", "end_ns"} per burst.
 */
#include "workload.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void take_priority(int realtime, int nice_value)
{
	if (realtime && take_realtime(2))
		return;
	if (realtime) {
		fprintf(stderr, "hog: no real-time priority (%s), using nice -15\n", strerror(errno));
		nice_value = -15;
	}
	if (nice_value && setpriority(PRIO_PROCESS, 0, nice_value))
		fprintf(stderr, "hog: cannot set nice %d: %s\n", nice_value, strerror(errno));
}

int main(int argc, char **argv)
{
	struct common_options common = COMMON_DEFAULTS;
	uint64_t burst = 8 * NS_PER_MS, pause = 19700000, end;
	int realtime = 0, nice_value = 0, opt;
	FILE *journal;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS "b:p:n:r")) != -1) {
		switch (opt) {
		case 'b':
			burst = milliseconds(optarg);
			break;
		case 'p':
			pause = milliseconds(optarg);
			break;
		case 'n':
			nice_value = atoi(optarg);
			break;
		case 'r':
			realtime = 1;
			break;
		default:
			take_common(&common, opt, optarg);
		}
	}
	pin_to(common.cpu);
	signal(SIGTERM, stop);
	journal = journal_open(common.journal);
	take_priority(realtime, nice_value);
	end = end_of(&common);
	for (uint64_t start = now_ns(); start < end && !stopped; start = now_ns()) {
		burn_until(start + burst);
		journal_wait(journal, my_tid(), start, now_ns());
		if (pause)
			sleep_until(now_ns() + pause);
	}
	fclose(journal);
	return 0;
}
