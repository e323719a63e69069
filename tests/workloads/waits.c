/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waits.c - waits of known kind and length.
 *
 *	waits mutex|cond|pipe|socket|poll|sleep [-n ROUNDS] [-w WAIT_MS] [-j JOURNAL]
 *	waits stuck [-s SECONDS]
 *
 * In each round the waiting side (named w-KIND) waits about WAIT_MS for the other side, which holds the lock, or sleeps
 * before it signals or writes. Journal, written by the waiting side: {"kind", "tid", "round", "start_ns", "end_ns"}.
 * `stuck` waits on a futex that nobody wakes for SECONDS.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "workload.h"

struct job {
	const char *kind;
	unsigned rounds;
	uint64_t wait_ns;
	FILE *journal;
	int ends[2]; /* [0] is read by the waiting side */
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned signalled;
	pthread_barrier_t barrier;
};

static void wait_mutex(struct job *j, unsigned round)
{
	(void)round;
	pthread_mutex_lock(&j->mutex);
	pthread_mutex_unlock(&j->mutex);
}

static void wait_cond(struct job *j, unsigned round)
{
	pthread_mutex_lock(&j->mutex);
	while (j->signalled <= round)
		pthread_cond_wait(&j->cond, &j->mutex);
	pthread_mutex_unlock(&j->mutex);
}

static void wait_read(struct job *j, unsigned round)
{
	char byte;

	(void)round;
	if (read(j->ends[0], &byte, 1) != 1)
		give_up(1, "read: %s", strerror(errno));
}

static void wait_recv(struct job *j, unsigned round)
{
	char byte;

	(void)round;
	if (recv(j->ends[0], &byte, 1, 0) != 1)
		give_up(1, "recv: %s", strerror(errno));
}

static void wait_poll(struct job *j, unsigned round)
{
	struct pollfd p = { .fd = j->ends[0], .events = POLLIN };

	poll(&p, 1, -1);
	wait_read(j, round);
}

static void wait_sleep(struct job *j, unsigned round)
{
	(void)round;
	sleep_until(now_ns() + j->wait_ns);
}

static void end_mutex(struct job *j)
{
	pthread_mutex_unlock(&j->mutex);
}

static void end_cond(struct job *j)
{
	pthread_mutex_lock(&j->mutex);
	j->signalled++;
	pthread_cond_signal(&j->cond);
	pthread_mutex_unlock(&j->mutex);
}

static void end_write(struct job *j)
{
	if (write(j->ends[1], "x", 1) != 1)
		give_up(1, "write: %s", strerror(errno));
}

static void end_nothing(struct job *j)
{
	(void)j;
}

static const struct kind {
	const char *name;
	void (*wait)(struct job *j, unsigned round);
	void (*end)(struct job *j);
} kinds[] = {
	{ "mutex", wait_mutex, end_mutex }, { "cond", wait_cond, end_cond },  { "pipe", wait_read, end_write },
	{ "socket", wait_recv, end_write }, { "poll", wait_poll, end_write }, { "sleep", wait_sleep, end_nothing },
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static void *waiting_side(void *arg)
{
	struct job *j = arg;
	const struct kind *kind = find_kind(j->kind);
	char name[16];

	snprintf(name, sizeof(name), "w-%s", j->kind);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_TIMERSLACK, 1);
	for (unsigned i = 0; i < j->rounds; i++) {
		uint64_t start;

		pthread_barrier_wait(&j->barrier);
		start = now_ns();
		kind->wait(j, i);
		fprintf(j->journal, "{\"kind\":\"%s\",\"tid\":%d,\"round\":%u,\"start_ns\":%lu,\"end_ns\":%lu}\n",
			j->kind, my_tid(), i, start, now_ns());
		pthread_barrier_wait(&j->barrier);
	}
	return NULL;
}

static void other_side(struct job *j)
{
	const struct kind *kind = find_kind(j->kind);
	int locks = !strcmp(j->kind, "mutex");

	prctl(PR_SET_TIMERSLACK, 1);
	for (unsigned i = 0; i < j->rounds; i++) {
		if (locks)
			pthread_mutex_lock(&j->mutex);
		pthread_barrier_wait(&j->barrier);
		sleep_until(now_ns() + j->wait_ns);
		kind->end(j);
		pthread_barrier_wait(&j->barrier);
	}
}

static void open_ends(struct job *j)
{
	int failed = 0;

	if (!strcmp(j->kind, "socket"))
		failed = socketpair(AF_UNIX, SOCK_STREAM, 0, j->ends);
	else
		failed = pipe(j->ends);
	if (failed)
		give_up(1, "cannot make a pair of ends: %s", strerror(errno));
}

static int be_stuck(double seconds)
{
	uint64_t ns = (uint64_t)(seconds * NS_PER_S);
	struct timespec t = { .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
	uint32_t word = 0;

	prctl(PR_SET_NAME, "w-stuck");
	printf("{\"kind\":\"stuck\",\"tid\":%d,\"address\":\"%p\",\"start_ns\":%lu}\n", my_tid(), (void *)&word,
	       now_ns());
	fflush(stdout);
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct job j = { .kind = argc > 1 ? argv[1] : "", .rounds = 20, .wait_ns = 10 * NS_PER_MS };
	const char *path = NULL;
	double seconds = 5;
	pthread_t thread;
	int opt;

	optind = 2;
	while (argc > 1 && (opt = getopt(argc, argv, "n:w:j:s:")) != -1) {
		switch (opt) {
		case 'n':
			j.rounds = (unsigned)number(optarg);
			break;
		case 'w':
			j.wait_ns = (uint64_t)(number(optarg) * NS_PER_MS);
			break;
		case 'j':
			path = optarg;
			break;
		case 's':
			seconds = number(optarg);
			break;
		default:
			return 2;
		}
	}
	if (!strcmp(j.kind, "stuck"))
		return be_stuck(seconds);
	if (!find_kind(j.kind))
		give_up(2, "usage: waits mutex|cond|pipe|socket|poll|sleep|stuck [OPTIONS]");
	open_ends(&j);
	pthread_mutex_init(&j.mutex, NULL);
	pthread_cond_init(&j.cond, NULL);
	pthread_barrier_init(&j.barrier, NULL, 2);
	j.journal = journal_open(path);
	if (pthread_create(&thread, NULL, waiting_side, &j))
		give_up(1, "cannot start a thread");
	other_side(&j);
	pthread_join(thread, NULL);
	fclose(j.journal);
	return 0;
}
