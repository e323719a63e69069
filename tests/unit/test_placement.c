/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/placement.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/timeline.h"

/*
 * Five CPUs from 1000 to 9000:
 *	0: thread 1 all the time
 *	1: thread 2 to 2000, idle to 3000, thread 2 to 5000, idle to 6000, thread 2
 *	2: thread 3 to 2500, idle to 4000, not known to 7000, idle
 *	3: nothing known
 *	4: idle to 1500, thread 4 to 8000, idle
 */
static struct kf_run runs_0[] = { { 1000, 9000, 1 } };
static struct kf_run runs_1[] = {
	{ 1000, 2000, 2 }, { 2000, 3000, KF_IDLE }, { 3000, 5000, 2 }, { 5000, 6000, KF_IDLE }, { 6000, 9000, 2 }
};
static struct kf_run runs_2[] = {
	{ 1000, 2500, 3 }, { 2500, 4000, KF_IDLE }, { 4000, 7000, KF_NOT_KNOWN }, { 7000, 9000, KF_IDLE }
};
static struct kf_run runs_4[] = { { 1000, 1500, KF_IDLE }, { 1500, 8000, 4 }, { 8000, 9000, KF_IDLE } };
static struct kf_cpu cpus[] = {
	{ .runs = runs_0, .n_runs = 1 }, { .runs = runs_1, .n_runs = 5 },
	{ .runs = runs_2, .n_runs = 4 }, { .n_runs = 0 },
	{ .runs = runs_4, .n_runs = 3 },
};
static struct kf_mask masks[] = { { { 0x1f } }, { { 0x1 } }, { { 0x3 } }, { { 0x5 } }, { { 0 } } };

enum { ANY = 0, ONLY_0, ONLY_0_1, ONLY_0_2, NONE, NOT_KNOWN };

/* The answer for a thread with this mask, as "idle 1000 @1, forbidden 500 @2, 4 allowed". */
static void expect(uint32_t mask, struct kf_gap gap, struct kf_stretch *stretches, const char *want)
{
	struct kf_thread thread = { .tid = 7, .allowed = mask == NOT_KNOWN ? KF_NO_MASK : mask };
	struct kf_timeline t = { .floor_ns = 1000,
				 .end_ns = 9000,
				 .cpus = cpus,
				 .n_cpus = 5,
				 .threads = &thread,
				 .n_threads = 1,
				 .masks = masks,
				 .n_masks = 5,
				 .stretches = stretches };
	struct kf_placement p;
	char got[128];
	size_t len = 0;

	while (stretches[gap.n_stretches].end_ns)
		gap.n_stretches++;
	p = kf_gap_placement(&t, &gap);
	len += snprintf(got + len, sizeof(got) - len, "idle %" PRIu64, p.idle_ns);
	if (p.idle_cpu != KF_NO_CPU)
		len += snprintf(got + len, sizeof(got) - len, " @%u", p.idle_cpu);
	len += snprintf(got + len, sizeof(got) - len, ", forbidden %" PRIu64, p.forbidden_ns);
	if (p.forbidden_cpu != KF_NO_CPU)
		len += snprintf(got + len, sizeof(got) - len, " @%u", p.forbidden_cpu);
	if (p.known)
		snprintf(got + len, sizeof(got) - len, ", %u allowed", p.n_allowed);
	assert_string_equal(got, want);
}

#define GAP(...) ((struct kf_gap){ __VA_ARGS__ })
#define AT(...)	 ((struct kf_stretch[]){ __VA_ARGS__, { 0 } })

static void union_of_idle_times(void **state)
{
	expect(ANY, GAP(0), AT({ 1000, 9000, 0 }), "idle 5500 @2, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 2100, 2200, 0 }), "idle 100 @1, forbidden 0, 4 allowed");
	/* overlapping: 2000-3000 on 1, 2500-4000 on 2 */
	expect(ANY, GAP(0), AT({ 1500, 4500, 0 }), "idle 2000 @2, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 4100, 4900, 0 }), "idle 0, forbidden 0, 4 allowed");
}

static void own_queue_is_no_other_cpu(void **state)
{
	expect(ANY, GAP(0), AT({ 2000, 2500, 1 }), "idle 0, forbidden 0, 4 allowed");
	/* moved to the queue of 1 while 2 is idle, and to that of 2 while only that is */
	expect(ANY, GAP(0), AT({ 1500, 2500, 0 }, { 2500, 3500, 1 }, { 3500, 4000, 2 }),
	       "idle 1500 @2, forbidden 0, 4 allowed");
}

static void affinity(void **state)
{
	expect(ONLY_0, GAP(0), AT({ 1500, 4500, 0 }), "idle 0, forbidden 2000 @2, 1 allowed");
	/* 1 is idle 2000-3000, 2 then alone until 4000 */
	expect(ONLY_0_1, GAP(0), AT({ 1500, 4500, 0 }), "idle 1000 @1, forbidden 1000 @2, 2 allowed");
	/* forbidden 1 from 2000, until allowed 2 takes over at 2500 */
	expect(ONLY_0_2, GAP(0), AT({ 1500, 4500, 0 }), "idle 1500 @2, forbidden 500 @1, 2 allowed");
	expect(NONE, GAP(0), AT({ 2000, 3000, 0 }), "idle 0, forbidden 1000 @1, 0 allowed");
}

static void what_is_not_known(void **state)
{
	expect(NOT_KNOWN, GAP(0), AT({ 2000, 3000, 0 }), "idle 1000 @1, forbidden 0");
	expect(ANY, GAP(0), AT({ 2000, 3000, KF_NO_CPU }), "idle 0, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 2000, 3000, 77 }), "idle 1000 @1, forbidden 0, 4 allowed");
	/* before the floor, behind the end, backwards, empty */
	expect(ANY, GAP(0), AT({ 100, 900, 0 }), "idle 0, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 500, 1200, 0 }), "idle 200 @4, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 8500, 20000, 0 }), "idle 500 @2, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 9500, 20000, 0 }), "idle 0, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 3000, 2000, 0 }), "idle 0, forbidden 0, 4 allowed");
	expect(ANY, GAP(0), AT({ 2000, 2000, 0 }), "idle 0, forbidden 0, 4 allowed");
	/* a thread that does not exist */
	expect(ANY, GAP(.thread = 5), AT({ 2000, 3000, 0 }), "idle 1000 @1, forbidden 0");
}

static void throttled_time_is_left_out(void **state)
{
	struct kf_gap gap = { .throttled_start_ns = 2200, .throttled_end_ns = 2700 };

	expect(ANY, gap, AT({ 2000, 3000, 0 }), "idle 500 @1, forbidden 0, 4 allowed");
	expect(ANY, GAP(.throttled_start_ns = 1, .throttled_end_ns = 9000), AT({ 2000, 3000, 0 }),
	       "idle 0, forbidden 0, 4 allowed");
	expect(ANY, GAP(.throttled_start_ns = 9000, .throttled_end_ns = 1), AT({ 2000, 3000, 0 }),
	       "idle 1000 @1, forbidden 0, 4 allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(union_of_idle_times),
		cmocka_unit_test(own_queue_is_no_other_cpu),
		cmocka_unit_test(affinity),
		cmocka_unit_test(what_is_not_known),
		cmocka_unit_test(throttled_time_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
