/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts, steal and throttles: from their records to kinds and parts of gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/error.h"
#include "built.h"
#include "make_snapshot.h"
#include "model/parts.h"
#include "model/timeline.h"

#define FLOOR 1000000
#define END   9000000

enum { TIMER = 1, NET_RX = 3 };

static struct kf_timeline *t;

static void build(struct kf_snapshot *s)
{
	t = built(s);
}

static int teardown(void **state)
{
	kf_timeline_free(&t);
	return 0;
}

/* The gap of tid that ends then. */
static const struct kf_gap *gap_of(uint32_t tid, uint64_t end_ns)
{
	for (size_t i = 0; i < t->n_gaps; i++)
		if (t->threads[t->gaps[i].thread].tid == tid && t->gaps[i].end_ns == end_ns)
			return &t->gaps[i];
	fail_msg("no gap of %u ends at %" PRIu64, tid, end_ns);
	return NULL;
}

static void name_part(const struct kf_part *part, char *buf, size_t len)
{
	char vector[KF_VECTOR_BYTES];

	if (part->kind == KF_PART_THREAD)
		snprintf(buf, len, "%u", t->threads[part->thread].tid);
	else if (kf_part_vector_name(t, part, vector, sizeof(vector)))
		snprintf(buf, len, "%s %s", kf_part_kind_name(part->kind), vector);
	else
		snprintf(buf, len, "%s", kf_part_kind_name(part->kind));
}

/* "10 @0 500, softirq NET_RX @0 100": culprit, CPU, ns. */
static void parts_are(const struct kf_gap *gap, const char *want)
{
	struct kf_parts parts = { 0 };
	struct kf_error e = { 0 };
	char got[1024] = "", name[96];
	uint64_t sum = 0;
	size_t len = 0;

	assert_int_equal(kf_gap_parts(t, gap, &parts, &e), 0);
	for (size_t i = 0; i < parts.n; i++) {
		const struct kf_part *part = &parts.items[i];

		name_part(part, name, sizeof(name));
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s", len ? ", " : "", name);
		if (part->cpu != KF_NO_CPU)
			len += (size_t)snprintf(got + len, sizeof(got) - len, " @%u", part->cpu);
		len += (size_t)snprintf(got + len, sizeof(got) - len, " %" PRIu64, part->ns);
		assert_in_range(part->start_ns, gap->start_ns, gap->end_ns - 1);
		sum += part->ns;
	}
	kf_parts_release(&parts);
	assert_string_equal(got, want);
	assert_int_equal(sum, gap->end_ns - gap->start_ns);
}

static void throttle_is(const struct kf_gap *gap, uint64_t start_ns, uint64_t end_ns, const char *path)
{
	assert_int_equal(gap->throttled_start_ns, start_ns);
	assert_int_equal(gap->throttled_end_ns, end_ns);
	assert_string_equal(gap->cgroup == KF_NO_CGROUP ? "" : t->cgroups[gap->cgroup].path, path);
}

/*
 * Thread 20 wakes at 2.0 ms on CPU 0, where 10 runs, and gets it at 3.0 ms. Until 4.0 ms, then 10 has it again until 6.0 ms,
 * and 20 to the end.
 */
static struct kf_snapshot *scene(void)
{
	struct kf_snapshot *s = make(2, FLOOR, END);

	knows_taken(s);
	switched(s, 0, 1500000, 0, 10);
	waking(s, 0, 2000000, 20, 10, 0);
	tells(switched(s, 0, 3000000, 10, 20), 2000000, KF_CAUSE_WOKEN, 10);
	tells(switched(s, 0, 4000000, 20, 10), 3000000, KF_CAUSE_PREEMPTED, 0);
	tells(switched(s, 0, 6000000, 10, 20), 4000000, KF_CAUSE_PREEMPTED, 0);
	return s;
}

/* ---- interrupts and steal ---- */

