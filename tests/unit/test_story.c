/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/error.h"
#include "hand_timeline.h"
#include "model/chain.h"
#include "model/convoy.h"
#include "output/story_trigger.h"

/* nginx waits for redis from 10 to 50; redis was kept from running by cron. */
static const struct kf_link waiting = {
	.thread = HAND_NGINX,
	.start_ns = MS(10),
	.end_ns = MS(51),
	.blocked_ns = MS(38),
	.runnable_ns = MS(3),
	.n_waits = 1,
	.n_gaps = 1,
	.wait = { .nr = SYS_futex, .in_syscall = true, .kind = KF_WAIT_FUTEX_LOCK, .arg0 = 0x7f1200c0 },
	.wait_start_ns = MS(10),
	.wait_end_ns = MS(48),
	.waker = HAND_REDIS,
	.waker_did.nr = KF_NR_USER
};

static void expect(const struct kf_link *links, size_t n, const char *want)
{
	struct kf_chain chain = { .n = n };
	struct hand h;
	char buf[KF_STORY_BYTES];
	size_t len;

	hand_init(&h);
	memcpy(chain.links, links, n * sizeof(*links));
	len = kf_story_text(&h.timeline, &chain, NULL, buf, sizeof(buf));
	assert_string_equal(buf, want);
	assert_int_equal(len, strlen(want));
	for (size_t room = 1; room < 60; room++) /* never more than there is room for */
		assert_in_range(kf_story_text(&h.timeline, &chain, NULL, buf, room), 0, room - 1);
}

static void through_two_threads(void **state)
{
	struct kf_link links[2] = { waiting };

	links[1] = (struct kf_link){ .thread = HAND_REDIS,
				     .start_ns = MS(10),
				     .end_ns = MS(48),
				     .runnable_ns = MS(30),
				     .running_ns = MS(6),
				     .unknown_ns = MS(2),
				     .n_gaps = 4,
				     .end = KF_CHAIN_QUEUED };
	expect(links, 2,
	       "nginx/2144 waited 41.0 ms: 38.0 ms in futex 0x7f1200c0 until redis/812 woke it, 3.00 ms ready but not "
	       "running\n"
	       "  redis/812 meanwhile: 30.0 ms ready but not running (4 times), 6.00 ms running, 2.00 ms unknown");
}

/* How the wait ended. */
static void ends(void **state)
{
	struct kf_link link = waiting;

	link.runnable_ns = 0;
	link.end_ns = MS(48);
	link.waker = KF_NOBODY;
	link.end = KF_CHAIN_UNKNOWN;
	expect(&link, 1, "nginx/2144 waited 38.0 ms: 38.0 ms in futex 0x7f1200c0 (who ended it is not known)");
	link.waker = KF_IDLE;
	expect(&link, 1, "nginx/2144 waited 38.0 ms: 38.0 ms in futex 0x7f1200c0 until the idle task woke it");
	link.wait_open = true;
	expect(&link, 1, "nginx/2144 has waited 38.0 ms: 38.0 ms in futex 0x7f1200c0, which nobody has ended yet");
	link.wait_open = false;
	link.waker_irq = true;
	link.end = KF_CHAIN_INTERRUPT;
	expect(&link, 1, "nginx/2144 waited 38.0 ms: 38.0 ms in futex 0x7f1200c0 until an interrupt woke it");
	link.waker = HAND_REDIS;
	link.waker_did = (struct kf_wait){ .nr = SYS_sendto, .in_syscall = true };
	expect(&link, 1,
	       "nginx/2144 waited 38.0 ms: 38.0 ms in futex 0x7f1200c0 until an interrupt woke it "
	       "(on a CPU where redis/812 was in sendto)");
	link.wait = (struct kf_wait){ .nr = SYS_clock_nanosleep, .in_syscall = true, .kind = KF_WAIT_SLEEP };
	expect(&link, 1, "nginx/2144 waited 38.0 ms: 38.0 ms in clock_nanosleep (sleep) until a timer ended it");
	link.waker_irq = false;
	link.end = KF_CHAIN_LOOP;
	link.n_waits = 3;
	link.wait.kind = KF_WAIT_PAGE_FAULT;
	expect(&link, 1,
	       "nginx/2144 waited 38.0 ms: 38.0 ms blocked in 3 waits, the longest 38.0 ms in a page fault until "
	       "redis/812 woke it; but that one is said to have waited itself: the records contradict each other");
}

