/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring reader against writers that do what BPF does: reserve, fill, commit, lap the reader, stop half-way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "capture/rings.h"
#include "snapshot/snapshot.h"

#define SLOTS	1024
#define SEGMENT (SLOTS / KF_RING_SEGMENTS)

static struct kf_ring_head *new_ring(void)
{
	struct kf_ring_head *ring = aligned_alloc(4096, kf_ring_bytes(SLOTS));

	assert_non_null(ring);
	memset(ring, 0, kf_ring_bytes(SLOTS));
	ring->limit = KF_NO_LIMIT;
	return ring;
}

static struct kf_slot *slot_at(struct kf_ring_head *ring, uint64_t number)
{
	struct kf_slot *slots = (void *)((char *)ring + KF_RING_HEAD_BYTES);

	return &slots[number % SLOTS];
}

static uint64_t reserve(struct kf_ring_head *ring, uint32_t n, uint64_t now_ns)
{
	uint64_t number = atomic_fetch_add((_Atomic uint64_t *)&ring->head, n), last = number + n - 1;

	if ((last & (SEGMENT - 1)) < n)
		ring->mark_ns[last / SEGMENT % KF_RING_SEGMENTS] = now_ns;
	return number;
}

/* A record whose every field follows from its number: a mix of two is noticed. */
static void fill(struct kf_slot *slot, uint64_t number, uint8_t kind, uint8_t flags)
{
	slot->ts_ns = number * 1000;
	slot->tid = number * 7;
	slot->peer = ~(uint32_t)(number * 7);
	slot->kind = kind;
	slot->flags = flags;
	slot->nr = number;
	slot->start_ns = number * 0x9e3779b97f4a7c15ULL;
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit((_Atomic uint32_t *)&slot->seq, (uint32_t)number + 1, memory_order_release);
}

static bool is_consistent(const struct kf_slot *slot)
{
	uint64_t number = slot->ts_ns / 1000;

	return slot->seq == (uint32_t)number + 1 && slot->tid == (uint32_t)(number * 7) && slot->peer == ~slot->tid &&
	       slot->nr == (uint16_t)number && slot->start_ns == number * 0x9e3779b97f4a7c15ULL;
}

static void write_one(struct kf_ring_head *ring)
{
	uint64_t number = reserve(ring, 1, ring->head * 1000);

	fill(slot_at(ring, number), number, KF_WAKING, 0);
}

static void write_two(struct kf_ring_head *ring)
{
	uint64_t number = reserve(ring, 2, ring->head * 1000);

	fill(slot_at(ring, number + 1), number + 1, KF_MORE, 0);
	fill(slot_at(ring, number), number, KF_SWITCH, KF_F_MORE);
}

static void read_ring(struct kf_ring_copy *copy, const struct kf_ring_head *ring, uint64_t from_ns)
{
	struct kf_error e;

	if (kf_ring_read(copy, ring, SLOTS, from_ns, 17, &e))
		fail_msg("%s", e.message);
}

static void an_empty_ring_is_whole_since_the_start(void **state)
{
	struct kf_ring_head *ring = new_ring();
	struct kf_ring_copy copy;

	read_ring(&copy, ring, 0);
	assert_int_equal(copy.n_slots, 0);
	assert_int_equal(copy.oldest_ns, 17);
	assert_int_equal(copy.torn, 0);
	free(copy.slots);
	free(ring);
}

/* Three segments ago, by any slot: the copy must reach back to there. */
static void expect_reach(struct kf_ring_head *ring)
{
	uint64_t from_ns = (ring->head - 3 * SEGMENT) * 1000;
	struct kf_ring_copy copy;

	read_ring(&copy, ring, from_ns);
	assert_true(copy.n_slots > 0);
	if (copy.slots[0].ts_ns > from_ns)
		fail_msg("head %llu: the copy begins at %llu, wanted %llu", (unsigned long long)ring->head,
			 (unsigned long long)copy.slots[0].ts_ns, (unsigned long long)from_ns);
	free(copy.slots);
}

/* Wherever head stands, also on a segment's edge: its mark is then a round old. */
static void the_window_reaches_back_from_every_head(void **state)
{
	struct kf_ring_head *ring = new_ring();

	for (int i = 0; i < 2 * SLOTS + 3 * SEGMENT; i++) {
		write_one(ring);
		if (i > SLOTS)
			expect_reach(ring);
	}
	free(ring);
}

/* Who took the first slot of a segment was interrupted before it could set the mark. */
static void a_mark_that_is_not_yet_set_is_not_believed(void **state)
{
	struct kf_ring_head *ring = new_ring();

	for (int i = 0; i < 2 * SLOTS; i++)
		write_one(ring);
	ring->head++;
	expect_reach(ring);
	assert_false(kf_segment_began_by(ring, ring->head / SEGMENT, ring->head * 1000));
	assert_true(kf_segment_began_by(ring, ring->head / SEGMENT - 1, ring->head * 1000));
	free(ring);
}