static void interrupts_come_off_whom_they_interrupted(void **state)
{
	struct kf_snapshot *s = scene();

	took_softirq(s, 0, 2100000, 2300000, NET_RX);
	took_irq(s, 0, 2400000, 2450000, KF_VECTOR_TIMER);
	took_softirq(s, 0, 2450000, 2460000, TIMER);
	took_irq(s, 0, 2500000, 2530000, 24);
	took_softirq(s, 0, 2900000, 2950000, NET_RX);
	stole(s, 0, 2600000, 2800000, 90000);
	kf_snapshot_set(&s->irqs, "9 acpi\n24 virtio0-input.0\n");
	build(s);
	parts_are(gap_of(20, 3000000),
		  "10 @0 570000, softirq NET_RX @0 250000, irq timer @0 50000, softirq TIMER @0 10000, "
		  "irq virtio0-input.0 @0 30000, steal @0 90000");
	parts_are(gap_of(20, 4000000 + 2000000), "10 @0 2000000");
	assert_int_equal(gap_of(20, 3000000)->kind, KF_GAP_QUEUED);
	assert_int_equal(gap_of(20, 6000000)->kind, KF_GAP_PREEMPTED);
}

/* Records of one CPU come in the order of their ends only mostly. */
static void records_out_of_order_are_sorted(void **state)
{
	struct kf_snapshot *s = scene();

	took_irq(s, 0, 2900000, 2910000, 24);
	took_irq(s, 0, 2100000, 2110000, 24);
	took_softirq(s, 0, 2050000, 2990000, NET_RX)->peer = 100000;
	took_irq(s, 0, 2500000, 2510000, 24);
	build(s);
	parts_are(gap_of(20, 3000000), "10 @0 870000, irq 24 @0 30000, softirq NET_RX @0 100000");
	for (size_t i = 1; i < t->cpus[0].n_taken; i++)
		assert_true(t->cpus[0].taken[i - 1].end_ns <= t->cpus[0].taken[i].end_ns);
}

/* An interrupt inside a softirq has been taken off it by the recorder. */
static void an_interrupt_in_a_softirq(void **state)
{
	struct kf_snapshot *s = scene();

	took_irq(s, 0, 2300000, 2400000, 24);
	took_softirq(s, 0, 2200000, 2600000, NET_RX)->peer = 300000;
	build(s);
	parts_are(gap_of(20, 3000000), "10 @0 600000, irq 24 @0 100000, softirq NET_RX @0 300000");
}

/* A record of several, across the begin and the end of a gap: what is inside is in proportion. */
static void records_are_clipped_at_the_gap(void **state)
{
	struct kf_snapshot *s = scene();

	took_irq(s, 0, 1800000, 2200000, KF_VECTOR_TIMER)->peer = 40000;
	took_softirq(s, 0, 2900000, 3300000, NET_RX)->peer = 400000;
	build(s);
	parts_are(gap_of(20, 3000000), "10 @0 880000, irq timer @0 20000, softirq NET_RX @0 100000");
}

/* More was taken than there was time: the first ones count, and nothing is negative. */
static void too_much_is_cut(void **state)
{
	struct kf_snapshot *s = scene();

	took_softirq(s, 0, 2000000, 2900000, NET_RX);
	took_softirq(s, 0, 2000000, 2950000, TIMER);
	stole(s, 0, 1900000, 3100000, 1200000);
	build(s);
	parts_are(gap_of(20, 3000000), "softirq NET_RX @0 900000, softirq TIMER @0 100000");
}

