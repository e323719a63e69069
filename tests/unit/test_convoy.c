/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/convoy.h"

#include <inttypes.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "built.h"
#include "make_snapshot.h"

#define LOCK 0x7f00000000c0ULL
#define BELL 0x7f0000000100ULL
#define TGID 100

/* Threads 100 to 115, each on a CPU of its own; 1000 to 999000. */
#define THREADS	 16
#define CPU(tid) ((tid)-TGID)

static struct kf_snapshot *begin(void)
{
	struct kf_snapshot *s = make(THREADS, 1000, 999000);

	for (uint32_t tid = TGID; tid < TGID + THREADS; tid++) {
		resumed(s, CPU(tid), 1100, 0, tid);
		scanned(s, tid, 0, CPU(tid), KF_NR_USER)->tgid = TGID;
	}
	return s;
}

static void waits(struct kf_snapshot *s, uint64_t ts, uint32_t tid, uint64_t address, uint32_t op, uint32_t value)
{
	struct kf_ring_copy *ring = &s->rings[KF_CLASS_SCHED][CPU(tid)];
	struct kf_slot_args args;

	blocked(s, CPU(tid), ts, tid, 0, SYS_futex);
	memcpy(&args, &ring->slots[ring->n_slots - 1], sizeof(args));
	args.arg0 = address;
	args.arg1 = op;
	args.arg2 = value;
	memcpy(&ring->slots[ring->n_slots - 1], &args, sizeof(args));
}

static void locks(struct kf_snapshot *s, uint64_t ts, uint32_t tid)
{
	waits(s, ts, tid, LOCK, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2);
}

/* from wakes tid out of a call on this address; tid runs at once. */
static void wakes(struct kf_snapshot *s, uint64_t ts, uint32_t tid, uint32_t from, uint64_t address)
{
	struct kf_slot *slot = waking(s, CPU(from), ts, tid, from, CPU(tid));

	slot->nr = SYS_futex;
	slot->flags |= KF_F_IN_SYSCALL;
	slot->arg0_lo = (uint32_t)address;
	slot->arg0_hi = (uint16_t)(address >> 32);
	switched(s, CPU(tid), ts + 100, 0, tid);
}

static void print_convoy(const struct kf_timeline *t, const struct kf_convoy *c, char *out, size_t room)
{
	size_t len = snprintf(out, room,
			      "%u %" PRIx64 " x%u max %u, [%" PRIu64 " %" PRIu64 "] %u threads %" PRIu64 " of %" PRIu64
			      " worst %u/%" PRIu64 "%s",
			      c->tgid, c->address, c->n_convoys, c->max_waiters, c->first_ns, c->last_ns, c->n_threads,
			      c->worst_ns, c->total_ns, t->threads[c->longest_thread].tid, c->longest_ns,
			      c->open ? " open" : "");

	if (c->holder != KF_NOBODY)
		len += snprintf(out + len, room - len, " holder %u/%" PRIu64, t->threads[c->holder].tid, c->holder_ns);
	assert_int_equal(c->n_steps, c->n_handovers < KF_CONVOY_STEPS_MAX ? c->n_handovers : KF_CONVOY_STEPS_MAX);
	for (size_t i = 0; i < c->n_steps && i < 4; i++)
		len += snprintf(out + len, room - len, "; %" PRIu64 " %u->%u held %" PRIu64 " waited %" PRIu64,
				c->steps[i].ts_ns, t->threads[c->steps[i].from].tid, t->threads[c->steps[i].thread].tid,
				c->steps[i].held_ns, c->steps[i].waited_ns);
}

/* Builds and frees s. want describes the first of n convoys. */
static void expect(struct kf_snapshot *s, size_t n, const char *want)
{
	struct kf_timeline *t = built(s);
	struct kf_convoys c = { 0 };
	struct kf_error e = { 0 };
	char got[1024] = "";

	assert_int_equal(kf_convoys_find(&c, t, &e), 0);
	if (c.n)
		print_convoy(t, &c.items[0], got, sizeof(got));
	assert_string_equal(got, want);
	assert_int_equal(c.n, n);
	kf_convoys_release(&c);
	kf_timeline_free(&t);
}

/* 100 has it, 101 to 103 come; each has it for 10000. */
static void staircase(struct kf_snapshot *s, uint64_t ts)
{
	for (uint32_t i = 1; i <= 3; i++)
		locks(s, ts + i * 1000, TGID + i);
	for (uint32_t i = 1; i <= 3; i++)
		wakes(s, ts + i * 10000, TGID + i, TGID + i - 1, LOCK);
}