static void a_lapped_ring_gives_the_newest_slots_in_order(void **state)
{
	struct kf_ring_head *ring = new_ring();
	struct kf_ring_copy copy;

	for (int i = 0; i < 5000; i++)
		write_one(ring);
	read_ring(&copy, ring, 0);
	assert_int_equal(copy.n_slots, SLOTS);
	assert_int_equal(copy.written, 5000);
	assert_int_equal(copy.overwritten, 5000 - SLOTS);
	assert_int_equal(copy.oldest_ns, (5000 - SLOTS) * 1000);
	for (size_t i = 0; i < copy.n_slots; i++)
		assert_int_equal(copy.slots[i].ts_ns, (5000 - SLOTS + i) * 1000);
	free(copy.slots);
	free(ring);
}

static void only_the_wanted_part_is_copied(void **state)
{
	struct kf_ring_head *ring = new_ring();
	struct kf_ring_copy copy;
	uint64_t from_ns = 4900 * 1000;

	for (int i = 0; i < 5000; i++)
		write_one(ring);
	read_ring(&copy, ring, from_ns);
	assert_true(copy.n_slots >= 100);
	assert_true(copy.n_slots <= 100 + SEGMENT);
	assert_true(copy.oldest_ns <= from_ns);
	assert_int_equal(copy.slots[0].ts_ns, copy.oldest_ns);
	free(copy.slots);
	free(ring);
}

/* The writer was interrupted between reservation and commit. */
static void a_slot_that_was_not_committed_is_torn(void **state)
{
	struct kf_ring_head *ring = new_ring();
	struct kf_ring_copy copy;

	for (int i = 0; i < 10; i++)
		write_one(ring);
	reserve(ring, 1, 0);
	write_one(ring);
	read_ring(&copy, ring, 0);
	assert_int_equal(copy.n_slots, 11);
	assert_int_equal(copy.torn, 1);
	for (size_t i = 0; i < copy.n_slots; i++)
		assert_true(is_consistent(&copy.slots[i]));
	free(copy.slots);
	free(ring);
}

static void a_record_without_its_second_slot_is_torn(void **state)
{
	struct kf_ring_head *ring = new_ring();
	struct kf_ring_copy copy;
	uint64_t number;

	write_two(ring);
	number = reserve(ring, 2, 0);
	fill(slot_at(ring, number), number, KF_SWITCH, KF_F_MORE);
	write_two(ring);
	read_ring(&copy, ring, 0);
	assert_int_equal(copy.n_slots, 4);
	assert_int_equal(copy.torn, 2); /* the head, and the slot that never came */
	free(copy.slots);
	free(ring);
}

/* Overwriting cuts a pair in two at the old end: normal, and no loss. */
static void an_orphan_at_the_old_end_is_dropped_silently(void **state)
{
	struct kf_ring_head *ring = new_ring();
	struct kf_ring_copy copy;

	for (int i = 0; i < SLOTS / 2; i++)
		write_two(ring);
	write_one(ring);
	read_ring(&copy, ring, 0);
	assert_int_equal(copy.slots[0].kind, KF_SWITCH);
	assert_int_equal(copy.n_slots, SLOTS - 1);
	assert_int_equal(copy.torn, 0);
	free(copy.slots);
	free(ring);
}

struct race {
	struct kf_ring_head *ring;
	atomic_bool stop;
};

