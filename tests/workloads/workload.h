/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * workload.h - what the test workloads share: the clock, waiting, burning CPU, pinning, common options, and the journal in
 * which they write what they really did, one JSON object per line with times in CLOCK_MONOTONIC ns.
 *
 * Lines of a journal that tests/go/cmd/blame reads:
 *
 *	{"name", "tid", "begin_ns"}         this thread is measured from here on
 *	{"tid", "start_ns", "end_ns"}       it did not run from start to end, by its own clock
 *	{..., "ran_ns"}                     but for so long
 *
 * A workload that cannot do its job on this host exits with WORKLOAD_SKIP and says why.
 */
#ifndef KF_TESTS_WORKLOAD_H
#define KF_TESTS_WORKLOAD_H

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORKLOAD_SKIP 77
#define NS_PER_MS     1000000ULL
#define NS_PER_S      1000000000ULL

/* A thread that looks at the clock all the time and finds it this much later did not run in between. */
#define JUMP_NS 100000ULL

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* CPU time of this thread. */
static inline uint64_t my_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Interrupted sleeps go on; deadlines in the past return at once. */
static inline void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static inline void burn_until(uint64_t ns)
{
	while (now_ns() < ns)
		;
}

static inline void __attribute__((noreturn, format(printf, 2, 3))) give_up(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

static inline void pin_to(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		give_up(WORKLOAD_SKIP, "cannot run on CPU %d: %s", cpu, strerror(errno));
}

/* SCHED_FIFO; 0 if this host refuses. */
static inline int take_realtime(int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return !sched_setscheduler(0, SCHED_FIFO, &p);
}

static inline void take_nice(int nice_value)
{
	if (nice_value && setpriority(PRIO_PROCESS, 0, nice_value))
		give_up(WORKLOAD_SKIP, "cannot set nice %d: %s", nice_value, strerror(errno));
}

static inline int my_tid(void)
{
	return (int)syscall(SYS_gettid);
}

static inline void take_name(const char *name)
{
	prctl(PR_SET_NAME, name);
}

/* Without the 50 us that the kernel may add to a sleep. */
static inline void take_exact_timers(void)
{
	prctl(PR_SET_TIMERSLACK, 1);
}

/* The journal is kept in memory until it is closed, so that writing it does not disturb what is measured. One per program. */
static inline FILE *journal_open(const char *path)
{
	static char buffer[4 << 20]; /* glibc takes no size without a buffer */
	FILE *f = fopen(path ? path : "/dev/null", "w");

	if (!f)
		give_up(1, "cannot write '%s': %s", path, strerror(errno));
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	return f;
}

static inline void journal_begin(FILE *f, const char *name, int tid)
{
	fprintf(f, "{\"name\":\"%s\",\"tid\":%d,\"begin_ns\":%lu}\n", name, tid, now_ns());
}

static inline void journal_wait(FILE *f, int tid, uint64_t start_ns, uint64_t end_ns)
{
	fprintf(f, "{\"tid\":%d,\"start_ns\":%lu,\"end_ns\":%lu}\n", tid, start_ns, end_ns);
}

static inline void journal_wait_and_work(FILE *f, int tid, uint64_t start_ns, uint64_t end_ns, uint64_t ran_ns)
{
	fprintf(f, "{\"tid\":%d,\"start_ns\":%lu,\"end_ns\":%lu,\"ran_ns\":%lu}\n", tid, start_ns, end_ns, ran_ns);
}

/* What a snapshot tells of a living thread (its cgroup, its affinity) it may not tell of a dead one. */
static inline void __attribute__((noreturn)) stay_until_killed(void)
{
	for (;;)
		pause();
}

/* Ends a thread's part of the work. Without a lock or a barrier: waits for those would be measured, too. */
static inline void __attribute__((noreturn)) done_and_stay(unsigned *done)
{
	__atomic_add_fetch(done, 1, __ATOMIC_SEQ_CST);
	stay_until_killed();
}

static inline void wait_until_done(const unsigned *done, unsigned n)
{
	while (__atomic_load_n(done, __ATOMIC_SEQ_CST) < n)
		sleep_until(now_ns() + 5 * NS_PER_MS);
}

/* Burns CPU and writes down every jump of the clock, which is when this thread did not run. */
static inline void burn_watching(uint64_t until_ns, FILE *journal, int yield)
{
	uint64_t last = now_ns();

	while (last < until_ns) {
		uint64_t now;

		if (yield)
			sched_yield();
		now = now_ns();
		if (now - last >= JUMP_NS)
			journal_wait(journal, my_tid(), last, now);
		last = now;
	}
}

static inline double number(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || v < 0)
		give_up(2, "'%s' is not a number", text);
	return v;
}

static inline uint64_t milliseconds(const char *text)
{
	return (uint64_t)(number(text) * NS_PER_MS);
}

/* -c CPU, -s SECONDS, -j JOURNAL: what every workload takes, where it makes sense. */
#define COMMON_OPTIONS "c:s:j:"
struct common_options {
	int cpu; /* -1 any */
	double seconds;
	const char *journal;
};
#define COMMON_DEFAULTS                                                                                                \
	{                                                                                                              \
		.cpu = -1, .seconds = 5                                                                                \
	}

static inline void take_common(struct common_options *o, int opt, const char *value)
{
	switch (opt) {
	case 'c':
		o->cpu = (int)number(value);
		break;
	case 's':
		o->seconds = number(value);
		break;
	case 'j':
		o->journal = value;
		break;
	default:
		exit(2);
	}
}

static inline uint64_t end_of(const struct common_options *o)
{
	return now_ns() + (uint64_t)(o->seconds * NS_PER_S);
}

#endif