static void records_that_make_no_sense_are_nothing(void **state)
{
	struct kf_snapshot *s = scene();

	took_irq(s, 0, 2500000, 2500000, 24)->peer = 7;
	took_irq(s, 0, 2600000, 2500000, 24)->peer = 7;
	took_irq(s, 0, 2100000, 2200000, 24)->peer = 0;
	took_irq(s, 0, 2100000, 2200000, 24)->kind = KF_SWITCH;
	took_irq(s, 0, 2100000, 2200000, 24)->kind = 99;
	took_irq(s, 0, 2300000, 2300100, 24)->peer = UINT32_MAX; /* no longer than its time */
	took_irq(s, 1, 0, UINT64_MAX, 24);
	took_irq(s, 0, 0, FLOOR, 24);
	took_irq(s, 0, END, END + 1, 24);
	build(s);
	parts_are(gap_of(20, 3000000), "10 @0 999900, irq 24 @0 100");
	assert_int_equal(t->cpus[0].n_taken, 1);
}

/* Time of nobody known stays so, and an idle CPU may have worked. */
static void idle_and_unknown(void **state)
{
	struct kf_snapshot *s = make(2, FLOOR, END);

	knows_taken(s);
	switched(s, 0, 1500000, 10, 0);
	waking(s, 1, 2000000, 20, 0, 0);
	tells(switched(s, 0, 2500000, 0, 20), 2000000, KF_CAUSE_WOKEN, 0);
	took_softirq(s, 0, 2100000, 2400000, NET_RX);
	build(s);
	parts_are(gap_of(20, 2500000), "idle @0 200000, softirq NET_RX @0 300000");
	assert_int_equal(gap_of(20, 2500000)->kind, KF_GAP_IDLE);
}

/* A CPU that was idle for a moment only is not the reason: who came before it is. */
static void an_idle_moment_is_no_idle_gap(void **state)
{
	struct kf_snapshot *s = make(2, FLOOR, END);

	knows_taken(s);
	switched(s, 0, 1500000, 10, 0);
	waking(s, 1, 2000000, 20, 0, 0);
	switched(s, 0, 2010000, 0, 10);
	tells(switched(s, 0, 2500000, 10, 20), 2000000, KF_CAUSE_WOKEN, 0);
	build(s);
	parts_are(gap_of(20, 2500000), "idle @0 10000, 10 @0 490000");
	assert_int_equal(gap_of(20, 2500000)->kind, KF_GAP_QUEUED);
}

/* On the way from queue to queue, each CPU's own interrupts count. */
static void migrated_gaps_take_those_of_each_cpu(void **state)
{
	struct kf_snapshot *s = make(2, FLOOR, END);

	knows_taken(s);
	switched(s, 0, 1500000, 0, 10);
	switched(s, 1, 1500000, 0, 11);
	waking(s, 0, 2000000, 20, 10, 0);
	migrated(s, 0, 3000000, 20, 0, 1, true);
	tells(switched(s, 1, 4000000, 11, 20), 2000000, KF_CAUSE_WOKEN, 10);
	took_softirq(s, 0, 2500000, 3500000, NET_RX); /* half of it while 20 was there */
	took_softirq(s, 1, 2900000, 3100000, NET_RX);
	took_softirq(s, 1, 3200000, 3300000, NET_RX);
	build(s);
	parts_are(gap_of(20, 4000000),
		  "10 @0 500000, softirq NET_RX @0 500000, 11 @1 800000, softirq NET_RX @1 200000");
}

/* A thousand vectors, some of which look alike to a careless table. */
static void every_vector_is_a_part_of_its_own(void **state)
{
	struct kf_snapshot *s = scene();
	struct kf_parts parts = { 0 };
	struct kf_error e = { 0 };
	enum { N = 4096 };

	for (uint64_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < N; i++)
			took_irq(s, 0, 2000000 + (round * N + i) * 100, 2000000 + (round * N + i) * 100 + 50,
				 (uint16_t)(i * 16));
	build(s);
	assert_int_equal(kf_gap_parts(t, gap_of(20, 3000000), &parts, &e), 0);
	assert_int_equal(parts.n, N + 1);
	for (size_t i = 1; i < parts.n; i++)
		assert_int_equal(parts.items[i].ns, 100);
	kf_parts_release(&parts);
}