/* In bursts of a good half of the ring, so that some copies are lapped and some are not, however slow the reader is. */
static void *write_until_stopped(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	struct race *race = arg;

	while (!atomic_load_explicit(&race->stop, memory_order_relaxed)) {
		for (int i = 0; i < SLOTS / 5; i++) {
			write_two(race->ring);
			write_one(race->ring);
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Reads while the writer laps the reader many times over: every accepted slot must be one that was written. */
static void a_racing_writer_never_gets_a_torn_slot_accepted(void **state)
{
	struct race race = { .ring = new_ring() };
	uint64_t accepted = 0, rejected = 0;
	pthread_t writer;

	assert_int_equal(pthread_create(&writer, NULL, write_until_stopped, &race), 0);
	/* Until the race has happened; on a busy machine the writer may first have to get a CPU. */
	for (int round = 0; round < 3000 || ((!accepted || !rejected) && round < 3000000); round++) {
		struct kf_ring_copy copy;

		read_ring(&copy, race.ring, 0);
		for (size_t i = 0; i < copy.n_slots; i++) {
			if (!is_consistent(&copy.slots[i]))
				fail_msg("torn slot accepted: ts %lu seq %u tid %u", copy.slots[i].ts_ns,
					 copy.slots[i].seq, copy.slots[i].tid);
			if (copy.slots[i].flags & KF_F_MORE)
				assert_int_equal(copy.slots[i + 1].kind, KF_MORE);
		}
		accepted += copy.n_slots;
		rejected += copy.torn;
		free(copy.slots);
	}
	race.stop = true;
	pthread_join(writer, NULL);
	print_message("%lu slots accepted, %lu rejected\n", accepted, rejected);
	assert_true(accepted > 0);
	assert_true(rejected > 0); /* or the race never happened */
	free(race.ring);
}

static void the_plan_obeys_its_limits(void **state)
{
	struct kf_ring_plan plan;
	struct kf_error e;

	assert_int_equal(kf_ring_plan(&plan, 4, 10000000000ULL, 64 << 20, KF_SYSCALLS_BLOCKING, &e), 0);
	assert_true(kf_ring_plan_bytes(&plan) <= 64 << 20);
	assert_int_equal(plan.slots[KF_CLASS_SYSCALL], KF_RING_MIN_SLOTS);
	/* ten seconds at the planned rate, and a quarter */
	assert_int_equal(kf_ring_plan(&plan, 1, 10000000000ULL, 0, KF_SYSCALLS_ALL, &e), 0);
	assert_true(plan.slots[KF_CLASS_SCHED] >= 10ULL * KF_PLAN_SLOTS_PER_SECOND * 5 / 4);
	assert_int_equal(plan.slots[KF_CLASS_SCHED] & (plan.slots[KF_CLASS_SCHED] - 1), 0);
	assert_int_equal(kf_ring_plan(&plan, 1, 0, 0, KF_SYSCALLS_ALL, &e), 0);
	assert_int_equal(plan.slots[KF_CLASS_SCHED], KF_PLAN_MAX_SLOTS);
	kf_ring_plan_limit(&plan, KF_PLAN_MAX_SLOTS_OLD);
	assert_int_equal(plan.slots[KF_CLASS_SCHED], KF_PLAN_MAX_SLOTS_OLD);
	assert_true(kf_ring_bytes(plan.slots[KF_CLASS_SCHED]) <= 4 << 20); /* the largest value 5.15 takes */
}

/* Four processes that take all they can fill the ring in the window, and no sooner. */
static void a_share_is_a_quarter_over_the_window(void **state)
{
	uint64_t period_ns = 1ULL << KF_FLOOD_PERIOD_SHIFT, slots = 1 << 17;
	struct kf_ring_plan plan = { .slots = { [KF_CLASS_SCHED] = 1 << 20 } };

	for (uint64_t window_ns = period_ns; window_ns < 100 * period_ns; window_ns += period_ns / 3) {
		struct kf_ring_share share = kf_ring_share(slots, window_ns);
		uint64_t written = 4 * (share.depth_slots + share.leak_slots * window_ns / period_ns);

		if (written > slots || written < slots * 9 / 10)
			fail_msg("window %lu ns: four shares are %lu slots of %lu", window_ns, written, slots);
	}
	assert_int_equal(kf_ring_share(slots, 0).leak_slots, slots / 8);
	assert_true(kf_ring_share(KF_RING_MIN_SLOTS, UINT64_MAX).leak_slots > 0);
	assert_true(kf_ring_share(KF_RING_MIN_SLOTS, UINT64_MAX).depth_slots > 0); /* 0 would be no limit */
	assert_int_equal(kf_ring_plan_window_ns(&plan, 5), 5);
	assert_true(kf_ring_plan_window_ns(&plan, 0) > 10000000000ULL);
}

static void a_window_too_small_for_the_host_is_refused(void **state)
{
	struct kf_ring_plan plan;
	struct kf_error e;

	assert_int_equal(kf_ring_plan(&plan, 64, 0, 1 << 20, KF_SYSCALLS_BLOCKING, &e), -1);
	assert_int_equal(e.status, KF_USAGE);
	assert_non_null(strstr(e.message, "64 CPUs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_ring_is_whole_since_the_start),
		cmocka_unit_test(the_window_reaches_back_from_every_head),
		cmocka_unit_test(a_mark_that_is_not_yet_set_is_not_believed),
		cmocka_unit_test(a_lapped_ring_gives_the_newest_slots_in_order),
		cmocka_unit_test(only_the_wanted_part_is_copied),
		cmocka_unit_test(a_slot_that_was_not_committed_is_torn),
		cmocka_unit_test(a_record_without_its_second_slot_is_torn),
		cmocka_unit_test(an_orphan_at_the_old_end_is_dropped_silently),
		cmocka_unit_test(a_racing_writer_never_gets_a_torn_slot_accepted),
		cmocka_unit_test(the_plan_obeys_its_limits),
		cmocka_unit_test(a_share_is_a_quarter_over_the_window),
		cmocka_unit_test(a_window_too_small_for_the_host_is_refused),
	};

	return cmocka_run_group_tests_name("rings", tests, NULL, NULL);
}
