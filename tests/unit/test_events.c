/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/events.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"
#include "make_snapshot.h"

/* "kind ts@cpu" of all records in the order in which they come; frees s. */
static void expect(struct kf_snapshot *s, uint64_t n_bad, const char *want)
{
	static const char *const names[] = { "?",    "switch", "waking", "new",	   "migrate",
					     "fork", "exec",   "exit",	 "rename", "syscall" };
	struct kf_events *ev = NULL;
	struct kf_error e = { 0 };
	struct kf_event event;
	char got[1024] = "";
	size_t len = 0;

	if (kf_events_open(&ev, s, &e))
		fail_msg("%s", e.message);
	while (kf_events_next(ev, &event))
		len += snprintf(got + len, sizeof(got) - len, "%s%s %" PRIu64 "@%u", len ? ", " : "",
				names[event.slot->kind], event.ts_ns, event.cpu);
	assert_string_equal(got, want);
	assert_int_equal(kf_events_bad(ev), n_bad);
	kf_events_close(&ev);
	assert_null(ev);
	kf_snapshot_free(&s);
}

static void merges_cpus_and_classes(void **state)
{
	struct kf_snapshot *s = make(3, 100, 900);

	switched(s, 0, 200, 10, 11);
	switched(s, 0, 500, 11, 10);
	waking(s, 2, 300, 20, 10, 0);
	called(s, 2, 250, 400, 20, 1, 0);
	life(s, 0, 350, KF_RENAME, 10, 10, 10, "x", 1);
	expect(s, 0, "switch 200@0, waking 300@2, rename 350@0, syscall 400@2, switch 500@0");
}

/* An interrupt's record is in the middle of the one it interrupted, which read its clock before. */
static void nested_probes(void **state)
{
	struct kf_snapshot *s = make(1, 100, 900);

	waking(s, 0, 200, 20, 10, 0);
	waking(s, 0, 320, 21, 10, 0);
	waking(s, 0, 310, 22, 10, 0);
	blocked(s, 0, 305, 10, 0, 1);
	switched(s, 0, 400, 0, 20);
	expect(s, 0, "waking 200@0, switch 305@0, waking 310@0, waking 320@0, switch 400@0");
}

/* One time: ring order on one CPU; else births before wake-ups before switches. */
static void equal_times(void **state)
{
	struct kf_snapshot *s = make(2, 100, 900);

	switched(s, 0, 200, 10, 11);
	waking(s, 0, 200, 20, 10, 0);
	waking(s, 1, 200, 21, 12, 0);
	life(s, 1, 200, KF_FORK, 22, 12, 22, "x", 1);
	expect(s, 0, "fork 200@1, waking 200@1, switch 200@0, waking 200@0");
}

static void in_any_order_at_all(void **state)
{
	struct kf_snapshot *s = make(1, 100, 900);
	struct kf_events *ev = NULL;
	struct kf_error e = { 0 };
	struct kf_event event;
	uint64_t last = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < 3000; i++)
		waking(s, 0, 200 + i * 7919u % 3001, 20, 10, 0);
	assert_int_equal(kf_events_open(&ev, s, &e), 0);
	for (; kf_events_next(ev, &event); n++) {
		assert_true(event.ts_ns >= last);
		last = event.ts_ns;
	}
	assert_int_equal(n, 3000);
	kf_events_close(&ev);
	kf_snapshot_free(&s);
}

/* Only births and names reach back behind the floor; the scheduling records there are asked for. */
static void before_the_floor(void **state)
{
	struct kf_snapshot *s = make(2, 300, 900);
	struct kf_events *ev = NULL;
	struct kf_error e = { 0 };
	struct kf_event event;

	life(s, 0, 100, KF_FORK, 22, 12, 22, "x", 1);
	blocked(s, 0, 200, 10, 0, 7);
	waking(s, 0, 250, 10, 0, 0);
	switched(s, 0, 400, 0, 10);
	assert_int_equal(kf_events_open(&ev, s, &e), 0);
	assert_int_equal(kf_events_before_floor(ev, 0, 0, &event), 1);
	assert_int_equal(event.ts_ns, 250);
	assert_int_equal(kf_events_before_floor(ev, 0, 1, &event), 1);
	assert_int_equal(event.slot->nr, 7);
	assert_int_equal(kf_event_args(&event).state, INTERRUPTIBLE);
	assert_int_equal(kf_events_before_floor(ev, 0, 2, &event), 0);
	assert_int_equal(kf_events_before_floor(ev, 1, 0, &event), 0);
	assert_int_equal(kf_events_before_floor(ev, 2, 0, &event), 0);
	kf_events_close(&ev);
	expect(s, 0, "fork 100@0, switch 400@0");
}

/* Kinds that do not belong to the ring or do not exist, second slots without a record, records without one. */
static void nonsense(void **state)
{
	struct kf_snapshot *s = make(1, 100, 900);
	struct kf_events *ev = NULL;
	struct kf_error e = { 0 };
	struct kf_event event;

	add_slot(s, KF_CLASS_SCHED, 0, (struct kf_slot){ .ts_ns = 150, .kind = KF_FORK });
	add_slot(s, KF_CLASS_SCHED, 0, (struct kf_slot){ .ts_ns = 160, .kind = 77 });
	add_slot(s, KF_CLASS_SCHED, 0, (struct kf_slot){ .ts_ns = 170, .kind = KF_MORE });
	add_slot(s, KF_CLASS_LIFE, 0, (struct kf_slot){ .ts_ns = 180, .kind = KF_SWITCH });
	switched(s, 0, 200, 10, 11)->flags = KF_F_MORE; /* and nothing follows */

	assert_int_equal(kf_events_open(&ev, s, &e), 0);
	assert_int_equal(kf_events_next(ev, &event), 1);
	assert_null(event.more);
	assert_int_equal(kf_event_args(&event).state, 0);
	assert_int_equal(kf_event_name(&event).start_time_ns, 0);
	kf_events_close(&ev);
	expect(s, 4, "switch 200@0");
}

static void no_records(void **state)
{
	expect(make(4, 100, 900), 0, "");
	expect(make(0, 100, 900), 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_cpus_and_classes),
		cmocka_unit_test(nested_probes),
		cmocka_unit_test(equal_times),
		cmocka_unit_test(in_any_order_at_all),
		cmocka_unit_test(before_the_floor),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(no_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