/* The part of a wait that lies in the stretch; a waker that was born later. */
static void clipped(void **state)
{
	struct kf_link links[2] = { waiting };

	links[0].wait_start_ns = MS(2);
	links[0].wait_end_ns = MS(60);
	links[0].blocked_ns = MS(41);
	links[0].runnable_ns = 0;
	links[1] = (struct kf_link){
		.thread = HAND_CRON, .start_ns = MS(40), .end_ns = MS(60), .running_ns = MS(20), .end = KF_CHAIN_RAN
	};
	expect(links, 2,
	       "nginx/2144 waited 41.0 ms: 41.0 ms in futex 0x7f1200c0 until redis/812 woke it\n"
	       "  cron/77, which began 30.0 ms later, meanwhile: 20.0 ms running");
}

static void gap_is_told(void **state)
{
	struct kf_chain chain = { .n = 1 };
	struct hand h;
	char buf[KF_STORY_BYTES];

	hand_init(&h);
	chain.links[0] = (struct kf_link){ .thread = HAND_CRON,
					   .start_ns = MS(12),
					   .end_ns = MS(20),
					   .runnable_ns = MS(5),
					   .running_ns = MS(3),
					   .n_gaps = 1,
					   .gap = &h.gaps[HAND_GAP_CRON],
					   .end = KF_CHAIN_QUEUED };
	kf_story_text(&h.timeline, &chain, NULL, buf, sizeof(buf));
	assert_non_null(strstr(buf, "cron/77 waited 8.00 ms: 5.00 ms ready but not running, 3.00 ms running\n"
				    "  cron/77 waited 5.00 ms to run on CPU "));
	kf_story_text(&h.timeline, &chain, &h.gaps[HAND_GAP_CRON], buf, sizeof(buf));
	assert_string_equal(buf, "cron/77 waited 8.00 ms: 5.00 ms ready but not running, 3.00 ms running");
}

static void hostile_names(void **state)
{
	struct kf_chain chain = { .n = KF_CHAIN_MAX };
	struct hand h;
	char buf[KF_STORY_BYTES];

	hand_init(&h);
	memcpy(h.threads[HAND_NGINX].comm, "\x1b[31m\n</script>", 16);
	memset(h.threads[HAND_REDIS].comm, 0xff, 15);
	for (size_t i = 0; i < KF_CHAIN_MAX; i++) {
		chain.links[i] = waiting;
		chain.links[i].gap = &h.gaps[HAND_GAP_OPEN];
		chain.links[i].runnable_ns = MS(30);
	}
	assert_in_range(kf_story_text(&h.timeline, &chain, NULL, buf, sizeof(buf)), 1, sizeof(buf) - 2);
	assert_null(strchr(buf, '\x1b'));
	assert_null(strchr(buf, '\xff'));
	chain.n = 0;
	assert_int_equal(kf_story_text(&h.timeline, &chain, NULL, buf, sizeof(buf)), 0);
}

