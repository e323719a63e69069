/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/timeline.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "make_snapshot.h"
#include "model/check.h"

/* Short names for the states and moves, as the expectations below write them. */
static const char *const move_names[] = { "?",	  "run",  "stop", "block", "wake", "migrate",
					  "fork", "exit", "exec", "call",  "lost", "found" };

/* Builds, checks the promises of timeline.h, frees the snapshot. */
static struct kf_timeline *build(struct kf_snapshot *s)
{
	struct kf_timeline *t = NULL;
	struct kf_error e = { 0 };

	if (kf_timeline_build(&t, s, &e))
		fail_msg("%s", e.message);
	kf_snapshot_free(&s);
	if (kf_timeline_check(t, &e))
		fail_msg("%s", e.message);
	return t;
}

static uint32_t thread_of(const struct kf_timeline *t, uint32_t tid)
{
	uint32_t index = kf_timeline_find(t, tid, 0);

	if (index == KF_NOBODY)
		fail_msg("no thread %u", tid);
	return index;
}

static const struct kf_thread *get(const struct kf_timeline *t, uint32_t tid)
{
	return &t->threads[thread_of(t, tid)];
}

/* "run 2000@1, block 3000@1": the moves of all users of this tid. */
static void expect_moves(const struct kf_timeline *t, uint32_t tid, const char *want)
{
	char got[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < t->n_moves; i++) {
		const struct kf_transition *m = &t->moves[i];

		if (t->threads[m->thread].tid != tid)
			continue;
		len += snprintf(got + len, sizeof(got) - len, "%s%s%s %" PRIu64, len ? ", " : "",
				m->flags & KF_MOVE_F_REPAIRED ? "*" : "", move_names[m->kind], m->ts_ns);
		if (m->cpu != KF_NO_CPU)
			len += snprintf(got + len, sizeof(got) - len, "@%u", m->cpu);
	}
	assert_string_equal(got, want);
}

/* "10 1000-2000, idle 2000-9000" */
static void expect_runs(const struct kf_timeline *t, uint16_t cpu, const char *want)
{
	char got[1024] = "", who[16];
	size_t len = 0;

	for (size_t i = 0; i < t->cpus[cpu].n_runs; i++) {
		const struct kf_run *run = &t->cpus[cpu].runs[i];

		snprintf(who, sizeof(who), "%u", run->thread < t->n_threads ? t->threads[run->thread].tid : 0);
		len += snprintf(got + len, sizeof(got) - len, "%s%s %" PRIu64 "-%" PRIu64, len ? ", " : "",
				run->thread == KF_IDLE	      ? "idle"
				: run->thread == KF_NOT_KNOWN ? "?"
							      : who,
				run->start_ns, run->end_ns);
	}
	assert_string_equal(got, want);
}

/* "20 2000-2500@1": every gap, with its stretches where there are several. */
static void expect_gaps(const struct kf_timeline *t, const char *want)
{
	char got[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < t->n_gaps; i++) {
		const struct kf_gap *gap = &t->gaps[i];

		len += snprintf(got + len, sizeof(got) - len, "%s%u", len ? ", " : "", t->threads[gap->thread].tid);
		for (uint32_t k = 0; k < gap->n_stretches; k++) {
			const struct kf_stretch *stretch = &t->stretches[gap->first_stretch + k];

			len += snprintf(got + len, sizeof(got) - len, " %" PRIu64 "-%" PRIu64, stretch->start_ns,
					stretch->end_ns);
			if (stretch->cpu != KF_NO_CPU)
				len += snprintf(got + len, sizeof(got) - len, "@%u", stretch->cpu);
		}
		if (gap->open)
			len += snprintf(got + len, sizeof(got) - len, " open");
	}
	assert_string_equal(got, want);
}

/* A wakes B, B waits for the CPU that C has, runs, blocks. */
static void wake_wait_run_block(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);
	struct kf_timeline *t;

	waking(s, 0, 2000, 20, 10, 1);
	switched(s, 1, 2500, 30, 20);
	blocked(s, 1, 3000, 20, 0, SYS_futex);
	blocked(s, 0, 4000, 10, 0, SYS_nanosleep);
	t = build(s);

	expect_moves(t, 20, "wake 2000@1, run 2500@1, block 3000@1");
	expect_moves(t, 30, "stop 2500@1");
	expect_moves(t, 10, "block 4000@0");
	expect_runs(t, 0, "10 1000-4000, idle 4000-9000");
	expect_runs(t, 1, "30 1000-2500, 20 2500-3000, idle 3000-9000");
	expect_gaps(t, "20 2000-2500@1, 30 2500-9000@1 open");
	assert_int_equal(get(t, 20)->start_state, KF_STATE_BLOCKED);
	assert_int_equal(get(t, 10)->start_state, KF_STATE_RUNNING);
	assert_int_equal(get(t, 20)->running_ns, 500);
	assert_int_equal(get(t, 20)->runnable_ns, 500);
	assert_int_equal(get(t, 20)->blocked_by_ns[KF_WAIT_FUTEX_LOCK], 6000);
	assert_int_equal(t->gaps[0].waker, thread_of(t, 10));
	assert_int_equal(t->gaps[0].cause, KF_CAUSE_WOKEN);
	assert_int_equal(t->gaps[1].cause, KF_CAUSE_PREEMPTED);
	assert_int_equal(t->n_repaired, 0);
	assert_int_equal(t->n_ignored, 0);
	kf_timeline_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wake_wait_run_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
