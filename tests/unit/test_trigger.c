/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/syscall.h>

#include "hand_setup.h"
#include "output/sentence.h"
#include "output/trigger.h"

static const char *sentence(void)
{
	static char buf[KF_SENTENCE_BYTES];

	size_t len = kf_trigger_sentence(&h.timeline, s, buf, sizeof(buf));

	assert_int_equal(len, strlen(buf));
	return buf;
}

static void fire(uint32_t kind, uint32_t tid, uint64_t since_ns, uint64_t ts_ns, uint64_t threshold_ns)
{
	s->trigger = (struct kf_trigger){ .kind = kind,
					  .tid = tid,
					  .tgid = tid,
					  .since_ns = since_ns,
					  .ts_ns = ts_ns,
					  .threshold_ns = threshold_ns };
	strcpy(s->trigger.comm, "lost\n");
}

static void runq_tells_the_gap_that_fired(void **state)
{
	fire(KF_TRIGGER_RUNQ, 2144, MS(10), MS(21) + 300, MS(5));
	assert_ptr_equal(kf_trigger_gap(&h.timeline, s), &h.gaps[HAND_GAP_NGINX]);
	assert_string_equal(sentence(), "runq > 5 ms: nginx/2144 waited 11.0 ms to run on CPU 0 (woken by redis/812): "
					"7.00 ms redis/812 (64 %), 3.00 ms cron/77 (27 %), CPU 0 was idle 1.00 ms "
					"(wake-up path, 9 %)");
}

static void runq_of_an_open_wait_tells_the_gap_around_it(void **state)
{
	fire(KF_TRIGGER_RUNQ, 2144, MS(30), MS(60), 1500000);
	s->trigger.flags = KF_TRIGGER_OPEN;
	assert_ptr_equal(kf_trigger_gap(&h.timeline, s), &h.gaps[HAND_GAP_OPEN]);
	assert_non_null(strstr(sentence(), "runq > 1500 us: nginx/2144 was preempted and has waited 71.0 ms"));
}

static void runq_without_its_gap_says_what_the_trigger_knows(void **state)
{
	fire(KF_TRIGGER_RUNQ, 4711, MS(30), MS(42), MS(5));
	s->trigger.cpu = 1;
	assert_null(kf_trigger_gap(&h.timeline, s));
	assert_string_equal(sentence(), "runq > 5 ms: lost\\x0a/4711 waited 12.0 ms to run on CPU 1 (the records show "
					"no such gap)");
}

/* 1 us of nginx' gap from 10 to 21 ms is not the 5 ms that fired. */
static void runq_takes_no_other_gap(void **state)
{
	fire(KF_TRIGGER_RUNQ, 2144, MS(5), MS(10) + 1000, MS(5));
	assert_null(kf_trigger_gap(&h.timeline, s));
	assert_non_null(strstr(sentence(), "nginx/2144 waited 5.00 ms to run on CPU 0 (the records show no such"));
}

/* nginx blocks at 2 ms in a futex, is woken by redis at 10 ms and runs at 21 ms. */
static void add_futex_wait(void)
{
	h.moves[0] = (struct kf_transition){ .ts_ns = MS(2), .thread = HAND_NGINX, .kind = KF_MOVE_BLOCK };
	h.moves[0].wait = (struct kf_wait){ .kind = KF_WAIT_FUTEX_LOCK, .nr = SYS_futex };
	h.moves[1] = (struct kf_transition){ .ts_ns = MS(3), .thread = HAND_HOG, .kind = KF_MOVE_RUN };
	h.moves[2] = (struct kf_transition){ .ts_ns = MS(10), .thread = HAND_NGINX, .kind = KF_MOVE_WAKE };
	h.moves[2].other = HAND_REDIS;
	h.moves[3] = (struct kf_transition){ .ts_ns = MS(21), .thread = HAND_NGINX, .kind = KF_MOVE_RUN };
	h.threads[HAND_NGINX].start_state = KF_STATE_RUNNING;
	h.timeline.n_moves = 4;
}

static void futex_tells_address_length_and_waker(void **state)
{
	char want[200];

	add_futex_wait();
	fire(KF_TRIGGER_FUTEX, 2144, MS(2), MS(10), MS(5));
	s->trigger.nr = SYS_futex;
	s->trigger.arg0 = 0x7f00c4;
	snprintf(want, sizeof(want),
		 "futex > 5 ms: nginx/2144 waited 8.00 ms in futex 0x7f00c4 (%s), woken by redis/812",
		 kf_wait_kind_name(KF_WAIT_FUTEX_LOCK));
	assert_string_equal(sentence(), want);
}

static void a_wait_that_never_ended_says_so(void **state)
{
	add_futex_wait();
	h.timeline.n_moves = 2;
	fire(KF_TRIGGER_BLOCK, 2144, MS(2), MS(60), MS(50));
	s->trigger.flags = KF_TRIGGER_OPEN;
	s->trigger.nr = SYS_futex;
	assert_non_null(strstr(sentence(), "block > 50 ms: nginx/2144 has waited 99.0 ms in futex ("));
	assert_non_null(strstr(sentence(), ") and still waits"));
}

static void a_slow_syscall_is_split_by_state(void **state)
{
	add_futex_wait();
	fire(KF_TRIGGER_SYSCALL, 2144, 0, MS(25), MS(1));
	s->trigger.nr = SYS_read;
	h.moves[0].wait.kind = KF_WAIT_DISK;
	assert_string_equal(sentence(), "syscall > 1 ms: nginx/2144 was 25.0 ms in read: 8.00 ms blocked (disk), 11.0 "
					"ms ready but not running, 5.00 ms running, 1.00 ms unknown");
}

