/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * workload.h - what the test workloads share: the clock, waiting, burning CPU, pinning, and the journal in which they
 * write what they really did, one JSON object per line with times in CLOCK_MONOTONIC ns.
 *
 * A workload that cannot do its job on this host exits with WORKLOAD_SKIP and says why.
 */
#ifndef KF_TESTS_WORKLOAD_H
#define KF_TESTS_WORKLOAD_H

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORKLOAD_SKIP 77
#define NS_PER_MS     1000000ULL
#define NS_PER_S      1000000000ULL

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
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

static inline int my_tid(void)
{
	return (int)syscall(SYS_gettid);
}

/* The journal is kept in memory until it is closed, so that writing it does not disturb what is measured. */
static inline FILE *journal_open(const char *path)
{
	FILE *f = fopen(path ? path : "/dev/null", "w");

	if (!f)
		give_up(1, "cannot write '%s': %s", path, strerror(errno));
	setvbuf(f, NULL, _IOFBF, 4 << 20);
	return f;
}

static inline double number(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || v < 0)
		give_up(2, "'%s' is not a number", text);
	return v;
}

#endif
