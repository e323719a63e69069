/* SPDX-License-Identifier: BSD-2-Clause */
/* What a timeline knows of threads besides what they did: priorities, affinity, cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/syscall.h>

#include "built.h"
#include "make_snapshot.h"
#include "model/timeline.h"

#define FLOOR 1000
#define END   9000

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

static uint32_t thread(uint32_t tid)
{
	uint32_t index = kf_timeline_find(t, tid, 0);

	assert_int_not_equal(index, KF_NOBODY);
	return index;
}

static void prio_is(uint32_t tid, uint64_t ts_ns, uint16_t want)
{
	assert_int_equal(kf_prio_at(t, thread(tid), ts_ns), want);
}

/* 20 runs from 2000 on, and is in the scan. */
static struct kf_snapshot *runner(void)
{
	struct kf_snapshot *s = make(1, FLOOR, END);

	switched(s, 0, 2000, 0, 20);
	scanned(s, 20, 0, 0, KF_NR_USER);
	return s;
}

/* ---- priorities ---- */

static void a_priority_that_never_changes_comes_from_the_scan(void **state)
{
	struct kf_snapshot *s = runner();

	s->tasks[0].prio = NICE(3);
	build(s);
	prio_is(20, 0, NICE(3));
	prio_is(20, FLOOR, NICE(3));
	prio_is(20, END, NICE(3));
	assert_int_equal(t->threads[thread(20)].prio, NICE(3));
	assert_int_equal(t->n_prios, 0);
}

static void changes_hold_from_their_time_on(void **state)
{
	struct kf_snapshot *s = runner();

	s->tasks[0].prio = NICE(-1);
	changed_prio(s, 0, 3000, 20, 20, NICE(0), FIFO(5));
	switched(s, 0, 3000, 20, 0);
	switched(s, 0, 4000, 0, 20);
	changed_prio(s, 0, 5000, 20, 20, FIFO(5), NICE(-1));
	switched(s, 0, 5000, 20, 0);
	build(s);
	prio_is(20, FLOOR, NICE(0));
	prio_is(20, 1999, NICE(0));
	prio_is(20, 2000, 0); /* changed some time in this run */
	prio_is(20, 3000, FIFO(5));
	prio_is(20, 3999, FIFO(5));
	prio_is(20, 4000, 0);
	prio_is(20, 5000, NICE(-1));
	prio_is(20, END, NICE(-1));
	assert_int_equal(t->threads[thread(20)].prio, NICE(-1));
}

/* The change is seen when the thread comes to the CPU: then nothing else is known of it yet. */
static void a_change_before_the_first_switch_has_a_before(void **state)
{
	struct kf_snapshot *s = make(1, FLOOR, END);

	changed_prio(s, 0, 2000, 20, 20, NICE(0), FIFO(5));
	tells(switched(s, 0, 2000, 0, 20), 1500, KF_CAUSE_WOKEN, 0);
	build(s);
	prio_is(20, 1500, NICE(0));
	prio_is(20, 2000, FIFO(5));
}

/* The record of a later change may be overwritten: then the scan knows better. */
static void names_from_before_the_window_tell_no_priority(void **state)
{
	struct kf_snapshot *s = runner();

	life(s, 0, 100, KF_RENAME, 20, 20, 20, "a", 1)->nr = NICE(0);
	s->tasks[0].prio = NICE(7);
	build(s);
	prio_is(20, FLOOR, NICE(7));
	prio_is(20, END, NICE(7));
}

/* A change after the window tells what was before it; the scan, later still, does not. */
static void changes_after_the_window_tell_the_past(void **state)
{
	struct kf_snapshot *s = runner();

	s->tasks[0].prio = FIFO(9);
	changed_prio(s, 0, END + 100, 20, 20, NICE(2), RR(8));
	changed_prio(s, 0, END + 200, 20, 20, RR(8), FIFO(9));
	build(s);
	prio_is(20, FLOOR, NICE(2));
	prio_is(20, END, NICE(2));
}

static void births_and_deaths_tell_priorities(void **state)
{
	struct kf_snapshot *s = runner();

	life(s, 0, 3000, KF_FORK, 30, 20, 30, "kid", 3000)->nr = NICE(5);
	wakeup_new(s, 0, 3100, 30, 20, 0);
	tells(switched(s, 0, 4000, 20, 30), 3100, KF_CAUSE_FORKED, 20);
	changed_prio(s, 0, 4500, 30, 30, NICE(5), NICE(6));
	life(s, 0, 4900, KF_EXIT, 30, 0, 30, "kid", 3000)->nr = NICE(6);
	died(s, 0, 5000, 30, 20);
	build(s);
	prio_is(30, 3500, NICE(5));
	prio_is(30, 4500, NICE(6));
	prio_is(20, 4500, 0);
}