/* Steal of a CPU that slept for long reaches far back, which must cost later searches nothing: else this takes minutes. */
static void a_record_that_reaches_far_back(void **state)
{
	struct kf_snapshot *s = make(1, FLOOR, FLOOR + 400000000);
	struct kf_parts parts = { 0 };
	struct kf_error e = { 0 };
	uint64_t at = FLOOR + 100000000;
	enum { N = 40000 };

	knows_taken(s);
	s->end_ns = at + N * 4000ull + 4000;
	stole(s, 0, FLOOR, at, 2000);
	for (uint32_t i = 0; i < N; i++, at += 4000) {
		took_irq(s, 0, at, at + 100, 24);
		waking(s, 0, at + 200, 20, 10, 0);
		tells(switched(s, 0, at + 1000, 10, 20), at + 200, KF_CAUSE_WOKEN, 10);
		blocked(s, 0, at + 3000, 20, 10, SYS_futex);
	}
	build(s);
	for (size_t i = 0; i < t->n_gaps; i++)
		assert_int_equal(kf_gap_parts(t, &t->gaps[i], &parts, &e), 0);
	kf_parts_release(&parts);
}

/* ---- what is known ---- */

static void the_floor_of_interrupts(void **state)
{
	struct kf_snapshot *s = scene();

	s->rings[KF_CLASS_TAKEN][0].oldest_ns = 2500000;
	s->rings[KF_CLASS_TAKEN][1].drop_last_ns = 3000000;
	build(s);
	assert_int_equal(t->cpus[0].taken_floor_ns, 2500000);
	assert_int_equal(t->cpus[1].taken_floor_ns, 3000000);
}

static void old_files_know_nothing_of_interrupts(void **state)
{
	struct kf_snapshot *s = scene();

	s->sources = KF_SOURCE_QUOTA;
	build(s);
	for (size_t i = 0; i < t->n_cpus; i++)
		assert_int_equal(t->cpus[i].taken_floor_ns, UINT64_MAX);
}

/* ---- quotas ---- */

/* scene(), in cgroup /web/a below the quota of /web. */
static struct kf_snapshot *in_cgroup(void)
{
	struct kf_snapshot *s = scene();

	grouped(s, 1, 0, "/", 0, 0);
	grouped(s, 5, 1, "/web", 50000000, 100000000);
	grouped(s, 6, 5, "/web/a", 0, 0);
	scanned(s, 20, 0, 0, KF_NR_USER)->cgroup_id = 6;
	return s;
}

static void throttled_from_the_start(void **state)
{
	struct kf_snapshot *s = in_cgroup();

	s->rings[KF_CLASS_SCHED][0].slots[3].flags |= KF_F_THROTTLED;
	throttled(s, 0, 6000000, 20, 1600000, 6, true);
	took_softirq(s, 0, 5000000, 5800000, NET_RX);
	build(s);
	throttle_is(gap_of(20, 6000000), 4000000, 5600000, "/web");
	assert_int_equal(gap_of(20, 6000000)->kind, KF_GAP_THROTTLED);
	assert_true(gap_of(20, 6000000)->throttled);
	parts_are(gap_of(20, 6000000), "throttled 1600000, 10 @0 200000, softirq NET_RX @0 200000");
	throttle_is(gap_of(20, 3000000), 0, 0, "");
}

/* Woken, and the quota is used up later by another thread of the group. */
static void throttled_at_the_end(void **state)
{
	struct kf_snapshot *s = in_cgroup();

	throttled(s, 0, 3000000, 20, 640000, 6, false);
	build(s);
	throttle_is(gap_of(20, 3000000), 2360000, 3000000, "/web");
	assert_int_equal(gap_of(20, 3000000)->kind, KF_GAP_THROTTLED);
	assert_false(gap_of(20, 3000000)->throttled);
	parts_are(gap_of(20, 3000000), "10 @0 360000, throttled 640000");
}