static void as_json(void **state)
{
	struct kf_chain chain = { .n = 2, .links = { waiting, waiting } };
	struct hand h;
	json_t *links;
	char *text;

	hand_init(&h);
	memcpy(h.threads[HAND_REDIS].comm, "\xff\"", 3);
	chain.links[1] = (struct kf_link){ .thread = HAND_REDIS,
					   .start_ns = 5,
					   .end_ns = 6,
					   .unknown_ns = 1,
					   .waker = KF_NOBODY,
					   .end = KF_CHAIN_RAN };
	links = kf_story_json(&h.timeline, &chain);
	assert_non_null(links);
	text = json_dumps(links, JSON_COMPACT);
	assert_string_equal(
		text, "[{\"tid\":2144,\"comm\":\"nginx\",\"start_ns\":10000000,\"end_ns\":51000000,\"running_ns\":0,"
		      "\"runnable_ns\":3000000,\"blocked_ns\":38000000,\"unknown_ns\":0,\"wait\":{\"kind\":\"futex\","
		      "\"syscall\":\"futex\",\"arg0\":2131886272,\"start_ns\":10000000,\"end_ns\":48000000},"
		      "\"waker_tid\":812,\"waker_irq\":false,\"end\":null},"
		      "{\"tid\":812,\"comm\":\"\\\\xff\\\"\",\"start_ns\":5,\"end_ns\":6,\"running_ns\":0,"
		      "\"runnable_ns\":0,\"blocked_ns\":0,\"unknown_ns\":1,\"wait\":null,\"waker_tid\":null,"
		      "\"waker_irq\":false,\"end\":\"ran\"}]");
	free(text);
	json_decref(links);
}

static struct kf_convoy_step steps[] = {
	{ .ts_ns = MS(20), .waited_ns = MS(9), .held_ns = MS(10), .thread = HAND_REDIS, .from = HAND_NGINX },
	{ .ts_ns = MS(31), .waited_ns = MS(20), .held_ns = MS(11), .thread = HAND_CRON, .from = HAND_REDIS },
	{ .ts_ns = MS(32), .waited_ns = MS(1), .held_ns = MS(1), .thread = HAND_HOG, .from = HAND_CRON },
};

static const struct kf_convoy convoy = { .tgid = 2144,
					 .address = 0x7f1200c0,
					 .n_convoys = 2,
					 .max_waiters = 3,
					 .n_threads = 3,
					 .total_ns = MS(40),
					 .first_ns = MS(10),
					 .last_ns = MS(32),
					 .worst_ns = MS(30),
					 .longest_ns = MS(20),
					 .longest_thread = HAND_CRON,
					 .holder = HAND_REDIS,
					 .holder_ns = MS(11),
					 .n_handovers = 3,
					 .n_steps = 3,
					 .steps = steps };

static void staircase(void **state)
{
	struct kf_convoy stuck = convoy;
	struct hand h;
	char buf[KF_STORY_BYTES];

	hand_init(&h);
	kf_story_convoy_text(&h.timeline, &convoy, 2, buf, sizeof(buf));
	assert_string_equal(
		buf, "futex 0x7f1200c0 of cron/2144: 3 threads in line, 30.0 ms of waiting within 22.0 ms; "
		     "cron/77 waited longest, 20.0 ms; likely held longest by redis/812, 11.0 ms in all (the worst of "
		     "2 lines for it, 40.0 ms of waiting in all)\n"
		     "   10.0 ms  redis/812 after 9.00 ms, from nginx/2144 (had it 10.0 ms)\n"
		     "   21.0 ms  cron/77 after 20.0 ms, from redis/812 (had it 11.0 ms)\n"
		     "  ... and 1 more");
	stuck.n_steps = stuck.n_handovers = 0;
	stuck.n_convoys = 1;
	stuck.open = true;
	stuck.holder = KF_NOBODY;
	kf_story_convoy_text(&h.timeline, &stuck, 10, buf, sizeof(buf));
	assert_string_equal(buf, "futex 0x7f1200c0 of cron/2144: 3 threads in line, 30.0 ms of waiting within 22.0 ms; "
				 "cron/77 waited longest, 20.0 ms; nobody has passed it on, who holds it is not known");
}

static void what_the_holder_did(void **state)
{
	struct kf_convoy nobody = convoy;
	struct kf_chains *chains = NULL;
	struct kf_error e = { 0 };
	struct hand h;
	char buf[KF_STORY_BYTES];

	hand_init(&h);
	h.threads[HAND_REDIS].start_state = KF_STATE_RUNNING;
	assert_int_equal(kf_chains_open(&chains, &h.timeline, &e), 0);
	kf_story_hold_text(&h.timeline, chains, &convoy, buf, sizeof(buf));
	assert_string_equal(buf, "while redis/812 had it for 11.0 ms: 11.0 ms running");
	nobody.n_steps = 0;
	assert_int_equal(kf_story_hold_text(&h.timeline, chains, &nobody, buf, sizeof(buf)), 0);
	kf_chains_close(&chains);
}