/* The next user of a number does not inherit from the last one. */
static void a_new_user_of_a_number_has_its_own(void **state)
{
	struct kf_snapshot *s = make(1, FLOOR, END);
	uint32_t first, second;

	switched(s, 0, 2000, 0, 20);
	changed_prio(s, 0, 2100, 20, 20, NICE(0), FIFO(5));
	died(s, 0, 3000, 20, 0);
	life(s, 0, 4000, KF_FORK, 20, 10, 20, "two", 4000);
	wakeup_new(s, 0, 4100, 20, 10, 0);
	tells(switched(s, 0, 5000, 0, 20), 4100, KF_CAUSE_FORKED, 10);
	changed_prio(s, 0, 6000, 20, 20, NICE(1), NICE(2));
	build(s);
	first = kf_timeline_find(t, 20, 2500);
	second = kf_timeline_find(t, 20, 6500);
	assert_int_not_equal(first, second);
	assert_int_equal(kf_prio_at(t, first, 1950), NICE(0));
	assert_int_equal(kf_prio_at(t, first, 2050), 0);
	assert_int_equal(kf_prio_at(t, first, 2500), FIFO(5));
	assert_int_equal(kf_prio_at(t, second, 4999), NICE(1));
	assert_int_equal(kf_prio_at(t, second, 6000), NICE(2));
}

/* A record that lacks one of its two priorities. */
static void what_is_not_known_stays_so(void **state)
{
	struct kf_snapshot *s = runner();

	changed_prio(s, 0, 3000, 20, 20, 0, NICE(4));
	changed_prio(s, 0, 4000, 20, 20, NICE(4), 0);
	changed_prio(s, 0, 4000, 0, 0, NICE(4), NICE(5));
	build(s);
	prio_is(20, 2999, 0);
	prio_is(20, 3000, NICE(4));
	prio_is(20, END, NICE(4));
	assert_int_equal(kf_prio_at(t, KF_NOBODY, 3000), 0);
	assert_int_equal(kf_prio_at(t, (uint32_t)t->n_threads, 3000), 0);
}

/* ---- affinity ---- */

static void affinity_is_that_of_the_scan(void **state)
{
	struct kf_snapshot *s = runner();

	scanned(s, 21, 0, 0, KF_NR_USER);
	scanned(s, 22, 0, 0, KF_NR_USER);
	scanned(s, 23, 0, 0, KF_NR_USER);
	s->tasks[0].allowed[0] = 0x5;
	s->tasks[1].allowed[KF_ALLOWED_WORDS - 1] = 1ull << 63;
	s->tasks[2].allowed[0] = 0x5;
	build(s);
	assert_int_equal(t->n_masks, 2);
	assert_int_equal(kf_thread_may_run_on(t, thread(20), 0), 1);
	assert_int_equal(kf_thread_may_run_on(t, thread(20), 1), 0);
	assert_int_equal(kf_thread_may_run_on(t, thread(20), 2), 1);
	assert_int_equal(kf_thread_may_run_on(t, thread(20), 64 * KF_ALLOWED_WORDS - 1), 0);
	assert_int_equal(kf_thread_may_run_on(t, thread(20), 64 * KF_ALLOWED_WORDS), -1);
	assert_int_equal(kf_thread_may_run_on(t, thread(21), 64 * KF_ALLOWED_WORDS - 1), 1);
	assert_int_equal(t->threads[thread(22)].allowed, t->threads[thread(20)].allowed);
	assert_int_equal(kf_thread_may_run_on(t, thread(23), 0), -1);
	assert_int_equal(t->threads[thread(23)].allowed, KF_NO_MASK);
	assert_int_equal(kf_thread_may_run_on(t, KF_NOBODY, 0), -1);
}

/* Thousands of different masks are kept, and found. */
static void many_masks(void **state)
{
	struct kf_snapshot *s = make(1, FLOOR, END);
	enum { N = 3000 };

	for (uint32_t i = 0; i < N; i++)
		scanned(s, 100 + i, 1, 0, SYS_futex)->allowed[i % KF_ALLOWED_WORDS] = i + 1;
	build(s);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(t->masks[t->threads[thread(100 + i)].allowed].words[i % KF_ALLOWED_WORDS], i + 1);
}