static void a_request_tells_reason_and_worst_gap(void **state)
{
	assert_int_equal(kf_snapshot_set(&s->reason, "checkout \x1b slow"), 0);
	assert_non_null(strstr(sentence(), "requested (\"checkout \\x1b slow\"); worst gap: nginx/2144 was preempted"));
	assert_ptr_equal(kf_trigger_gap(&h.timeline, s), &h.gaps[HAND_GAP_OPEN]);
	h.timeline.n_gaps = 0;
	assert_string_equal(sentence(), "requested (\"checkout \\x1b slow\"); no thread waited to run");
}

/* Fields of a trigger come from a file: any number in them is printed, none crashes. */
static void absurd_triggers_are_survived(void **state)
{
	for (uint32_t kind = 0; kind < KF_TRIGGER_KINDS + 2; kind++) {
		fire(kind, UINT32_MAX, UINT64_MAX, 0, UINT64_MAX);
		s->trigger.nr = 0xeeee;
		memset(s->trigger.comm, 0xff, sizeof(s->trigger.comm));
		assert_true(strlen(sentence()) > 0);
	}
}

static void add_rule(const char *name, const char *text)
{
	const struct kf_rule_counts none = { 0 };

	assert_int_equal(kf_snapshot_add_rule(s, name, text, &none, &none), 0);
	s->trigger.rule = (uint16_t)s->n_rules;
}

static void throttled_tells_the_gap_that_fired(void **state)
{
	fire(KF_TRIGGER_THROTTLED, 2144, MS(10), MS(21) + 300, MS(5));
	assert_ptr_equal(kf_trigger_gap(&h.timeline, s), &h.gaps[HAND_GAP_NGINX]);
	assert_non_null(strstr(sentence(), "throttled > 5 ms: nginx/2144 waited 11.0 ms to run on CPU 0"));
	fire(KF_TRIGGER_THROTTLED, 4711, MS(30), MS(42), MS(5));
	assert_null(kf_trigger_gap(&h.timeline, s));
	assert_string_equal(sentence(),
			    "throttled > 5 ms: lost\\x0a/4711 waited 12.0 ms to run on CPU 0, 5.00 ms or more of that "
			    "for the quota of its cgroup (the records show no such gap)");
}

static void aggregates_have_no_thread(void **state)
{
	fire(KF_TRIGGER_AGGREGATE, 0, 0, MS(42), 0);
	assert_ptr_equal(kf_trigger_gap(&h.timeline, s), &h.gaps[HAND_GAP_OPEN]);
	assert_non_null(strstr(sentence(), "aggregate; worst gap: "));
	add_rule("p99-runq-2ms", "p99(runq)>2ms/1s");
	kf_snapshot_set(&s->reason, "2.31 ms\n");
	assert_non_null(strstr(sentence(), "p99(runq)>2ms/1s: 2.31 ms\\x0a; worst gap: nginx/2144 was preempted"));
	add_rule("storm", "p99(runq)>2ms\x1b");
	assert_non_null(strstr(sentence(), "storm (p99(runq)>2ms\\x1b): 2.31 ms\\x0a; worst gap: "));
}

static void rules_with_a_name_of_their_own_are_named(void **state)
{
	fire(KF_TRIGGER_RUNQ, 4711, MS(30), MS(42), MS(5));
	add_rule("runq-5ms", "runq>5ms");
	assert_non_null(strstr(sentence(), "runq > 5 ms: lost"));
	add_rule("slow\x1bweb", "runq>5ms{name=slow}");
	assert_int_equal(strncmp(sentence(), "slow\\x1bweb (runq > 5 ms): lost", 30), 0);
	s->trigger.rule = 77;
	assert_int_equal(strncmp(sentence(), "runq > 5 ms: lost", 17), 0);
}

static void requests_tell_who_asked_and_for_what(void **state)
{
	fire(KF_TRIGGER_REQUEST, 0, 0, MS(42), 0);
	s->requester = (struct kf_requester){ .pid = 2144, .uid = 1000, .comm = "check\x1bout" };
	kf_snapshot_set(&s->trace_id, "4bf9\x1b");
	kf_snapshot_set(&s->span_id, "00f0");
	kf_snapshot_set(&s->reason, "slow");
	assert_non_null(strstr(sentence(), "requested by check\\x1bout/2144 (uid 1000) for trace 4bf9\\x1b, span 00f0 "
					   "(\"slow\"); worst gap: "));
	s->requester.pid = 0;
	kf_snapshot_set(&s->span_id, "");
	assert_non_null(strstr(sentence(), "requested for trace 4bf9\\x1b (\"slow\"); worst gap: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(runq_tells_the_gap_that_fired, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(runq_of_an_open_wait_tells_the_gap_around_it, hand_setup,
						hand_teardown),
		cmocka_unit_test_setup_teardown(runq_without_its_gap_says_what_the_trigger_knows, hand_setup,
						hand_teardown),
		cmocka_unit_test_setup_teardown(runq_takes_no_other_gap, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(futex_tells_address_length_and_waker, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_wait_that_never_ended_says_so, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_slow_syscall_is_split_by_state, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(a_request_tells_reason_and_worst_gap, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(throttled_tells_the_gap_that_fired, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(aggregates_have_no_thread, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(rules_with_a_name_of_their_own_are_named, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(requests_tell_who_asked_and_for_what, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(absurd_triggers_are_survived, hand_setup, hand_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