static void one_staircase(void **state)
{
	struct kf_snapshot *s = begin();

	staircase(s, 10000);
	expect(s, 1,
	       "100 7f00000000c0 x1 max 3, [11000 40000] 3 threads 54000 of 54000 worst 103/27000 holder 101/10000"
	       "; 20000 100->101 held 9000 waited 9000; 30000 101->102 held 10000 waited 18000"
	       "; 40000 102->103 held 10000 waited 27000");
}

/* Of equally bad ones the last is told. */
static void several_on_one_address(void **state)
{
	struct kf_snapshot *s = begin();

	staircase(s, 10000);
	staircase(s, 100000);
	expect(s, 1,
	       "100 7f00000000c0 x2 max 3, [101000 130000] 3 threads 54000 of 108000 worst 103/27000 holder 101/10000"
	       "; 110000 100->101 held 9000 waited 9000; 120000 101->102 held 10000 waited 18000"
	       "; 130000 102->103 held 10000 waited 27000");
}

static void two_waiters_are_no_convoy(void **state)
{
	struct kf_snapshot *s = begin();

	locks(s, 2000, 101);
	locks(s, 3000, 102);
	wakes(s, 10000, 101, 100, LOCK);
	locks(s, 11000, 103);
	wakes(s, 20000, 102, 101, LOCK);
	wakes(s, 30000, 103, 102, LOCK);
	expect(s, 0, "");
}

static void never_released(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t i = 1; i <= 3; i++)
		locks(s, 9000 + i * 10000, TGID + i);
	expect(s, 1, "100 7f00000000c0 x1 max 3, [19000 999000] 3 threads 2910000 of 2910000 worst 101/980000 open");
}

/* The one who got it last has it still. */
static void stuck_after_some(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t i = 1; i <= 3; i++)
		locks(s, 9000, TGID + i);
	wakes(s, 20000, 101, 100, LOCK);
	expect(s, 1,
	       "100 7f00000000c0 x1 max 3, [9000 999000] 3 threads 1991000 of 1991000 worst 103/990000 open "
	       "holder 101/979000; 20000 100->101 held 11000 waited 11000");
}

/* 100 brings work, others wait for it: by value no lock, and by use neither. */
static void idle_pool(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t i = 1; i <= 6; i++)
		waits(s, 2000 + i, TGID + i, BELL, FUTEX_WAIT_BITSET, 0);
	for (uint32_t i = 1; i <= 6; i++)
		wakes(s, i * 100000, TGID + i, 100, BELL);
	for (uint32_t i = 1; i <= 6; i++)
		waits(s, 700000 + i, TGID + i, BELL, FUTEX_WAIT, 0);
	expect(s, 0, "");
}

/* A lock whose waiters wait for another value: it goes from one to the next. */
static void unusual_lock(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t i = 1; i <= 3; i++)
		waits(s, 10000 + i * 1000, TGID + i, LOCK, FUTEX_WAIT_BITSET, 77);
	for (uint32_t i = 1; i <= 3; i++)
		wakes(s, 10000 + i * 10000, TGID + i, TGID + i - 1, LOCK);
	expect(s, 1,
	       "100 7f00000000c0 x1 max 3, [11000 40000] 3 threads 54000 of 54000 worst 103/27000 holder 101/10000"
	       "; 20000 100->101 held 9000 waited 9000; 30000 101->102 held 10000 waited 18000"
	       "; 40000 102->103 held 10000 waited 27000");
}

static void barrier(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 1; i <= 6; i++)
			waits(s, 10000 + round * 100000 + i, TGID + i, BELL, FUTEX_WAIT, 2);
		for (uint32_t i = 1; i <= 6; i++)
			wakes(s, 50000 + round * 100000 + i * 1500, TGID + i, 100, BELL);
	}
	expect(s, 0, "");
}

/* Ended by a timeout and by a call on something else: waits, but no hand-overs. */
static void other_ends(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t i = 1; i <= 4; i++)
		locks(s, 10000, TGID + i);
	waking(s, 5, 20000, 101, 105, 1)->flags = KF_CTX_HARDIRQ << KF_F_CONTEXT_SHIFT;
	wakes(s, 30000, 102, 100, BELL);
	wakes(s, 40000, 103, 100, LOCK);
	wakes(s, 50000, 104, 103, LOCK);
	expect(s, 1,
	       "100 7f00000000c0 x1 max 4, [10000 50000] 4 threads 100000 of 100000 worst 104/40000 holder 100/30000"
	       "; 40000 100->103 held 30000 waited 30000; 50000 103->104 held 10000 waited 40000");
}

