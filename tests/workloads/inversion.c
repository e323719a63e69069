/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inversion.c - priority inversion on one CPU.
 *
 *	inversion -c CPU [-b BURST_MS] [-s SECONDS] [-j JOURNAL]
 *
 * In each round of 50 ms the thread `low` (SCHED_FIFO 1) takes a lock and needs 4 ms of CPU time in it, `high`
 * (SCHED_FIFO 3) wants the lock 1 ms later, and `medium` (SCHED_FIFO 2), which wants nothing of the lock, burns for
 * BURST_MS (default 20) from 2 ms on: it keeps low off the CPU, and with it high. Journal: when high waited for the lock,
 * when low did not run, when medium burned. At the end all stay until they are killed. Exits with WORKLOAD_SKIP if the host refuses SCHED_FIFO.
 */
#include <pthread.h>

#include "workload.h"

#define ROUND (50 * NS_PER_MS)

static struct inversion {
	struct common_options common;
	uint64_t burst;
	uint64_t first; /* begin of the first round */
	unsigned rounds;
	FILE *journal;
	pthread_mutex_t lock;
	unsigned done;
} inv = { .common = COMMON_DEFAULTS, .burst = 20 * NS_PER_MS, .lock = PTHREAD_MUTEX_INITIALIZER };

static void low_round(void)
{
	uint64_t end, last;

	pthread_mutex_lock(&inv.lock);
	end = my_cpu_ns() + 4 * NS_PER_MS;
	last = now_ns();
	while (my_cpu_ns() < end) {
		uint64_t now = now_ns();

		if (now - last >= JUMP_NS)
			journal_wait(inv.journal, my_tid(), last, now);
		last = now;
	}
	pthread_mutex_unlock(&inv.lock);
}

static void medium_round(void)
{
	uint64_t start = now_ns();

	burn_until(start + inv.burst);
	journal_wait(inv.journal, my_tid(), start, now_ns());
}

static void high_round(void)
{
	uint64_t start = now_ns();

	pthread_mutex_lock(&inv.lock);
	journal_wait(inv.journal, my_tid(), start, now_ns());
	pthread_mutex_unlock(&inv.lock);
}

static const struct part {
	const char *name;
	int realtime; /* low, too: nobody but medium is to come between */
	uint64_t starts;
	void (*round)(void);
} parts[] = {
	{ "low", 1, 0, low_round },
	{ "medium", 2, 2 * NS_PER_MS, medium_round },
	{ "high", 3, 1 * NS_PER_MS, high_round },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void *play(void *arg)
{
	const struct part *p = arg;

	take_name(p->name);
	take_exact_timers();
	if (!take_realtime(p->realtime))
		give_up(WORKLOAD_SKIP, "this host refuses SCHED_FIFO: %s", strerror(errno));
	journal_begin(inv.journal, p->name, my_tid());
	for (unsigned i = 0; i < inv.rounds; i++) {
		sleep_until(inv.first + i * ROUND + p->starts);
		p->round();
	}
	done_and_stay(&inv.done);
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS "b:")) != -1) {
		if (opt == 'b')
			inv.burst = milliseconds(optarg);
		else
			take_common(&inv.common, opt, optarg);
	}
	pin_to(inv.common.cpu);
	inv.journal = journal_open(inv.common.journal);
	inv.first = now_ns() + 20 * NS_PER_MS;
	inv.rounds = (unsigned)(inv.common.seconds * NS_PER_S / ROUND);
	for (size_t i = 0; i < PARTS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, play, (void *)&parts[i]))
			give_up(1, "cannot start a thread");
	}
	wait_until_done(&inv.done, PARTS);
	fclose(inv.journal);
	stay_until_killed();
}