static void convoy_as_json(void **state)
{
	struct kf_convoy one = convoy;
	struct hand h;
	json_t *o;
	char *text;

	hand_init(&h);
	one.n_steps = 1;
	one.holder = KF_NOBODY;
	o = kf_story_convoy_json(&h.timeline, &one);
	assert_non_null(o);
	text = json_dumps(o, JSON_COMPACT);
	assert_string_equal(
		text, "{\"tgid\":2144,\"address\":2131886272,\"convoys\":2,\"max_waiters\":3,\"total_ns\":40000000,"
		      "\"start_ns\":10000000,\"end_ns\":32000000,\"threads\":3,\"wait_ns\":30000000,"
		      "\"longest_tid\":77,\"longest_ns\":20000000,\"open\":false,\"holder_tid\":null,"
		      "\"holder_ns\":11000000,\"handovers\":3,\"steps\":[{\"ts_ns\":20000000,\"tid\":812,"
		      "\"waited_ns\":9000000,\"from_tid\":2144,\"held_ns\":10000000}]}");
	free(text);
	json_decref(o);
}

static void trigger_story(struct hand *h, const struct kf_trigger *trigger, const char *want)
{
	struct kf_snapshot *s = hand_snapshot();
	struct kf_chains *chains = NULL;
	struct kf_error e = { 0 };
	char buf[KF_STORY_BYTES];
	size_t len;

	assert_non_null(s);
	s->trigger = *trigger;
	assert_int_equal(kf_chains_open(&chains, &h->timeline, &e), 0);
	len = kf_trigger_story(&h->timeline, s, chains, buf, sizeof(buf));
	assert_string_equal(buf, want);
	assert_int_equal(len, strlen(want));
	kf_chains_close(&chains);
	kf_snapshot_free(&s);
}

/* nginx sleeps from 2 until redis wakes it at 60. */
static void begin_wait(struct hand *h)
{
	struct kf_wait futex = { .arg0 = 0xc0, .nr = SYS_futex, .in_syscall = true, .kind = KF_WAIT_FUTEX_LOCK };

	hand_init(h);
	h->threads[HAND_NGINX].start_state = KF_STATE_RUNNING;
	h->threads[HAND_REDIS].start_state = KF_STATE_RUNNING;
	h->moves[0] = (struct kf_transition){
		.ts_ns = MS(2), .thread = HAND_NGINX, .kind = KF_MOVE_BLOCK, .other = KF_NOBODY, .wait = futex
	};
	h->moves[1] = (struct kf_transition){
		.ts_ns = MS(60), .thread = HAND_NGINX, .kind = KF_MOVE_WAKE, .other = HAND_REDIS
	};
	h->timeline.n_moves = 2;
}

static void trigger_of_a_wait(void **state)
{
	struct kf_trigger trigger = { .kind = KF_TRIGGER_FUTEX, .tid = 2144, .since_ns = MS(2), .ts_ns = MS(60) };
	const char *want = "nginx/2144 waited 58.0 ms: 58.0 ms in futex 0xc0 until redis/812 woke it\n"
			   "  redis/812 meanwhile: 58.0 ms running";
	struct hand h;

	begin_wait(&h);
	trigger_story(&h, &trigger, want);
	/* it fired while the wait went on: all of it is told */
	trigger.ts_ns = MS(20);
	trigger.flags = KF_TRIGGER_OPEN;
	trigger_story(&h, &trigger, want);
	/* an interrupt: the first line of a report says so */
	h.moves[1].flags = KF_MOVE_F_IRQ;
	trigger_story(&h, &trigger, "");
	h.timeline.n_moves = 1;
	trigger_story(&h, &trigger, "");
	trigger.tid = 4711;
	trigger_story(&h, &trigger, "");
	trigger = (struct kf_trigger){ .kind = KF_TRIGGER_BLOCK, .tid = 2144, .since_ns = MS(60), .ts_ns = MS(2) };
	trigger_story(&h, &trigger, "");
}