/* A line that never gets empty, on 600 hand-overs. */
static void long_line(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t i = 0; i < 600; i++) {
		locks(s, 2000 + i * 1000, 101 + i % 4);
		if (i >= 2)
			wakes(s, 2500 + i * 1000, 101 + (i + 2) % 4, 101 + (i + 1) % 4, LOCK);
	}
	expect(s, 1,
	       "100 7f00000000c0 x1 max 3, [2000 999000] 4 threads 2292000 of 2292000 worst 103/399000 open "
	       "holder 102/546500; 4500 104->101 held 2500 waited 2500; 5500 101->102 held 1000 waited 2500; "
	       "6500 102->103 held 1000 waited 2500; 7500 103->104 held 1000 waited 2500");
}

static void many_addresses(void **state)
{
	struct kf_snapshot *s = begin();

	for (uint32_t i = 0; i < 2 * KF_CONVOYS_MAX + 10; i++) {
		uint64_t ts = 2000 + i * 5000, address = LOCK + i * 64;

		for (uint32_t tid = 101; tid <= 103; tid++)
			waits(s, ts + tid, tid, address, FUTEX_WAIT, 2);
		for (uint32_t tid = 101; tid <= 103; tid++)
			wakes(s, ts + (tid - 100) * 1000 + i, tid, tid - 1, address);
	}
	/* the last is the longest */
	expect(s, KF_CONVOYS_MAX,
	       "100 7f0000002300 x1 max 3, [687101 690137] 3 threads 6105 of 6105 worst 103/3034 holder 100/1036; "
	       "688137 100->101 held 1036 waited 1036; 689137 101->102 held 1000 waited 2035; "
	       "690137 102->103 held 1000 waited 3034");
}

static void broken_timelines(void **state)
{
	struct kf_wait lock = { .arg0 = LOCK, .nr = SYS_futex, .kind = KF_WAIT_FUTEX_LOCK, .arg2 = 2 };
	struct kf_thread threads[4] = { 0 };
	struct kf_transition moves[] = {
		{ .ts_ns = 50, .thread = 0, .kind = KF_MOVE_WAKE, .other = 9, .flags = KF_MOVE_F_REPAIRED },
		{ .ts_ns = 40, .thread = 0, .kind = KF_MOVE_BLOCK, .wait = lock },
		{ .ts_ns = 20, .thread = 0, .kind = KF_MOVE_WAKE, .other = 77 },
		{ .ts_ns = 60, .thread = 88, .kind = KF_MOVE_BLOCK, .wait = lock },
		{ .ts_ns = 61, .thread = 0, .kind = KF_MOVE_BLOCK, .wait = lock },
		{ .ts_ns = 62, .thread = 0, .kind = KF_MOVE_BLOCK, .wait = lock },
		{ .ts_ns = 63, .thread = 1, .kind = KF_MOVE_FOUND, .state = KF_STATE_DEAD, .wait = lock },
		{ .ts_ns = 64, .thread = 2, .kind = 200 },
	};
	struct kf_timeline t = { .floor_ns = 10, .end_ns = 30, .threads = threads, .n_threads = 4 };
	struct kf_convoys c = { 0 };
	struct kf_error e = { 0 };

	assert_int_equal(kf_convoys_find(&c, &t, &e), 0);
	assert_int_equal(c.n, 0);
	for (size_t i = 0; i < 4; i++)
		threads[i] = (struct kf_thread){ .tgid = 5, .start_state = KF_STATE_BLOCKED, .start_wait = lock };
	t.moves = moves;
	t.n_moves = sizeof(moves) / sizeof(moves[0]);
	assert_int_equal(kf_convoys_find(&c, &t, &e), 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.items[0].max_waiters, 4);
	kf_convoys_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_staircase),
		cmocka_unit_test(several_on_one_address),
		cmocka_unit_test(two_waiters_are_no_convoy),
		cmocka_unit_test(never_released),
		cmocka_unit_test(stuck_after_some),
		cmocka_unit_test(idle_pool),
		cmocka_unit_test(unusual_lock),
		cmocka_unit_test(barrier),
		cmocka_unit_test(other_ends),
		cmocka_unit_test(long_line),
		cmocka_unit_test(many_addresses),
		cmocka_unit_test(broken_timelines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
