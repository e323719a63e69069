/* SPDX-License-Identifier: BSD-2-Clause */
/* What got worse between two windows, and which windows cannot be compared. */
#include "check/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/error.h"
#include "make_snapshot.h"
#include "model/timeline.h"
#include "written.h"

#define MS(n) ((uint64_t)(n)*1000000)

struct window {
	struct kf_snapshot *s;
	struct kf_timeline *t;
	struct kf_diff_side side;
};

static const struct kf_diff_options defaults = { .ratio = 1.5, .floor_ns = 1000000, .window_min_ns = MS(100) };

/* From 100 ms on, for ms: web/tid waits 1 us to run, and then n times gap, each after a sleep in a futex of 1 ms. */
static struct window make_window_of(uint64_t ms, uint32_t tid, uint64_t gap_ns, int n)
{
	struct kf_snapshot *s = make(1, MS(100), MS(100 + ms));
	struct window w = { .s = s };
	uint64_t now = MS(101);
	struct kf_error e;

	s->syscall_mode = KF_SYSCALLS_BLOCKING;
	strcpy(scanned(s, tid, INTERRUPTIBLE, 0, SYS_futex)->comm, "web\x01");
	strcpy(scanned(s, 30, 0, 0, KF_NR_USER)->comm, "hog");
	tells(switched(s, 0, now, 0, tid), now - 1000, KF_CAUSE_WOKEN, 0);
	for (int i = 0; i < n; i++) {
		struct kf_slot *slot = blocked(s, 0, now + 1000, tid, 30, SYS_futex);

		if (!i)
			tells(slot, MS(99), KF_CAUSE_PREEMPTED, 0);
		waking(s, 0, now + 1000 + MS(1), tid, 30, 0);
		now += 1000 + MS(1) + gap_ns;
		tells(switched(s, 0, now, 30, tid), now - gap_ns, KF_CAUSE_WOKEN, 30);
	}
	knows_taken(s);
	if (kf_snapshot_set(&s->host, "web1") || kf_snapshot_set(&s->kernel, "6.18") || kf_timeline_build(&w.t, s, &e))
		fail_msg("%s", e.message);
	w.side = (struct kf_diff_side){ .t = w.t, .s = s, .path = "x.kfl" };
	return w;
}

static struct window make_window(uint64_t ms, uint32_t tid, uint64_t gap_ns)
{
	return make_window_of(ms, tid, gap_ns, 10);
}

static void release(struct window *w)
{
	kf_timeline_free(&w->t);
	kf_snapshot_free(&w->s);
}

static enum kf_status compare(struct kf_diff *d, const struct window *a, const struct window *b,
			      const struct kf_diff_options *o)
{
	struct kf_error e = { 0 };

	if (kf_diff_find(d, &a->side, &b->side, o, &e))
		fail_msg("%s", e.message);
	return d->status;
}

static const struct kf_diff_row *row_of(const struct kf_diff *d, const char *comm, unsigned int wait)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->rows[i].wait == wait && !strcmp(d->rows[i].comm, comm))
			return &d->rows[i];
	fail_msg("no row for %s of %s", kf_diff_wait_name(wait), comm);
	return NULL;
}

static void refused(const struct window *a, const struct window *b, const char *why)
{
	struct kf_diff_options o = defaults;
	struct kf_error e = { 0 };
	struct kf_diff d;
	int err = kf_diff_find(&d, &a->side, &b->side, &o, &e);

	kf_diff_release(&d);
	if (!err || e.status != KF_USAGE || !strstr(e.message, why) || strchr(e.message, '\n'))
		fail_msg("wanted '%s', got %d: %s", why, err, e.message);
	o.force = true;
	err = kf_diff_find(&d, &a->side, &b->side, &o, &e);
	kf_diff_release(&d);
	assert_int_equal(err, 0);
}

/* The PIDs differ, the names count. */
static void a_longer_gap_is_worse(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(6));
	const struct kf_diff_row *row;
	struct kf_diff d;

	assert_int_equal(compare(&d, &a, &b, &defaults), KF_FINDINGS);
	row = row_of(&d, "web\x01", KF_DIFF_RUNQ);
	assert_int_equal(row->worse, KF_ANSWER_YES);
	assert_int_equal(row->a.p50_ns, MS(2));
	assert_int_equal(row->b.p50_ns, MS(6));
	assert_int_equal(row->b.max_ns, MS(6));
	assert_int_equal(row_of(&d, "web\x01", KF_WAIT_FUTEX_LOCK)->worse, KF_ANSWER_NO);
	assert_int_equal(row_of(&d, "web\x01", KF_WAIT_FUTEX_LOCK)->a.total_ns, MS(10));
	assert_ptr_equal(row, &d.rows[0]);
	kf_diff_release(&d);
	assert_int_equal(compare(&d, &b, &a, &defaults), KF_OK);
	kf_diff_release(&d);
	release(&a);
	release(&b);
}

