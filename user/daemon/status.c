/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/now.h"
#include "snapshot/snapshot.h"

#define NS_PER_S 1000000000ULL

const char *kf_loss_name(enum kf_loss loss)
{
	static const char *const names[KF_LOSSES] = {
		[KF_LOSS_HELD] = "held",
		[KF_LOSS_FLOOD] = "flood",
		[KF_LOSS_NO_STATE] = "no_state",
		[KF_LOSS_BAD_WAIT] = "bad_wait",
		[KF_LOSS_TRIGGER] = "trigger",
		[KF_LOSS_UNWATCHED] = "unwatched",
		[KF_LOSS_UNFOLLOWED] = "unfollowed",
	};

	return names[loss];
}

const char *kf_request_result_name(enum kf_request_result result)
{
	static const char *const names[KF_REQUEST_RESULTS] = {
		[KF_REQUEST_OK] = "ok",		  [KF_REQUEST_BUSY] = "busy",	    [KF_REQUEST_LIMITED] = "limited",
		[KF_REQUEST_REFUSED] = "refused", [KF_REQUEST_INVALID] = "invalid", [KF_REQUEST_FAILED] = "failed",
	};

	return names[result];
}

const char *kf_waits_name(enum kf_waits_kind kind)
{
	static const char *const names[KF_WAITS_KINDS] = {
		[KF_WAITS_RUNQ] = "runq",   [KF_WAITS_FUTEX] = "futex",		[KF_WAITS_SYSCALL] = "syscall",
		[KF_WAITS_BLOCK] = "block", [KF_WAITS_THROTTLED] = "throttled",
	};

	return names[kind];
}

uint64_t kf_status_suppressed(const struct kf_rule_counts *counts)
{
	return counts->cooling + counts->busy + counts->sampled + counts->limited;
}

uint64_t kf_status_lost(const struct kf_daemon_status *s)
{
	return s->lost[KF_LOSS_HELD] + s->lost[KF_LOSS_FLOOD];
}

bool kf_status_has_budget(const struct kf_daemon_status *s)
{
	return s->budget_ppm && s->budget_ppm <= 1000000;
}

uint64_t kf_status_wait_count(const struct kf_wait_histogram *h)
{
	uint64_t count = 0;

	for (int i = 0; i < KF_WAITS_BUCKETS; i++)
		count += h->buckets[i];
	return count;
}

/* "rss" pages are the second number of statm (proc(5)). */
static uint64_t resident_bytes(void)
{
	unsigned long long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) ? 0 : (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void kf_status_take_self(struct kf_daemon_status *s)
{
	s->now_ns = kf_now_ns();
	s->real_ns = clock_ns(CLOCK_REALTIME);
	s->pid = (uint32_t)getpid();
	s->own_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	s->resident_bytes = resident_bytes();
}

static uint64_t fired(const struct kf_daemon_status *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_rules; i++)
		n += s->rules[i].counts.hits + kf_status_suppressed(&s->rules[i].counts);
	return n;
}

static double rate(uint64_t now, uint64_t before, uint64_t over_ns)
{
	return now > before ? (double)(now - before) * (double)NS_PER_S / (double)over_ns : 0;
}

void kf_status_look(struct kf_status_seen *seen, struct kf_daemon_status *s)
{
	uint64_t over_ns = s->now_ns - seen->at_ns;

	if (seen->at_ns && over_ns < NS_PER_S) {
		s->rates = seen->rates;
		return;
	}
	if (seen->at_ns)
		seen->rates = (struct kf_status_rates){ .over_ns = over_ns,
							.slots_per_s = rate(s->slots, seen->slots, over_ns),
							.lost_per_s = rate(kf_status_lost(s), seen->lost, over_ns),
							.fired_per_s = rate(fired(s), seen->fired, over_ns) };
	seen->at_ns = s->now_ns;
	seen->slots = s->slots;
	seen->lost = kf_status_lost(s);
	seen->fired = fired(s);
	s->rates = seen->rates;
}

void kf_status_release(struct kf_daemon_status *s)
{
	free(s->cpus);
	s->cpus = NULL;
	s->n_cpus = 0;
}
