/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/chain.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "built.h"
#include "make_snapshot.h"

#define SOFTIRQ (KF_CTX_SOFTIRQ << KF_F_CONTEXT_SHIFT)

/* One link as "9 [100 200] ran 1 ready 2 blocked 3 (1) unknown 0 by 8: queued"; what is 0 is left out. */
static size_t print_link(const struct kf_timeline *t, const struct kf_link *l, char *out, size_t room)
{
	size_t len = 0;

	len += snprintf(out + len, room - len, "%u [%" PRIu64 " %" PRIu64 "]", t->threads[l->thread].tid, l->start_ns,
			l->end_ns);
	if (l->running_ns)
		len += snprintf(out + len, room - len, " ran %" PRIu64, l->running_ns);
	if (l->runnable_ns)
		len += snprintf(out + len, room - len, " ready %" PRIu64, l->runnable_ns);
	if (l->blocked_ns)
		len += snprintf(out + len, room - len, " blocked %" PRIu64 "/%u", l->blocked_ns, l->n_waits);
	if (l->unknown_ns)
		len += snprintf(out + len, room - len, " unknown %" PRIu64, l->unknown_ns);
	if (l->gap)
		len += snprintf(out + len, room - len, " gap %" PRIu64, l->gap->end_ns - l->gap->start_ns);
	if (l->waker < t->n_threads)
		len += snprintf(out + len, room - len, " by %u", t->threads[l->waker].tid);
	if (l->waker == KF_IDLE)
		len += snprintf(out + len, room - len, " by idle");
	len += snprintf(out + len, room - len, "%s%s%s%s", l->wait_open ? " open" : "", l->wait_old ? " old" : "",
			l->end ? ": " : "; ", kf_chain_end_name(l->end));
	assert_int_equal(l->running_ns + l->runnable_ns + l->blocked_ns + l->unknown_ns, l->end_ns - l->start_ns);
	return len;
}

static void expect_chain(const struct kf_timeline *t, uint32_t thread, uint64_t start, uint64_t end, const char *want)
{
	struct kf_chains *chains = NULL;
	struct kf_error e = { 0 };
	struct kf_chain chain;
	char got[2048] = "";
	size_t len = 0;

	assert_int_equal(kf_chains_open(&chains, t, &e), 0);
	kf_chain_of(chains, thread, start, end, &chain);
	for (size_t i = 0; i < chain.n; i++)
		len += print_link(t, &chain.links[i], got + len, sizeof(got) - len);
	assert_string_equal(got, want);
	kf_chains_close(&chains);
	assert_null(chains);
}

/* Builds and frees s. */
static void expect(struct kf_snapshot *s, uint32_t tid, uint64_t start, uint64_t end, const char *want)
{
	struct kf_timeline *t = built(s);

	expect_chain(t, kf_timeline_find(t, tid, 0), start, end, want);
	kf_timeline_free(&t);
}

/* 20 waits for the lock of 10 from 2000 to 8000; 10 meanwhile lost its CPU to 30. */
static void holder_was_kept_from_running(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);

	switched(s, 0, 1000, 0, 20);
	blocked(s, 0, 2000, 20, 0, SYS_futex);
	resumed(s, 1, 1100, 0, 10);
	switched(s, 1, 3000, 10, 30);
	switched(s, 1, 7500, 30, 10);
	waking(s, 1, 8000, 20, 10, 0);
	switched(s, 0, 8100, 0, 20);
	blocked(s, 1, 8500, 10, 0, SYS_futex);
	expect(s, 20, 2000, 8000,
	       "20 [2000 8000] blocked 6000/1 by 10; 10 [2000 8000] ran 1500 ready 4500 gap 4500: queued");
}

static void holder_ran(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);

	switched(s, 0, 1000, 0, 20);
	blocked(s, 0, 2000, 20, 0, SYS_futex);
	resumed(s, 1, 1100, 0, 10);
	waking(s, 1, 8000, 20, 10, 0);
	switched(s, 0, 8100, 0, 20);
	blocked(s, 1, 8500, 10, 0, SYS_futex);
	/* the victim's own wait for a CPU belongs to its stretch */
	expect(s, 20, 2000, 8100,
	       "20 [2000 8100] ready 100 blocked 6000/1 gap 100 by 10; 10 [2000 8000] ran 6000: ran");
}

/* 10 idles in epoll until an interrupt brings what 20 waits for: nobody is blamed. */
static void server_that_waited_for_the_network(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);

	resumed(s, 1, 1100, 0, 10);
	blocked(s, 1, 1500, 10, 0, SYS_epoll_wait);
	switched(s, 0, 1000, 0, 20);
	blocked(s, 0, 2000, 20, 0, SYS_read);
	waking(s, 1, 7000, 10, 0, 1)->flags = SOFTIRQ;
	switched(s, 1, 7100, 0, 10);
	waking(s, 1, 8000, 20, 10, 0);
	switched(s, 0, 8100, 0, 20);
	expect(s, 20, 2000, 8000,
	       "20 [2000 8000] blocked 6000/1 by 10; "
	       "10 [2000 8000] ran 900 ready 100 blocked 5000/1 gap 100 by idle: interrupt");
}

