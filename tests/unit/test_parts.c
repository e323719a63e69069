/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/parts.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"

/*
 * Two CPUs from 1000 to 9000:
 *	0: thread 0 to 2000, thread 1 to 3000, thread 0 to 4000, idle to 5000, not known to 6000, thread 2 to the end
 *	1: thread 3 all the time; 2: nothing known
 */
static struct kf_run runs_0[] = {
	{ 1000, 2000, 0 }, { 2000, 3000, 1 }, { 3000, 4000, 0 }, { 4000, 5000, KF_IDLE }, { 5000, 6000, KF_NOT_KNOWN },
	{ 6000, 9000, 2 },
};
static struct kf_run runs_1[] = { { 1000, 9000, 3 } };
static struct kf_cpu cpus[] = { { .runs = runs_0, .n_runs = 6 }, { .runs = runs_1, .n_runs = 1 }, { .n_runs = 0 } };

/* The parts of a gap with these stretches (end: start_ns 0), as "thread 0 @0 1500+500, ..." */
static void expect_of(uint8_t cause, struct kf_stretch *stretches, const char *want)
{
	struct kf_timeline t = {
		.floor_ns = 1000, .end_ns = 9000, .cpus = cpus, .n_cpus = 3, .n_threads = 4, .stretches = stretches
	};
	struct kf_gap gap = { .start_ns = stretches[0].start_ns, .cause = cause };
	struct kf_parts parts = { 0 };
	struct kf_error e = { 0 };
	uint64_t sum = 0;
	char got[1024] = "";
	size_t len = 0;

	for (; stretches[gap.n_stretches].start_ns; gap.n_stretches++)
		gap.end_ns = stretches[gap.n_stretches].end_ns;
	assert_int_equal(kf_gap_parts(&t, &gap, &parts, &e), 0);
	assert_int_equal(kf_gap_parts(&t, &gap, &parts, &e), 0); /* again, over the old answer */
	for (size_t i = 0; i < parts.n; i++) {
		const struct kf_part *part = &parts.items[i];

		len += snprintf(got + len, sizeof(got) - len, "%s%s", len ? ", " : "", kf_part_kind_name(part->kind));
		if (part->kind == KF_PART_THREAD)
			len += snprintf(got + len, sizeof(got) - len, " %u", part->thread);
		if (part->cpu != KF_NO_CPU)
			len += snprintf(got + len, sizeof(got) - len, " @%u", part->cpu);
		len += snprintf(got + len, sizeof(got) - len, " %" PRIu64 "+%" PRIu64, part->start_ns, part->ns);
		sum += part->ns;
	}
	assert_string_equal(got, want);
	assert_int_equal(sum, gap.end_ns - gap.start_ns);
	kf_parts_release(&parts);
	assert_null(parts.items);
}

static void expect(struct kf_stretch *stretches, const char *want)
{
	expect_of(KF_CAUSE_WOKEN, stretches, want);
}

static void one_culprit(void **state)
{
	expect((struct kf_stretch[]){ { 1200, 1300, 0 }, { 0 } }, "thread 0 @0 1200+100");
	expect((struct kf_stretch[]){ { 8999, 9000, 0 }, { 0 } }, "thread 2 @0 8999+1");
	expect((struct kf_stretch[]){ { 2000, 3000, 0 }, { 0 } }, "thread 1 @0 2000+1000");
}

static void all_kinds(void **state)
{
	expect((struct kf_stretch[]){ { 1500, 6500, 0 }, { 0 } },
	       "thread 0 @0 1500+1500, thread 1 @0 2000+1000, idle @0 4000+1000, unknown @0 5000+1000, "
	       "thread 2 @0 6000+500");
}

/* Found ready, and nobody knows why: it may have been throttled then. An idle CPU says nothing. */
static void idle_explains_no_wait_of_unknown_origin(void **state)
{
	expect_of(KF_CAUSE_UNKNOWN, (struct kf_stretch[]){ { 1500, 6500, 0 }, { 0 } },
		  "thread 0 @0 1500+1500, thread 1 @0 2000+1000, unknown @0 4000+2000, thread 2 @0 6000+500");
}

/* The same thread on two CPUs is two parts. */
static void several_queues(void **state)
{
	expect((struct kf_stretch[]){ { 1500, 2500, 0 }, { 2500, 3500, 1 }, { 3500, 3700, 0 }, { 0 } },
	       "thread 0 @0 1500+700, thread 1 @0 2000+500, thread 3 @1 2500+1000");
}

static void what_cannot_be_known(void **state)
{
	/* before the floor, after the end */
	expect((struct kf_stretch[]){ { 500, 1500, 0 }, { 0 } }, "unknown @0 500+500, thread 0 @0 1000+500");
	expect((struct kf_stretch[]){ { 100, 200, 1 }, { 0 } }, "unknown @1 100+100");
	expect((struct kf_stretch[]){ { 8000, 9500, 1 }, { 0 } }, "thread 3 @1 8000+1000, unknown @1 9000+500");
	/* on a CPU that wrote nothing, on no CPU, on one that does not exist */
	expect((struct kf_stretch[]){ { 2000, 3000, 2 }, { 0 } }, "unknown @2 2000+1000");
	expect((struct kf_stretch[]){ { 2000, 3000, KF_NO_CPU }, { 0 } }, "unknown 2000+1000");
	expect((struct kf_stretch[]){ { 2000, 3000, 7 }, { 0 } }, "unknown @7 2000+1000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_culprit),
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(idle_explains_no_wait_of_unknown_origin),
		cmocka_unit_test(several_queues),
		cmocka_unit_test(what_cannot_be_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
