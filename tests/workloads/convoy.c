/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convoy.c - threads that stand in line for one lock.
 *
 *	convoy [-t WAITERS] [-h HOLD_MS] [-s SECONDS] [-j JOURNAL]
 *
 * One thread more than WAITERS (default 8) goes through one mutex, over and over: holds it for HOLD_MS (default 3, asleep),
 * lets it go, and stands in line again. All are named convoy-N. Prints {"address"}: of the lock. Journal: how long each
 * stood in line. At the end all stay until they are killed.
 */
#include <pthread.h>

#include "workload.h"

static struct convoy {
	struct common_options common;
	unsigned waiters;
	uint64_t hold;
	uint64_t end;
	FILE *journal;
	pthread_mutex_t lock;
	uint64_t first; /* when all begin */
	unsigned done;
} c = { .common = COMMON_DEFAULTS, .waiters = 8, .hold = 3 * NS_PER_MS, .lock = PTHREAD_MUTEX_INITIALIZER };

static void *stand_in_line(void *arg)
{
	char name[16];

	snprintf(name, sizeof(name), "convoy-%lu", (unsigned long)(uintptr_t)arg);
	take_name(name);
	take_exact_timers();
	sleep_until(c.first);
	journal_begin(c.journal, name, my_tid());
	while (now_ns() < c.end) {
		uint64_t start = now_ns(), got;

		pthread_mutex_lock(&c.lock);
		got = now_ns();
		if (got - start >= JUMP_NS)
			journal_wait(c.journal, my_tid(), start, got);
		sleep_until(got + c.hold);
		pthread_mutex_unlock(&c.lock);
		sleep_until(now_ns() + NS_PER_MS / 2); /* or it would have the lock again before anybody woke up */
	}
	done_and_stay(&c.done);
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS "t:h:")) != -1) {
		switch (opt) {
		case 't':
			c.waiters = (unsigned)number(optarg);
			break;
		case 'h':
			c.hold = milliseconds(optarg);
			break;
		default:
			take_common(&c.common, opt, optarg);
		}
	}
	c.journal = journal_open(c.common.journal);
	c.first = now_ns() + 50 * NS_PER_MS;
	c.end = end_of(&c.common) + 50 * NS_PER_MS;
	printf("{\"address\":\"%p\"}\n", (void *)&c.lock);
	fflush(stdout);
	for (unsigned i = 0; i <= c.waiters; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, stand_in_line, (void *)(uintptr_t)i))
			give_up(1, "cannot start a thread");
	}
	wait_until_done(&c.done, c.waiters + 1);
	fclose(c.journal);
	stay_until_killed();
}
