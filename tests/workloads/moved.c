/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moved.c - a thread that is moved to another CPU in the middle of its wait.
 *
 *	moved [-c CPU] [-s SECONDS] [-j JOURNAL]
 *
 * In each round of 50 ms a SCHED_FIFO thread hog-a takes CPU (default 0) for 8 ms and hog-b the next one for 16 ms. The thread
 * `moved` wakes up behind hog-a; 4 ms later it is sent to hog-b's CPU, where it waits on. Journal, by `moved`:
 * {"tid", "start_ns", "end_ns", "moved_ns"}, moved_ns when the order to move was given. At
 * the end all stay until they are killed. Exits with WORKLOAD_SKIP if there is one CPU only, or SCHED_FIFO is refused.
 */
#include <pthread.h>

#include "workload.h"

#define ROUND (50 * NS_PER_MS)

static struct moved {
	struct common_options common;
	uint64_t first;
	unsigned rounds;
	int tid; /* of the one that is moved */
	uint64_t moved_ns;
	FILE *journal;
	pthread_barrier_t barrier;
	unsigned done;
} m = { .common = { .cpu = 0, .seconds = 5 } };

static void allow_only(int tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(tid, sizeof(set), &set))
		give_up(WORKLOAD_SKIP, "cannot run on CPU %d: %s", cpu, strerror(errno));
}

static void hog_a(uint64_t round)
{
	burn_until(round + 8 * NS_PER_MS);
}

static void hog_b(uint64_t round)
{
	burn_until(round + 16 * NS_PER_MS);
}

static void victim(uint64_t round)
{
	uint64_t due = round + NS_PER_MS;

	fprintf(m.journal, "{\"tid\":%d,\"start_ns\":%lu,\"end_ns\":%lu,\"moved_ns\":%lu}\n", m.tid, due, now_ns(),
		__atomic_load_n(&m.moved_ns, __ATOMIC_SEQ_CST));
	allow_only(0, m.common.cpu);
}

static void mover(uint64_t round)
{
	(void)round;
	__atomic_store_n(&m.moved_ns, now_ns(), __ATOMIC_SEQ_CST);
	allow_only(m.tid, m.common.cpu + 1);
}

static const struct part {
	const char *name;
	int realtime;
	int cpu; /* from -c on */
	uint64_t starts;
	void (*round)(uint64_t round);
} parts[] = {
	{ "hog-a", 2, 0, 0, hog_a },
	{ "hog-b", 2, 1, 0, hog_b },
	{ "moved", 0, 0, 1 * NS_PER_MS, victim },
	{ "mover", 3, 1, 5 * NS_PER_MS, mover },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void *play(void *arg)
{
	const struct part *p = arg;

	take_name(p->name);
	take_exact_timers();
	allow_only(0, m.common.cpu + p->cpu);
	if (p->realtime && !take_realtime(p->realtime))
		give_up(WORKLOAD_SKIP, "this host refuses SCHED_FIFO: %s", strerror(errno));
	if (p->round == victim)
		m.tid = my_tid();
	journal_begin(m.journal, p->name, my_tid());
	pthread_barrier_wait(&m.barrier);
	for (unsigned i = 0; i < m.rounds; i++) {
		sleep_until(m.first + i * ROUND + p->starts);
		p->round(m.first + i * ROUND);
	}
	done_and_stay(&m.done);
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS)) != -1)
		take_common(&m.common, opt, optarg);
	m.journal = journal_open(m.common.journal);
	m.first = now_ns() + 50 * NS_PER_MS;
	m.rounds = (unsigned)(m.common.seconds * NS_PER_S / ROUND);
	pthread_barrier_init(&m.barrier, NULL, PARTS + 1);
	for (size_t i = 0; i < PARTS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, play, (void *)&parts[i]))
			give_up(1, "cannot start a thread");
	}
	pthread_barrier_wait(&m.barrier);
	wait_until_done(&m.done, PARTS);
	fclose(m.journal);
	stay_until_killed();
}