/* The same server was woken by 30, which had been late itself. */
static void follows_on_through_a_server(void **state)
{
	struct kf_snapshot *s = make(3, 1000, 9000);

	resumed(s, 1, 1100, 0, 10);
	blocked(s, 1, 1500, 10, 0, SYS_epoll_wait);
	switched(s, 0, 1000, 0, 20);
	blocked(s, 0, 2000, 20, 0, SYS_read);
	resumed(s, 2, 1200, 0, 40);
	resumed(s, 2, 6500, 40, 30);
	waking(s, 2, 7000, 10, 30, 1);
	switched(s, 1, 7100, 0, 10);
	waking(s, 1, 8000, 20, 10, 0);
	switched(s, 0, 8100, 0, 20);
	expect(s, 20, 2000, 8000,
	       "20 [2000 8000] blocked 6000/1 by 10; "
	       "10 [2000 8000] ran 900 ready 100 blocked 5000/1 gap 100 by 30; "
	       "30 [2000 7000] ran 500 ready 4500 gap 5500: queued");
}

static void still_waiting(void **state)
{
	struct kf_snapshot *s = make(1, 1000, 9000);

	switched(s, 0, 1000, 0, 20);
	blocked(s, 0, 2000, 20, 0, SYS_futex);
	expect(s, 20, 2000, 6000, "20 [2000 6000] blocked 4000/1 open: unknown");
}

static void asleep_since_before_the_window(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);

	resumed(s, 1, 1100, 0, 10);
	waking(s, 1, 8000, 20, 10, 0);
	switched(s, 0, 8100, 0, 20);
	/* from 0 to 1000 nobody knows */
	expect(s, 20, 0, 8000,
	       "20 [0 8000] blocked 7000/1 unknown 1000 by 10 old; 10 [1000 8000] ran 6900 ready 100 gap 100: ran");
}

static void before_the_floor_nothing_is_known(void **state)
{
	struct kf_snapshot *s = make(1, 5000, 9000);

	switched(s, 0, 8000, 20, 0);
	expect(s, 20, 1000, 8000, "20 [1000 8000] ran 3000 unknown 4000: floor");
}

/* The waker was born while the other waited. */
static void child(void **state)
{
	struct kf_snapshot *s = make(2, 1000, 9000);

	switched(s, 0, 1000, 0, 20);
	blocked(s, 0, 2000, 20, 0, SYS_wait4);
	wakeup_new(s, 1, 6000, 10, 1, 1);
	tells(switched(s, 1, 6500, 0, 10), 6000, KF_CAUSE_FORKED, 1);
	waking(s, 1, 8000, 20, 10, 0);
	died(s, 1, 8100, 10, 0);
	expect(s, 20, 2000, 8000,
	       "20 [2000 8000] blocked 6000/1 by 10; 10 [6000 8000] ran 1500 ready 500 gap 500: ran");
}

/* Nine short sleeps in 9000: none of them is the reason. */
static void many_short_waits(void **state)
{
	struct kf_snapshot *s = make(1, 1000, 20000);

	resumed(s, 0, 1100, 0, 20);
	for (uint64_t ts = 2000; ts < 11000; ts += 1000) {
		blocked(s, 0, ts, 20, 0, SYS_pread64);
		waking(s, 0, ts + 800, 20, 0, 0)->flags = SOFTIRQ;
		switched(s, 0, ts + 800, 0, 20);
	}
	expect(s, 20, 2000, 11000, "20 [2000 11000] ran 1800 blocked 7200/9 by idle: scattered");
}

/* A line of locks: each waits for the one before. */
static void deep(void **state)
{
	struct kf_snapshot *s = make(12, 1000, 99000);

	for (uint32_t i = 0; i < 12; i++)
		resumed(s, i, 1100, 0, 10 + i);
	for (uint32_t i = 1; i < 12; i++)
		blocked(s, i, 1900, 10 + i, 0, SYS_futex);
	for (uint32_t i = 1; i < 12; i++) {
		waking(s, i - 1, 10000 + i * 1000, 10 + i, 9 + i, i);
		switched(s, i, 10000 + i * 1000, 0, 10 + i);
	}
	expect(s, 21, 2000, 21000,
	       "21 [2000 21000] blocked 19000/1 by 20; 20 [2000 21000] ran 1000 blocked 18000/1 by 19; "
	       "19 [2000 20000] ran 1000 blocked 17000/1 by 18; 18 [2000 19000] ran 1000 blocked 16000/1 by 17; "
	       "17 [2000 18000] ran 1000 blocked 15000/1 by 16; 16 [2000 17000] ran 1000 blocked 14000/1 by 15; "
	       "15 [2000 16000] ran 1000 blocked 13000/1 by 14; 14 [2000 15000] ran 1000 blocked 12000/1 by 13: deep");
}