/* The recorder saw whose quota it was: not the smallest one, but one that several groups share. */
static void the_record_knows_whose_quota_it_was(void **state)
{
	struct kf_snapshot *s = in_cgroup();

	grouped(s, 7, 5, "/web/b", 10000000, 100000000);
	throttled(s, 0, 3000000, 20, 640000, 7, true); /* either */
	throttled(s, 0, 6000000, 20, 1600000, 5, true)->flags |= KF_F_LIMITING;
	build(s);
	throttle_is(gap_of(20, 3000000), 2000000, 2640000, "");
	throttle_is(gap_of(20, 6000000), 4000000, 5600000, "/web");
}

/* Throttled across a migration; the record is on the CPU where it runs again. */
static void throttled_across_stretches(void **state)
{
	struct kf_snapshot *s = make(2, FLOOR, END);

	knows_taken(s);
	switched(s, 0, 1500000, 0, 20);
	switched(s, 1, 1500000, 0, 11);
	tells(switched(s, 0, 2000000, 20, 10), 1500000, KF_CAUSE_WOKEN, 0)->flags |= KF_F_THROTTLED;
	migrated(s, 0, 3000000, 20, 0, 1, true);
	tells(switched(s, 1, 4000000, 11, 20), 2000000, KF_CAUSE_PREEMPTED, 0);
	throttled(s, 1, 4000000, 20, 1280000, 77, true);
	took_irq(s, 0, 2100000, 2200000, 24);
	build(s);
	throttle_is(gap_of(20, 4000000), 2000000, 3280000, "");
	parts_are(gap_of(20, 4000000), "throttled 1280000, 11 @1 720000");
}

static void a_throttle_is_no_longer_than_its_gap(void **state)
{
	struct kf_snapshot *s = in_cgroup();

	throttled(s, 0, 3000000, 20, 0, 6, true)->peer = UINT32_MAX;
	throttled(s, 0, 6000000, 20, 63, 6, true); /* no whole tick */
	throttled(s, 0, 6000000, 21, 64000, 6, true);
	throttled(s, 0, 5999999, 20, 64000, 6, true);
	throttled(s, 0, 0, 20, 64000, 6, true);
	throttled(s, 1, UINT64_MAX, 20, 64000, 6, true);
	build(s);
	throttle_is(gap_of(20, 3000000), 2000000, 3000000, "/web");
	parts_are(gap_of(20, 3000000), "throttled 1000000");
	throttle_is(gap_of(20, 6000000), 0, 0, "");
	assert_int_equal(gap_of(20, 6000000)->kind, KF_GAP_PREEMPTED);
}

/* The record comes when the thread runs again: it never came, or got lost. */
static void throttles_without_record(void **state)
{
	struct kf_snapshot *s = in_cgroup();

	s->rings[KF_CLASS_SCHED][0].slots[3].flags |= KF_F_THROTTLED;
	tells(switched(s, 0, 7000000, 20, 10), 6000000, KF_CAUSE_PREEMPTED, 0)->flags |= KF_F_THROTTLED;
	build(s);
	throttle_is(gap_of(20, 6000000), 0, 0, "/web");
	assert_int_equal(gap_of(20, 6000000)->kind, KF_GAP_THROTTLED);
	parts_are(gap_of(20, 6000000), "unknown @0 2000000");
	throttle_is(gap_of(20, END), 7000000, END, "/web");
	assert_true(gap_of(20, END)->open);
	parts_are(gap_of(20, END), "throttled 2000000");
}

/* ---- kinds ---- */