static void both_ratio_and_floor(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(6));
	struct kf_diff_options o = defaults;
	struct kf_diff d;

	o.ratio = 3.5;
	assert_int_equal(compare(&d, &a, &b, &o), KF_OK);
	kf_diff_release(&d);
	o.ratio = 1.5;
	o.floor_ns = MS(300); /* 40 ms more of 200, without the longest 34, are 170 ms a second */
	assert_int_equal(compare(&d, &a, &b, &o), KF_OK);
	kf_diff_release(&d);
	o.floor_ns = MS(165);
	assert_int_equal(compare(&d, &a, &b, &o), KF_FINDINGS);
	kf_diff_release(&d);
	release(&a);
	release(&b);
}

static void only_what_is_asked(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(6));
	struct kf_diff_options o = defaults;
	struct kf_diff d;

	o.waits = 1u << KF_WAIT_FUTEX_LOCK;
	assert_int_equal(compare(&d, &a, &b, &o), KF_OK);
	assert_false(row_of(&d, "web\x01", KF_DIFF_RUNQ)->judged);
	kf_diff_release(&d);
	o = defaults;
	o.comm = "nginx*";
	assert_int_equal(compare(&d, &a, &b, &o), KF_INCOMPLETE);
	assert_int_equal(d.n, 0);
	kf_diff_release(&d);
	release(&a);
	release(&b);
}

/* A process that is new cannot have got worse. */
static void another_process(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(6));
	struct kf_diff_options o = defaults;
	struct kf_diff d;

	for (size_t i = 0; i < b.t->n_threads; i++)
		memcpy(b.t->threads[i].process_comm, "other", 6);
	o.comm = "other";
	assert_int_equal(compare(&d, &a, &b, &o), KF_INCOMPLETE);
	assert_false(row_of(&d, "other", KF_DIFF_RUNQ)->in_a);
	kf_diff_release(&d);
	release(&a);
	release(&b);
}

static void expect_runq(const struct window *a, const struct window *b, const struct kf_diff_options *o,
			enum kf_answer worse, bool few)
{
	const struct kf_diff_row *row;
	struct kf_diff d;

	compare(&d, a, b, o);
	row = row_of(&d, "web\x01", KF_DIFF_RUNQ);
	if (!row->judged || row->worse != worse || row->few != few)
		fail_msg("judged %d, worse %d, few %d, of %zu and %zu waits", row->judged, row->worse, row->few,
			 (size_t)row->a.n, (size_t)row->b.n);
	kf_diff_release(&d);
}

/* Of one long wait nobody knows whether it would have been there again. */
static void few_waits_are_no_distribution(void **state)
{
	struct window a = make_window_of(200, 20, 1000, 10), one = make_window_of(200, 21, MS(8), 1);
	struct window two = make_window_of(200, 22, MS(8), 2), nine = make_window_of(200, 23, 500000, 8);
	struct window eight = make_window_of(200, 24, MS(3), 8), nine_long = make_window_of(200, 25, MS(2), 9);
	struct kf_diff_options o = defaults;

	expect_runq(&a, &one, &o, KF_ANSWER_NO, true);
	expect_runq(&one, &one, &o, KF_ANSWER_NO, false);
	expect_runq(&one, &a, &o, KF_ANSWER_NO, false);
	expect_runq(&a, &two, &o, KF_ANSWER_YES, false); /* 8 ms in all without the longest */
	o.floor_ns = MS(45);				 /* per second, these are 40 */
	expect_runq(&a, &two, &o, KF_ANSWER_NO, true);
	o = defaults;
	o.ratio = 5.5; /* 6 times as long, but without the longest 5.25 times as much */
	expect_runq(&nine, &eight, &o, KF_ANSWER_NO, true);
	o = defaults;
	expect_runq(&a, &nine_long, &o, KF_ANSWER_YES, false);
	release(&a);
	release(&one);
	release(&two);
	release(&nine);
	release(&eight);
	release(&nine_long);
}

/* Ten waits where there was none are a change, one is not. */
static void waits_where_there_were_none(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(2));
	const struct kf_diff_row *row;
	struct kf_diff d;

	for (size_t i = 0; i < a.t->n_threads; i++)
		a.t->threads[i].n_gaps = 0;
	a.t->n_gaps = 0;
	compare(&d, &a, &b, &defaults);
	row = row_of(&d, "web\x01", KF_DIFF_RUNQ);
	assert_int_equal(row->a.n, 0);
	assert_int_equal(row->worse, KF_ANSWER_YES);
	kf_diff_release(&d);
	release(&a);
	release(&b);
}

static void set_kernel(struct window *w)
{
	for (size_t i = 0; i < w->t->n_threads; i++)
		w->t->threads[i].kernel = true;
}

/* They are told, but only a name that fits them has them judged. */
static void threads_of_the_kernel(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(6));
	struct kf_diff_options o = defaults;
	struct kf_error e;
	struct kf_diff d;
	char *text;
	size_t len;
	FILE *out;

	set_kernel(&a);
	set_kernel(&b);
	assert_int_equal(compare(&d, &a, &b, &o), KF_INCOMPLETE);
	assert_false(row_of(&d, "web\x01", KF_DIFF_RUNQ)->judged);
	out = open_memstream(&text, &len);
	assert_int_equal(kf_diff_text(&d, &o, 0, out, &e), 0);
	fclose(out);
	assert_null(strstr(text, "WORSE"));
	assert_non_null(strstr(text, "kernel: threads of the kernel"));
	free(text);
	kf_diff_release(&d);
	o.comm = "web*";
	expect_runq(&a, &b, &o, KF_ANSWER_YES, false);
	release(&a);
	release(&b);
}

