/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "cli/options.h"
#include "daemon/reload.h"
#include "expr/trigger_set.h"

static const char *const live[] = { "cooldown", "keep", NULL };

struct settings {
	uint64_t cooldown_ns, after_ns;
	const char *keep, *output;
	struct kf_strings triggers, comms;
	bool only;
	struct kf_option rows[8];
};

static void init(struct settings *s)
{
	const struct kf_option rows[8] = {
		{ "cooldown", 0, KF_OPT_DURATION, &s->cooldown_ns, "TIME", "" },
		{ "after", 0, KF_OPT_DURATION, &s->after_ns, "TIME", "" },
		{ "keep", 0, KF_OPT_STRING, &s->keep, "LIST", "" },
		{ "output", 0, KF_OPT_STRING, &s->output, "DIR", "" },
		{ "trigger", 0, KF_OPT_STRINGS, &s->triggers, "EXPR", "" },
		{ "comm", 0, KF_OPT_STRINGS, &s->comms, "GLOB", "" },
		{ "only", 0, KF_OPT_FLAG, &s->only, NULL, "" },
	};

	memset(s, 0, sizeof(*s));
	memcpy(s->rows, rows, sizeof(rows));
	s->cooldown_ns = 10000000000;
	s->output = ".";
}

static const struct kf_change *find(const struct kf_changes *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->items[i].name, name))
			return &c->items[i];
	fail_msg("no change of '%s' among %zu", name, c->n);
	return NULL;
}

static void expect_change(const struct kf_changes *c, const char *name, const char *was, const char *now, bool is_live)
{
	const struct kf_change *change = find(c, name);

	assert_string_equal(change->was, was);
	assert_string_equal(change->now, now);
	assert_int_equal(change->live, is_live);
}

static void the_same_is_no_change(void **state)
{
	struct kf_changes c = { 0 };
	struct settings was, now;
	char same[] = ".";

	init(&was);
	init(&now);
	now.output = same;
	kf_reload_options(&c, was.rows, now.rows, live);
	assert_int_equal(c.n, 0);
}

static void what_differs_is_named(void **state)
{
	const char *first[] = { "nginx*" }, *second[] = { "nginx*", "redis" };
	struct kf_changes c = { 0 };
	struct settings was, now;

	init(&was);
	init(&now);
	was.comms = (struct kf_strings){ first, 1, 1 };
	now.comms = (struct kf_strings){ second, 2, 2 };
	now.triggers = (struct kf_strings){ first, 1, 1 }; /* left to kf_reload_triggers() */
	now.cooldown_ns = 90000000000;
	now.after_ns = 1500000;
	now.keep = "100,1g";
	now.only = true;
	kf_reload_options(&c, was.rows, now.rows, live);
	assert_int_equal(c.n, 5);
	expect_change(&c, "cooldown", "10s", "90s", true);
	expect_change(&c, "after", "0ns", "1500us", false);
	expect_change(&c, "keep", "", "100,1g", true);
	expect_change(&c, "comm", "nginx*", "nginx*, redis", false);
	expect_change(&c, "only", "no", "yes", false);
}

static void add(struct kf_trigger_set *set, const char *name, const char *text)
{
	struct kf_error e;

	if (kf_trigger_set_add_named(set, name, text, NULL, &e))
		fail_msg("%s", e.message);
}

static void limits_of_triggers_change_at_once(void **state)
{
	struct kf_trigger_set running = { 0 }, wanted = { 0 };
	struct kf_changes c = { 0 };

	add(&running, "slow", "runq>5ms{comm=nginx*}");
	add(&running, "kept", "futex>1s{pid=1}");
	add(&wanted, "slow", "runq>7ms{comm=nginx*,cooldown=1m}");
	add(&wanted, "kept", "futex>1s{pid=1}");
	kf_reload_triggers(&c, &running, &wanted);
	assert_int_equal(c.n, 1);
	expect_change(&c, "trigger slow", "runq>5ms{comm=nginx*}", "runq>7ms{comm=nginx*,cooldown=1m}", true);
	assert_int_equal(running.exprs[0].limit, 7000000);
	assert_int_equal(running.rules[0].cooldown_ns, 60000000000);
}

static void other_changes_of_triggers_wait(void **state)
{
	struct kf_trigger_set running = { 0 }, wanted = { 0 };
	struct kf_changes c = { 0 };

	add(&running, "slow", "runq>5ms{comm=nginx*}");
	add(&running, "gone", "block>1s{pid=1}");
	add(&wanted, "slow", "futex>5ms{comm=nginx*}");
	add(&wanted, "come", "runq>2s");
	kf_reload_triggers(&c, &running, &wanted);
	assert_int_equal(c.n, 3);
	expect_change(&c, "trigger slow", "runq>5ms{comm=nginx*}", "futex>5ms{comm=nginx*}", false);
	assert_string_not_equal(find(&c, "trigger slow")->why, "");
	expect_change(&c, "trigger come", "", "runq>2s", false);
	expect_change(&c, "trigger gone", "block>1s{pid=1}", "", false);
	assert_string_equal(running.rules[0].text, "runq>5ms{comm=nginx*}");
}

/* Beyond what can be told each is still counted. */
static void too_many_changes_are_counted(void **state)
{
	struct kf_changes c = { .n = KF_MAX_CHANGES };
	struct settings was, now;

	init(&was);
	init(&now);
	now.only = true;
	kf_reload_options(&c, was.rows, now.rows, live);
	assert_int_equal(c.n, KF_MAX_CHANGES);
	assert_int_equal(c.untold, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_no_change),
		cmocka_unit_test(what_differs_is_named),
		cmocka_unit_test(limits_of_triggers_change_at_once),
		cmocka_unit_test(other_changes_of_triggers_wait),
		cmocka_unit_test(too_many_changes_are_counted),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