static void thread_that_does_not_exist(void **state)
{
	expect(make(1, 1000, 9000), 7, 1000, 2000, "");
	expect_chain(&(struct kf_timeline){ .floor_ns = 5, .end_ns = 9 }, 0, 5, 9, "");
}

static struct kf_transition hostile_moves[] = {
	{ .ts_ns = 100, .thread = 0, .kind = KF_MOVE_BLOCK, .other = KF_NOBODY },
	{ .ts_ns = 100, .thread = 1, .kind = KF_MOVE_BLOCK, .other = KF_NOBODY },
	{ .ts_ns = 150, .thread = 7, .kind = KF_MOVE_BLOCK, .other = KF_NOBODY },
	{ .ts_ns = 160, .thread = 2, .kind = KF_MOVE_BLOCK, .other = 2 },
	{ .ts_ns = 170, .thread = UINT32_MAX, .kind = KF_MOVE_WAKE, .other = 0 },
	{ .ts_ns = 200, .thread = 0, .kind = KF_MOVE_WAKE, .other = 1 },
	{ .ts_ns = 200, .thread = 1, .kind = KF_MOVE_WAKE, .other = 0 },
	{ .ts_ns = 210, .thread = 2, .kind = KF_MOVE_WAKE, .other = 2 },
	{ .ts_ns = 220, .thread = 2, .kind = 99, .other = 2 },
	{ .ts_ns = 300, .thread = 3, .kind = KF_MOVE_BLOCK, .other = KF_NOBODY },
	{ .ts_ns = 250, .thread = 3, .kind = KF_MOVE_WAKE, .other = 12345 }, /* backwards */
	{ .ts_ns = 280, .thread = 3, .kind = KF_MOVE_RUN, .other = 12345 },
	{ .ts_ns = 900, .thread = 3, .kind = KF_MOVE_FOUND, .state = 200 },
};

/* What no timeline of ours looks like. */
static void contradictions(void **state)
{
	struct kf_thread threads[4] = { { .tid = 10 }, { .tid = 11 }, { .tid = 12 }, { .tid = 13, .born_ns = 700 } };
	struct kf_gap gaps[] = { { .thread = 0, .start_ns = 5, .end_ns = 1 },
				 { .thread = 99, .start_ns = 1, .end_ns = 5 } };
	struct kf_timeline t = { .floor_ns = 50,
				 .end_ns = 400,
				 .threads = threads,
				 .n_threads = 4,
				 .moves = hostile_moves,
				 .n_moves = sizeof(hostile_moves) / sizeof(hostile_moves[0]),
				 .gaps = gaps,
				 .n_gaps = 2 };

	expect_chain(&t, 0, 100, 200, "10 [100 200] blocked 100/1 by 11; 11 [100 200] blocked 100/1 by 10: loop");
	expect_chain(&t, 2, 160, 210, "12 [160 210] blocked 50/1 by 12: loop");
	expect_chain(&t, 3, 100, 900, "13 [700 900] ran 200: ran");
	expect_chain(&t, 0, 300, 100, "10 [300 300]: unknown");
	expect_chain(&t, 0, 0, UINT64_MAX,
		     "10 [0 18446744073709551615] ready 200 blocked 100/1 unknown "
		     "18446744073709551315 by 11: floor");
}

static void moves_of_a_thread(void **state)
{
	struct kf_thread threads[4] = { 0 };
	struct kf_timeline t = { .threads = threads,
				 .n_threads = 4,
				 .moves = hostile_moves,
				 .n_moves = sizeof(hostile_moves) / sizeof(hostile_moves[0]) };
	struct kf_chains *chains = NULL;
	struct kf_error e = { 0 };
	const uint32_t *moves;
	size_t n;

	assert_int_equal(kf_chains_open(&chains, &t, &e), 0);
	moves = kf_chains_moves(chains, 2, &n);
	assert_int_equal(n, 3);
	assert_int_equal(moves[0], 3);
	assert_int_equal(moves[1], 7);
	assert_int_equal(moves[2], 8);
	kf_chains_moves(chains, 4, &n);
	assert_int_equal(n, 0);
	kf_chains_gaps(chains, KF_NOBODY, &n);
	assert_int_equal(n, 0);
	kf_chains_close(&chains);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holder_was_kept_from_running),
		cmocka_unit_test(holder_ran),
		cmocka_unit_test(server_that_waited_for_the_network),
		cmocka_unit_test(follows_on_through_a_server),
		cmocka_unit_test(still_waiting),
		cmocka_unit_test(asleep_since_before_the_window),
		cmocka_unit_test(before_the_floor_nothing_is_known),
		cmocka_unit_test(child),
		cmocka_unit_test(many_short_waits),
		cmocka_unit_test(deep),
		cmocka_unit_test(thread_that_does_not_exist),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(moves_of_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
