/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crowd.c - many threads that each run for a moment.
 *
 *	crowd [-t THREADS] [-b BURST_US] [-p PAUSE_US] [-c CPU] [-s SECONDS]
 *
 * No single one of them takes much; together they keep a CPU busy. Defaults: 40 threads, 200 us in every 2 ms.
 */
#include <pthread.h>

#include "workload.h"

struct crowd {
	struct common_options common;
	unsigned threads;
	uint64_t burst;
	uint64_t pause;
	uint64_t end;
};

static void *one_of_many(void *arg)
{
	const struct crowd *c = arg;

	take_exact_timers();
	while (now_ns() < c->end) {
		burn_until(now_ns() + c->burst);
		sleep_until(now_ns() + c->pause);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct crowd c = { .common = COMMON_DEFAULTS, .threads = 40, .burst = 200000, .pause = 1800000 };
	int opt;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS "t:b:p:")) != -1) {
		switch (opt) {
		case 't':
			c.threads = (unsigned)number(optarg);
			break;
		case 'b':
			c.burst = (uint64_t)(number(optarg) * 1000);
			break;
		case 'p':
			c.pause = (uint64_t)(number(optarg) * 1000);
			break;
		default:
			take_common(&c.common, opt, optarg);
		}
	}
	pin_to(c.common.cpu);
	c.end = end_of(&c.common);
	for (unsigned i = 1; i < c.threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, one_of_many, &c))
			give_up(1, "cannot start a thread");
		pthread_detach(thread);
	}
	one_of_many(&c);
	return 0;
}