static void trigger_as_json(void **state)
{
	struct kf_snapshot *s = hand_snapshot();
	struct kf_error e = { 0 };
	struct hand h;
	json_t *o;

	assert_non_null(s);
	begin_wait(&h);
	s->trigger = (struct kf_trigger){ .kind = KF_TRIGGER_FUTEX, .tid = 2144, .since_ns = MS(2), .ts_ns = MS(60) };
	o = kf_trigger_story_json(&h.timeline, s, &e);
	assert_non_null(o);
	assert_int_equal(json_array_size(json_object_get(o, "chain")), 2);
	assert_int_equal(json_array_size(json_object_get(o, "convoys")), 0);
	assert_non_null(strstr(json_string_value(json_object_get(o, "text")), "\n  redis/812 meanwhile"));
	json_decref(o);
	s->trigger.kind = KF_TRIGGER_REQUEST;
	o = kf_trigger_story_json(&h.timeline, s, &e);
	assert_int_equal(json_array_size(json_object_get(o, "chain")), 0);
	assert_string_equal(json_string_value(json_object_get(o, "text")), "");
	json_decref(o);
	kf_snapshot_free(&s);
}

/* redis waited from 3 to 9 for a CPU, ran, and woke nginx at 10, which waited until 21. */
static void late_waker(void **state)
{
	struct kf_trigger trigger = { .kind = KF_TRIGGER_RUNQ, .tid = 2144, .since_ns = MS(10), .ts_ns = MS(21) };
	struct kf_gap gaps[] = { { .thread = HAND_REDIS,
				   .cause = KF_CAUSE_PREEMPTED,
				   .waker = KF_NOBODY,
				   .start_ns = MS(3),
				   .end_ns = MS(9),
				   .first_stretch = 0,
				   .n_stretches = 0 },
				 { 0 } };
	struct hand h;

	begin_wait(&h);
	gaps[1] = h.gaps[HAND_GAP_NGINX];
	h.timeline.gaps = gaps;
	h.timeline.n_gaps = 2;
	h.moves[1].ts_ns = MS(10);
	h.moves[2] = (struct kf_transition){ .ts_ns = MS(21), .thread = HAND_NGINX, .kind = KF_MOVE_RUN };
	h.timeline.n_moves = 3;
	{
		struct kf_snapshot *s = hand_snapshot();
		struct kf_chains *chains = NULL;
		struct kf_error e = { 0 };
		char buf[KF_STORY_BYTES];

		s->trigger = trigger;
		assert_int_equal(kf_chains_open(&chains, &h.timeline, &e), 0);
		kf_trigger_story(&h.timeline, s, chains, buf, sizeof(buf));
		assert_non_null(
			strstr(buf, "redis/812 woke nginx/2144 late, because it had not run itself: redis/812 "));
		kf_chains_close(&chains);
		kf_snapshot_free(&s);
	}
	/* too short to matter */
	gaps[0].start_ns = MS(7);
	trigger_story(&h, &trigger, "");
	/* nginx was not asleep yet: the waker's lateness did not delay it */
	gaps[0].start_ns = MS(3);
	h.moves[0].ts_ns = MS(9) + 500000;
	trigger_story(&h, &trigger, "");
	/* the waker slept in between */
	h.moves[0].ts_ns = MS(2);
	h.threads[HAND_REDIS].start_state = KF_STATE_BLOCKED;
	trigger_story(&h, &trigger, "");
	/* an interrupt did it */
	h.threads[HAND_REDIS].start_state = KF_STATE_RUNNING;
	gaps[1].waker_irq = true;
	trigger_story(&h, &trigger, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(through_two_threads),
		cmocka_unit_test(ends),
		cmocka_unit_test(clipped),
		cmocka_unit_test(gap_is_told),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(as_json),
		cmocka_unit_test(staircase),
		cmocka_unit_test(what_the_holder_did),
		cmocka_unit_test(convoy_as_json),
		cmocka_unit_test(trigger_of_a_wait),
		cmocka_unit_test(late_waker),
		cmocka_unit_test(trigger_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