/* What a thread of it did is not known for longer than the floor. */
static void a_hole_is_no_pass(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(2));
	struct kf_snapshot *s = make(1, MS(100), MS(300));
	struct window c = { .s = s };
	struct kf_error e;
	struct kf_diff d;

	assert_int_equal(compare(&d, &a, &b, &defaults), KF_OK);
	kf_diff_release(&d);
	s->syscall_mode = KF_SYSCALLS_BLOCKING;
	strcpy(scanned(s, 20, 0, 0, KF_NR_USER)->comm, "web\x01");
	tells(switched(s, 0, MS(101), 0, 20), MS(99), KF_CAUSE_PREEMPTED, 0);
	tells(switched(s, 0, MS(180), 31, 20), MS(180) - 1000, KF_CAUSE_WOKEN, 0);
	knows_taken(s);
	if (kf_snapshot_set(&s->host, "web1") || kf_snapshot_set(&s->kernel, "6.18") || kf_timeline_build(&c.t, s, &e))
		fail_msg("%s", e.message);
	c.side = (struct kf_diff_side){ .t = c.t, .s = s, .path = "c.kfl" };
	assert_int_equal(compare(&d, &a, &c, &defaults), KF_INCOMPLETE);
	assert_int_equal(row_of(&d, "web\x01", KF_DIFF_RUNQ)->worse, KF_ANSWER_UNKNOWN);
	kf_diff_release(&d);
	release(&a);
	release(&b);
	release(&c);
}

static void what_cannot_be_compared(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(2));
	struct window brief = make_window(99, 21, MS(1)), lengthy = make_window(2001, 21, MS(2));

	kf_snapshot_set(&b.s->host, "web2\x1b");
	refused(&a, &b, "hosts 'web1' and 'web2\\x1b'");
	kf_snapshot_set(&b.s->host, "web1");
	kf_snapshot_set(&b.s->kernel, "6.19");
	refused(&a, &b, "kernels '6.18' and '6.19'");
	kf_snapshot_set(&b.s->kernel, "6.18");
	refused(&a, &brief, "holds 99.0 ms, less than 100 ms");
	refused(&a, &lengthy, "more than 10 times as much");
	b.s->syscall_mode = KF_SYSCALLS_OFF;
	refused(&a, &b, "--syscalls blocking and off");
	b.t->cpus[0].n_runs = 0;
	refused(&a, &b, "1 and 0 CPUs");
	release(&a);
	release(&b);
	release(&brief);
	release(&lengthy);
}

/* Both are asked for by name, but only slow and all make records. */
static void syscalls_need_records(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(2));
	struct kf_diff_options o = defaults;
	struct kf_error e = { 0 };
	struct kf_diff d;

	o.waits = 1u << KF_DIFF_SYSCALL;
	assert_int_equal(kf_diff_find(&d, &a.side, &b.side, &o, &e), -1);
	assert_string_equal(e.message,
			    "the syscalls cannot be compared: recorded with --syscalls blocking and blocking");
	kf_diff_release(&d);
	release(&a);
	release(&b);
}

static void text_and_json(void **state)
{
	struct window a = make_window(200, 20, MS(2)), b = make_window(200, 21, MS(6));
	struct kf_diff d;
	char *text;
	json_t *o;

	assert_int_equal(compare(&d, &a, &b, &defaults), KF_FINDINGS);
	text = WRITTEN(out, e, kf_diff_text(&d, &defaults, 1, out, &e), NULL);
	assert_ptr_equal(strstr(text, "FAIL: 1 of 3 kinds of wait got worse"), text);
	assert_non_null(strstr(text, "WORSE"));
	assert_non_null(strstr(text, "web\\x01"));
	assert_non_null(strstr(text, "2.00 ms -> 6.00 ms"));
	free(text);
	text = WRITTEN(out, e, kf_diff_json(&d, &a.side, &b.side, &defaults, out, &e), NULL);
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(json_object_get(o, "rows"), 0), "verdict")), "fail");
	json_decref(o);
	free(text);
	kf_diff_release(&d);
	release(&a);
	release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_longer_gap_is_worse),
		cmocka_unit_test(both_ratio_and_floor),
		cmocka_unit_test(only_what_is_asked),
		cmocka_unit_test(another_process),
		cmocka_unit_test(a_hole_is_no_pass),
		cmocka_unit_test(what_cannot_be_compared),
		cmocka_unit_test(syscalls_need_records),
		cmocka_unit_test(text_and_json),
		cmocka_unit_test(few_waits_are_no_distribution),
		cmocka_unit_test(waits_where_there_were_none),
		cmocka_unit_test(threads_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