static void go_is_told_of_threads(void **state)
{
	struct kf_snapshot *s = runner();

	s->tasks[0].flags |= KF_TASK_GO;
	scanned(s, 21, 0, 0, KF_NR_USER);
	build(s);
	assert_true(t->threads[thread(20)].go);
	assert_false(t->threads[thread(21)].go);
}

/* ---- cgroups ---- */

static const struct kf_group *group_of(uint32_t tid)
{
	uint32_t group = t->threads[thread(tid)].cgroup;

	return group == KF_NO_CGROUP ? NULL : &t->cgroups[group];
}

static const char *limiting_of(const struct kf_group *group)
{
	return group->limiting == KF_NO_CGROUP ? "" : t->cgroups[group->limiting].path;
}

static void the_tightest_quota_limits(void **state)
{
	struct kf_snapshot *s = runner();

	for (uint32_t tid = 21; tid <= 24; tid++)
		scanned(s, tid, 0, 0, KF_NR_USER);
	grouped(s, 40, 30, "/web/a/b", 0, 0);
	grouped(s, 30, 20, "/web/a", 30000, 50000); /* 60 % */
	grouped(s, 20, 1, "/web", 50000, 100000);   /* 50 % */
	grouped(s, 50, 20, "/web/c", 10000, 100000);
	grouped(s, 1, 0, "/", 0, 0);
	s->tasks[0].cgroup_id = 40;
	s->tasks[1].cgroup_id = 50;
	s->tasks[2].cgroup_id = 1;
	s->tasks[3].cgroup_id = 99; /* gone */
	build(s);
	assert_string_equal(group_of(20)->path, "/web/a/b");
	assert_string_equal(limiting_of(group_of(20)), "/web");
	assert_string_equal(limiting_of(group_of(21)), "/web/c");
	assert_string_equal(limiting_of(group_of(22)), "");
	assert_null(group_of(23));
	assert_null(group_of(24));
}

/* Files can hold anything: rings of parents, a cgroup twice, parents that are not there, numbers that overflow. */
static void absurd_cgroups_do_no_harm(void **state)
{
	struct kf_snapshot *s = runner();

	grouped(s, 10, 11, "/a", UINT64_MAX, 1);
	grouped(s, 11, 10, "/b", UINT64_MAX, UINT64_MAX);
	grouped(s, 12, 12, "/c", 1, 0);
	grouped(s, 13, 77, "", 0, 5);
	grouped(s, 13, 13, "/again", 0, 0);
	grouped(s, 0, 0, "/zero", 1, 1);
	s->tasks[0].cgroup_id = 10;
	build(s);
	assert_string_equal(limiting_of(group_of(20)), "/b");
	for (size_t i = 0; i < t->n_cgroups; i++)
		assert_true(t->cgroups[i].limiting < t->n_cgroups || t->cgroups[i].limiting == KF_NO_CGROUP);
	assert_int_equal(t->cgroups[2].limiting, KF_NO_CGROUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_priority_that_never_changes_comes_from_the_scan, teardown),
		cmocka_unit_test_teardown(changes_hold_from_their_time_on, teardown),
		cmocka_unit_test_teardown(a_change_before_the_first_switch_has_a_before, teardown),
		cmocka_unit_test_teardown(names_from_before_the_window_tell_no_priority, teardown),
		cmocka_unit_test_teardown(changes_after_the_window_tell_the_past, teardown),
		cmocka_unit_test_teardown(births_and_deaths_tell_priorities, teardown),
		cmocka_unit_test_teardown(a_new_user_of_a_number_has_its_own, teardown),
		cmocka_unit_test_teardown(what_is_not_known_stays_so, teardown),
		cmocka_unit_test_teardown(affinity_is_that_of_the_scan, teardown),
		cmocka_unit_test_teardown(many_masks, teardown),
		cmocka_unit_test_teardown(go_is_told_of_threads, teardown),
		cmocka_unit_test_teardown(the_tightest_quota_limits, teardown),
		cmocka_unit_test_teardown(absurd_cgroups_do_no_harm, teardown),
	};

	return cmocka_run_group_tests_name("about", tests, NULL, NULL);
}
