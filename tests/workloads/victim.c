/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * victim.c - a thread that measures when it was not run.
 *
 *	victim [-c CPU] [-p PERIOD_MS] [-w WORK_MS] [-s SECONDS] [-n NICE] [-r] [-y] [-k SLACK_MS] [-l] [-j JOURNAL]
 *
 * Wakes on absolute times of CLOCK_MONOTONIC, burns WORK_MS (default 0) and sleeps again; PERIOD 0 never sleeps.
 * -r takes a low real-time priority where that is allowed, so that only the hog with its higher one stands in its way,
 * and not whatever else a busy host runs. -y yields its CPU all the time while it burns. -k lets its timers be late by so
 * much; it then sleeps in poll with a time-out of one period, and the journal tells of the sleeps instead of the
 * lateness. -l stays after the end, until killed.
 *
 * Journal: begins with {"name", "tid", "begin_ns"}; for every wake-up {"tid", "due_ns", "woke_ns", "late_ns"}; for every
 * jump of the clock while burning, and every sleep with -k, {"tid", "start_ns", "end_ns"}.
 */
#include <poll.h>

#include "workload.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

struct victim {
	struct common_options common;
	uint64_t period;
	uint64_t work;
	uint64_t slack;
	int nice_value;
	int realtime;
	int yield;
	int stay;
	FILE *journal;
};

static void take_options(struct victim *v, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS "p:w:n:ryk:l")) != -1) {
		switch (opt) {
		case 'p':
			v->period = milliseconds(optarg);
			break;
		case 'w':
			v->work = milliseconds(optarg);
			break;
		case 'n':
			v->nice_value = atoi(optarg);
			break;
		case 'r':
			v->realtime = 1;
			break;
		case 'y':
			v->yield = 1;
			break;
		case 'k':
			v->slack = milliseconds(optarg);
			break;
		case 'l':
			v->stay = 1;
			break;
		default:
			take_common(&v->common, opt, optarg);
		}
	}
}

/* Returns how late it was. */
static uint64_t sleep_watching(const struct victim *v, uint64_t due)
{
	uint64_t asleep = now_ns(), woke, late;

	if (v->slack)
		poll(NULL, 0, (int)(v->period / NS_PER_MS));
	else
		sleep_until(due);
	woke = now_ns();
	late = woke - due;
	if (v->slack)
		journal_wait(v->journal, my_tid(), asleep, woke);
	else
		fprintf(v->journal, "{\"tid\":%d,\"due_ns\":%lu,\"woke_ns\":%lu,\"late_ns\":%lu}\n", my_tid(), due,
			woke, late);
	return late;
}

/* Returns its worst lateness. */
static uint64_t live(const struct victim *v)
{
	uint64_t due = now_ns(), end = end_of(&v->common), worst = 0;

	while (!stopped && due < end) {
		uint64_t late;

		if (!v->period) {
			due += 10 * NS_PER_MS; /* how often to look whether it was stopped */
			burn_watching(due, v->journal, v->yield);
			continue;
		}
		if (v->slack)
			due = now_ns();
		due += v->period;
		late = sleep_watching(v, due);
		if (late > worst)
			worst = late;
		if (v->work)
			burn_watching(now_ns() + v->work, v->journal, v->yield);
	}
	return worst;
}

int main(int argc, char **argv)
{
	struct victim v = { .common = COMMON_DEFAULTS, .period = 10 * NS_PER_MS };
	uint64_t worst;

	take_options(&v, argc, argv);
	pin_to(v.common.cpu);
	take_nice(v.nice_value);
	if (v.realtime)
		take_realtime(1);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	prctl(PR_SET_TIMERSLACK, v.slack ? v.slack : 1); /* the kernel's 50 us would count as lateness */
	v.journal = journal_open(v.common.journal);
	journal_begin(v.journal, "victim", my_tid());
	worst = live(&v);
	fclose(v.journal);
	fprintf(stderr, "victim: worst lateness %.2f ms\n", (double)worst / NS_PER_MS);
	while (v.stay && !stopped)
		pause();
	return 0;
}