static void every_gap_has_a_kind(void **state)
{
	struct kf_snapshot *s = make(2, FLOOR, END);

	knows_taken(s);
	switched(s, 0, 1500000, 10, 20);					/* 10 is preempted */
	tells(switched(s, 0, 2000000, 20, 10), 1500000, KF_CAUSE_PREEMPTED, 0); /* 20 yields */
	s->rings[KF_CLASS_SCHED][0].slots[1].nr = SYS_sched_yield;
	s->rings[KF_CLASS_SCHED][0].slots[1].flags |= KF_F_IN_SYSCALL;
	tells(switched(s, 0, 3000000, 10, 20), 2000000, KF_CAUSE_PREEMPTED, 0);
	life(s, 0, 3100000, KF_FORK, 30, 20, 30, "kid", 3100000);
	wakeup_new(s, 0, 3200000, 30, 20, 0);
	tells(switched(s, 0, 4000000, 20, 30), 3200000, KF_CAUSE_FORKED, 20);
	build(s);
	assert_int_equal(gap_of(10, 2000000)->kind, KF_GAP_PREEMPTED);
	assert_int_equal(gap_of(20, 3000000)->kind, KF_GAP_YIELDED);
	assert_int_equal(gap_of(30, 4000000)->kind, KF_GAP_FORKED);
}

static void every_kind_has_a_name(void **state)
{
	static const char *const want[] = { "unknown", "preempted",  "yielded", "throttled",
					    "woken",   "woken_idle", "forked" };

	for (unsigned int kind = 0; kind < KF_GAP_KINDS; kind++)
		assert_string_equal(kf_gap_kind_name(kind), want[kind]);
	assert_string_equal(kf_gap_kind_name(KF_GAP_KINDS), "unknown");
	assert_string_equal(kf_part_kind_name(KF_PART_KINDS), "unknown");
}

static void a_name_that_is_too_long_is_cut(void **state)
{
	struct kf_timeline hand = { .irqs = (char[]){ "\n  \n24\n24 \n240 no\n24 a\\b c\n" } };
	struct kf_part part = { .kind = KF_PART_IRQ, .vector = 24 };
	char buf[KF_VECTOR_BYTES], small[4];

	assert_string_equal(kf_part_vector_name(&hand, &part, buf, sizeof(buf)), "a\\x5cb c");
	assert_string_equal(kf_part_vector_name(&hand, &part, small, sizeof(small)), "a");
	part.vector = 25;
	assert_string_equal(kf_part_vector_name(&hand, &part, buf, sizeof(buf)), "25");
	part.kind = KF_PART_STEAL;
	assert_null(kf_part_vector_name(&hand, &part, buf, sizeof(buf)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(interrupts_come_off_whom_they_interrupted, teardown),
		cmocka_unit_test_teardown(records_out_of_order_are_sorted, teardown),
		cmocka_unit_test_teardown(an_interrupt_in_a_softirq, teardown),
		cmocka_unit_test_teardown(records_are_clipped_at_the_gap, teardown),
		cmocka_unit_test_teardown(too_much_is_cut, teardown),
		cmocka_unit_test_teardown(records_that_make_no_sense_are_nothing, teardown),
		cmocka_unit_test_teardown(idle_and_unknown, teardown),
		cmocka_unit_test_teardown(an_idle_moment_is_no_idle_gap, teardown),
		cmocka_unit_test_teardown(migrated_gaps_take_those_of_each_cpu, teardown),
		cmocka_unit_test_teardown(every_vector_is_a_part_of_its_own, teardown),
		cmocka_unit_test_teardown(a_record_that_reaches_far_back, teardown),
		cmocka_unit_test_teardown(the_floor_of_interrupts, teardown),
		cmocka_unit_test_teardown(old_files_know_nothing_of_interrupts, teardown),
		cmocka_unit_test_teardown(throttled_from_the_start, teardown),
		cmocka_unit_test_teardown(throttled_at_the_end, teardown),
		cmocka_unit_test_teardown(the_record_knows_whose_quota_it_was, teardown),
		cmocka_unit_test_teardown(throttled_across_stretches, teardown),
		cmocka_unit_test_teardown(a_throttle_is_no_longer_than_its_gap, teardown),
		cmocka_unit_test_teardown(throttles_without_record, teardown),
		cmocka_unit_test_teardown(every_gap_has_a_kind, teardown),
		cmocka_unit_test(every_kind_has_a_name),
		cmocka_unit_test(a_name_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("taken", tests, NULL, NULL);
}
