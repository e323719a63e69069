/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/trigger_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "model/wait.h"

#define MS 1000000ull
#define S  1000000000ull

static void add(struct kf_trigger_set *set, const char *text)
{
	struct kf_error e = { 0 };

	if (kf_trigger_set_add(set, text, NULL, &e))
		fail_msg("'%s' refused: %s", text, e.message);
}

/* Refused with KF_USAGE, at this column (0: no place), with a message that holds `part`; set stays as it was. */
static void refuse(struct kf_trigger_set *set, const char *text, size_t column, const char *part)
{
	static struct kf_trigger_set before;
	struct kf_error e = { 0 };
	size_t at = 99;

	before = *set;
	if (!kf_trigger_set_add(set, text, &at, &e))
		fail_msg("'%s' accepted", text);
	if (at != column || !strstr(e.message, part) || strchr(e.message, '\n'))
		fail_msg("'%s': wanted column %zu and '%s', got column %zu: %s", text, column, part, at, e.message);
	assert_int_equal(e.status, KF_USAGE);
	assert_memory_equal(set, &before, sizeof(before));
}

static void change(struct kf_trigger_set *set, int rule, const char *text)
{
	struct kf_error e = { 0 };

	if (kf_trigger_set_change(set, rule, text, NULL, &e))
		fail_msg("change to '%s' refused: %s", text, e.message);
}

static void refuse_change(struct kf_trigger_set *set, int rule, const char *text, const char *part)
{
	static struct kf_trigger_set before;
	struct kf_error e = { 0 };

	before = *set;
	if (!kf_trigger_set_change(set, rule, text, NULL, &e))
		fail_msg("change to '%s' accepted", text);
	if (!strstr(e.message, part))
		fail_msg("'%s': message '%s' lacks '%s'", text, e.message, part);
	assert_memory_equal(set, &before, sizeof(before));
}

static bool has_syscall(const struct kf_term *term, const char *name)
{
	int nr = kf_syscall_number(name);

	return term->syscalls[nr / 64] >> nr % 64 & 1;
}

static void kinds_and_units(void **state)
{
	struct kf_trigger_set set = { 0 };
	char *text;

	add(&set, "runq>5ms");
	add(&set, "futex>=50ms");
	add(&set, " block > 1 s ");
	add(&set, "throttled>20ms");
	assert_int_equal(set.n_rules, 4);
	assert_int_equal(set.n_terms, 4);
	assert_int_equal(set.n_clauses, 4);
	assert_int_equal(set.n_filters, 0);
	assert_int_equal(set.terms[0].kind, KF_WAITS_RUNQ);
	assert_int_equal(set.terms[0].limit_ns, 5 * MS);
	assert_int_equal(set.terms[0].event, 1);
	assert_int_equal(set.terms[0].or_equal, 0);
	assert_int_equal(set.terms[1].kind, KF_WAITS_FUTEX);
	assert_int_equal(set.terms[1].or_equal, 1);
	assert_int_equal(set.terms[2].kind, KF_WAITS_BLOCK);
	assert_int_equal(set.terms[2].limit_ns, S);
	assert_int_equal(set.terms[3].kind, KF_WAITS_THROTTLED);
	assert_int_equal(set.rules[2].terms, 4);
	assert_int_equal(set.clauses[3].rule, 3);
	assert_int_equal(set.clauses[3].terms, 8);
	assert_true(set.rules[0].enabled);
	assert_int_equal(set.rules[0].sample, UINT32_MAX);
	text = kf_trigger_set_text(&set);
	assert_string_equal(text, "runq>5ms, futex>=50ms, block > 1 s, throttled>20ms");
	free(text);
}

static void syscalls_by_name(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "syscall: read , pread64 >100ms");
	add(&set, "syscall:fsync>2ms");
	add(&set, "syscall>1s{enabled=no}");
	assert_true(has_syscall(&set.terms[0], "read"));
	assert_true(has_syscall(&set.terms[0], "pread64"));
	assert_false(has_syscall(&set.terms[0], "write"));
	assert_int_equal(set.terms[0].any_syscall, 0);
	assert_int_equal(set.terms[0].limit_ns, 100 * MS);
	assert_true(has_syscall(&set.terms[1], "fsync"));
	assert_int_equal(set.terms[1].limit_ns, 2 * MS);
	assert_int_equal(set.terms[2].any_syscall, 1);
	assert_string_equal(set.rules[0].name, "syscall-read-pread64-100ms");
}

static void what_people_get_wrong(void **state)
{
	struct kf_trigger_set set = { 0 };

	refuse(&set, "runq>5", 6, "unit is missing");
	refuse(&set, "rnq>5ms", 1, "did you mean 'runq'?");
	refuse(&set, "frobnicate>5ms", 1, "unknown kind 'frobnicate'");
	refuse(&set, "runq", 5, "comparison is missing");
	refuse(&set, "runq:5ms", 5, "takes no ':'");
	refuse(&set, "runq>", 6, "missing");
	refuse(&set, "runq>0ms", 1, "zero");
	refuse(&set, "runq>-5ms", 6, "-5ms");
	refuse(&set, ">5ms", 1, "what to look at");
	refuse(&set, "", 1, "what to look at");
	refuse(&set, "runq:read>5ms", 5, "takes no ':'");
	refuse(&set, "syscall:>5ms", 9, "name is missing");
	refuse(&set, "syscall:read,,write>5ms", 14, "name is missing");
	refuse(&set, "syscall:raed>5ms", 9, "did you mean 'read'?");
	refuse(&set, "syscall:zzzzzzzz>5ms", 9, "unknown syscall 'zzzzzzzz'");
	refuse(&set, "syscall:read,read>5ms", 14, "already");
	refuse(&set, "total(steal)>10%", 1, "for `check` only");
	refuse(&set, "runq>5ms/1s", 9, "single waits");
	refuse(&set, "p99(runq)>2ms/50ms", 15, "from 100ms to 24h");
	refuse(&set, "count(runq)>100/s", 17, "no period");
	refuse(&set, "futex of nginx > 1ms {comm=redis}", 23, "'of' says already");
	assert_int_equal(set.n_rules, 0);
}

static void joins_and_brackets_go_wrong(void **state)
{
	struct kf_trigger_set set = { 0 };

	refuse(&set, "runq>5ms futex>1ms", 10, "should end here");
	refuse(&set, "runq>5ms && futex>1ms", 10, "did you mean 'and'?");
	refuse(&set, "runq>5ms an futex>1ms", 10, "did you mean 'and'?");
	refuse(&set, "runq>5ms OR futex>1ms", 10, "did you mean 'or'?");
	refuse(&set, "runq>5ms, futex>1ms", 9, "should end here");
	refuse(&set, "runq>5ms and", 13, "what to look at");
	refuse(&set, "runq>5ms or or block>1s", 13, "unknown kind 'or'");
	refuse(&set, "(runq>5ms", 10, "the ')' is missing");
	refuse(&set, "(runq>5ms foo", 11, "'and', 'or' or ')' belongs here");
	refuse(&set, "runq>5ms)", 9, "should end here");
	refuse(&set, "((((((((((((((((((runq>5ms))))))))))))))))))", 17, "16 brackets");
	refuse(&set, "runq>5ms\nor block>1s", 9, "control character");
}

static void settings_go_wrong(void **state)
{
	struct kf_trigger_set set = { 0 };

	refuse(&set, "runq>5ms{comn=nginx}", 10, "unknown setting 'comn', did you mean 'comm'?");
	refuse(&set, "runq>5ms{comm nginx}", 15, "a '=' belongs here");
	refuse(&set, "runq>5ms{comm=}", 15, "the value is missing");
	refuse(&set, "runq>5ms{comm=a|}", 17, "the value is missing");
	refuse(&set, "runq>5ms{comm=a", 16, "the '}' is missing");
	refuse(&set, "runq>5ms{comm='a}", 15, "closing '");
	refuse(&set, "runq>5ms{comm=a}x", 17, "should end here");
	refuse(&set, "runq>5ms{comm=a,comm=b}", 17, "already");
	refuse(&set, "runq>5ms{comm=a|a}", 17, "already");
	refuse(&set, "runq>5ms{comm=sixteen-bytes-xy}", 15, "no name can fit");
	refuse(&set, "runq>5ms{pid=nginx}", 14, "no number");
	refuse(&set, "runq>5ms{pid=0}", 14, "PID 0");
	refuse(&set, "runq>5ms{tid=1|99999999999}", 16, "PID that large");
	refuse(&set, "runq>5ms{cooldown=5}", 19, "unit is missing");
	refuse(&set, "runq>5ms{cooldown}", 18, "a '=' belongs here");
	refuse(&set, "runq>5ms{sample=10}", 19, "a '%' belongs here");
	refuse(&set, "runq>5ms{sample=0%}", 17, "out of range");
	refuse(&set, "runq>5ms{sample=101%}", 17, "out of range");
	refuse(&set, "runq>5ms{enabled=ja}", 18, "unknown value 'ja'");
	refuse(&set, "runq>5ms{name=a/b}", 15, "only letters");
	refuse(&set, "runq>5ms{name=.a}", 15, "begins with");
	refuse(&set, "runq>5ms{name=request}", 15, "requested snapshots");
	refuse(&set, "runq>5ms{name=a2345678901234567890123456789012}", 15, "longer than 31");
	refuse(&set, "runq>5ms{,}", 10, "a setting is missing");
	refuse(&set, "{comm=a}", 1, "what to look at");
}

static void overlong_is_refused(void **state)
{
	struct kf_trigger_set set = { 0 };
	char text[3000];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	refuse(&set, text, 1, "longer than 511");
	text[400] = '\0';
	refuse(&set, text, 1, "unknown kind");
	memcpy(text, "syscall:", 8);
	memcpy(text + 400 - 4, ">5ms", 5);
	refuse(&set, text, 9, "unknown syscall");
	memset(text, ' ', sizeof(text) - 9);
	memcpy(text + sizeof(text) - 9, "runq>5ms", 9);
	refuse(&set, text, 1, "longer than");
}

/* What above counts is what tells on which side of the limit the value is. */
static void aggregates(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "p99(runq)>2ms/10s");
	add(&set, "rate(runq>1ms)>100/s");
	add(&set, "rate(futex)>=5/m/10s");
	add(&set, "count(block>=20ms)>3");
	add(&set, "total(throttled)>1.5%/2s");
	add(&set, "avg(syscall:fsync)>2ms");
	add(&set, "p50(runq)<1ms");
	add(&set, "max(futex)<=7ms");
	assert_int_equal(set.terms[0].event, 0);
	assert_int_equal(set.terms[0].limit_ns, 2 * MS);
	assert_int_equal(set.period_ns[0], 10 * S);
	assert_int_equal(set.terms[1].limit_ns, MS);
	assert_int_equal(set.terms[1].or_equal, 0);
	assert_int_equal(set.period_ns[1], S);
	assert_int_equal(set.terms[2].limit_ns, 0);
	assert_int_equal(set.terms[2].or_equal, 1);
	assert_int_equal(set.period_ns[2], 10 * S);
	assert_int_equal(set.exprs[2].per_ns, 60 * S);
	assert_int_equal(set.terms[3].limit_ns, 20 * MS);
	assert_int_equal(set.terms[3].or_equal, 1);
	assert_int_equal(set.period_ns[3], S);
	assert_int_equal(set.period_ns[4], 2 * S);
	assert_int_equal(set.terms[6].or_equal, 1);
	assert_int_equal(set.terms[7].event, 0);
	assert_int_equal(set.terms[7].or_equal, 0);
	add(&set, "rate(futex)>5/m");
	assert_int_equal(set.period_ns[8], 60 * S);
}

static void clauses_are_an_or_of_ands(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "block>1s");
	add(&set, "(runq>5ms or futex>50ms) and p99(runq)>2ms/1s or syscall:read>1s");
	assert_int_equal(set.n_clauses, 4);
	assert_int_equal(set.clauses[1].terms, 1 << 1 | 1 << 3);
	assert_int_equal(set.clauses[2].terms, 1 << 2 | 1 << 3);
	assert_int_equal(set.clauses[3].terms, 1 << 4);
	assert_int_equal(set.clauses[3].rule, 1);
	assert_int_equal(set.rules[1].terms, 0x1e);
	assert_int_equal(kf_trigger_set_rule_of(&set, 0), 0);
	assert_int_equal(kf_trigger_set_rule_of(&set, 4), 1);
}

static void equal_terms_are_one(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "runq>5ms and futex>1ms or runq > 5000us and block>1s");
	assert_int_equal(set.n_terms, 3);
	assert_int_equal(set.clauses[0].terms, 3);
	assert_int_equal(set.clauses[1].terms, 5);
	/* Of somebody else it is another one. */
	add(&set, "runq of a > 5ms or runq of b > 5ms or runq > 5ms");
	assert_int_equal(set.n_terms, 6);
	/* Other order of names, same syscalls. */
	add(&set, "syscall:read,write>5ms or syscall:write,read>5ms");
	assert_int_equal(set.n_terms, 7);
	assert_int_equal(set.n_clauses, 2 + 3 + 1);
	/* What another clause implies is left out, with the terms only it needs. */
	add(&set, "block>2s and futex>2s or futex>2s");
	assert_int_equal(set.n_terms, 8);
	assert_int_equal(set.terms[7].kind, KF_WAITS_FUTEX);
	assert_int_equal(set.clauses[6].terms, 1 << 7);
}

static void too_many(void **state)
{
	struct kf_trigger_set set = { 0 };
	char text[512] = "runq>1ms", one[32];

	refuse(&set,
	       "(runq>1ms or runq>2ms) and (runq>3ms or runq>4ms) and (runq>5ms or runq>6ms) and "
	       "(runq>7ms or runq>8ms) and (runq>9ms or futex>1ms) and (futex>2ms or futex>3ms)",
	       133, "more than 32 combinations");
	for (int i = 2; i <= 33; i++) {
		snprintf(one, sizeof(one), " and runq>%dms", i);
		strcat(text, one);
	}
	refuse(&set, text, 440, "more than 32 expressions");
	for (int i = 0; i < KF_MAX_RULES; i++)
		add(&set, "runq>1ms or block>1ms");
	refuse(&set, "futex>1ms", 0, "more than 16 triggers");
	set = (struct kf_trigger_set){ 0 };
	add(&set,
	    "runq>1ms and runq>2ms and runq>3ms and runq>4ms and runq>5ms and runq>6ms and runq>7ms and runq>8ms");
	for (int i = 0; i < 12; i++)
		add(&set, "futex>1ms or futex>2ms");
	refuse(&set, "futex>1ms", 0, "more than 32 expressions together");
}

static const struct kf_term_filter *filter_of(const struct kf_trigger_set *set, uint32_t terms)
{
	for (size_t i = 0; i < set->n_filters; i++)
		if (set->filters[i].terms == terms)
			return &set->filters[i];
	fail_msg("no filter has the terms %x", terms);
	return NULL;
}

static void filters(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "runq>5ms or futex of 77 > 1ms {comm=nginx* | 'a, b', cgroup=/system.slice/x.service}");
	assert_int_equal(set.n_filters, 4);
	assert_int_equal(set.filters[0].by, KF_FILTER_PID_OR_TID);
	assert_int_equal(set.filters[0].id, 77);
	assert_int_equal(set.filters[0].terms, 2);
	assert_int_equal(set.filters[1].by, KF_FILTER_COMM);
	assert_string_equal(set.filters[1].comm.text, "nginx*");
	assert_int_equal(set.filters[1].terms, 3);
	assert_string_equal(set.filters[2].comm.text, "a, b");
	assert_int_equal(set.filters[3].by, KF_FILTER_CGROUP);
	assert_string_equal(set.filters[3].cgroup, "/system.slice/x.service");
	/* Filters that are there already take the new terms, too. */
	add(&set, "block of nginx* > 1s");
	assert_int_equal(set.n_filters, 4);
	assert_int_equal(set.filters[1].terms, 7);
	add(&set, "block>1s{pid=5|6,tid=7}");
	assert_int_equal(set.n_filters, 7);
	assert_int_equal(filter_of(&set, 8)->by, KF_FILTER_PID);
}

static void settings(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "runq>5ms{name=slow_1.x-y, cooldown=1.5m, sample=25%, enabled=no}");
	assert_string_equal(set.rules[0].name, "slow_1.x-y");
	assert_int_equal(set.rules[0].cooldown_ns, 90 * S);
	assert_int_equal(set.rules[0].sample, 0x3fffffff);
	assert_false(set.rules[0].enabled);
	add(&set, "runq>6ms{sample=100%}");
	assert_int_equal(set.rules[1].sample, UINT32_MAX);
	add(&set, "runq>7ms { }");
	add(&set, "runq>8ms{sample=0.000001%}");
	assert_in_range(set.rules[3].sample, 0, 42);
}

static void names(void **state)
{
	static const struct {
		const char *text, *name;
	} made[] = {
		{ "runq>5ms", "runq-5ms" },
		{ "max(runq)>5ms", "runq-5ms-2" },
		{ "runq>5ms{comm=nginx*}", "runq-5ms-nginx" },
		{ "futex>50ms{comm=/usr/x y}", "futex-50ms-usrxy" },
		{ "futex of 2144 > 1.5s", "futex-1.5s-2144" },
		{ "p99.9(runq)>2ms/1s", "p99.9-runq-2ms" },
		{ "rate(runq>1ms)>100/s", "rate-runq-100-per-s" },
		{ "total(throttled)>1%", "total-throttled-1pct" },
		{ "count(futex)<3", "count-futex-below-3" },
		{ "block>90s{cgroup=/a/b.service}", "block-90s-b.service" },
		{ "syscall:fsync>2m", "syscall-fsync-2m" },
		{ "runq>5ms or block>1s", "runq-5ms-or-block-1s" },
		{ "runq>5ms and futex>1us and block>3600s", "runq-5ms-and-futex-1us-and-bloc" },
		{ "runq>5ms and futex>1us and block>3601s", "runq-5ms-and-futex-1us-and-bl-2" },
	};
	struct kf_trigger_set set = { 0 };

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		add(&set, made[i].text);
		assert_string_equal(set.rules[i].name, made[i].name);
		assert_int_equal(kf_trigger_set_find(&set, made[i].name), i);
	}
	assert_int_equal(kf_trigger_set_find(&set, "runq"), -1);
}

static void names_given(void **state)
{
	struct kf_trigger_set set = { 0 };
	struct kf_error e = { 0 };

	add(&set, "runq>5ms{name=a}");
	refuse(&set, "runq>5ms{name=a}", 0, "there is a trigger 'a' already");
	assert_int_equal(kf_trigger_set_add_named(&set, "b", "runq>1ms", NULL, &e), 0);
	assert_int_equal(kf_trigger_set_add_named(&set, "c", "runq>1ms{name=c}", NULL, &e), 0);
	assert_int_equal(kf_trigger_set_find(&set, "b"), 1);
	assert_int_equal(kf_trigger_set_add_named(&set, "d", "runq>1ms{name=e}", NULL, &e), -1);
	assert_non_null(strstr(e.message, "calls itself 'e'"));
	assert_int_equal(kf_trigger_set_add_named(&set, "b", "runq>1ms", NULL, &e), -1);
	assert_int_equal(kf_trigger_set_add_named(&set, "x/y", "runq>1ms", NULL, &e), -1);
	assert_int_equal(kf_trigger_set_add_named(&set, "", "runq>1ms", NULL, &e), -1);
	assert_int_equal(set.n_rules, 3);
}

static void limits_change_while_it_is_in_use(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "runq>5ms");
	add(&set, "futex>50ms and p99(runq)>2ms/1s {comm=nginx|redis,cooldown=1m}");
	change(&set, 1, "futex > 70ms and p95(runq)>=3ms/10s {comm=redis|nginx, sample=50%, enabled=no}");
	assert_string_equal(set.rules[1].name, "futex-50ms-and-p99-runq-2ms-ngi");
	assert_int_equal(set.terms[0].limit_ns, 5 * MS);
	assert_int_equal(set.terms[1].limit_ns, 70 * MS);
	assert_int_equal(set.terms[2].limit_ns, 3 * MS);
	assert_int_equal(set.terms[2].or_equal, 1);
	assert_int_equal(set.period_ns[2], 10 * S);
	assert_int_equal(set.rules[1].cooldown_ns, 0);
	assert_false(set.rules[1].enabled);
	assert_int_equal(set.n_filters, 2);
	change(&set, 0, "runq>6ms{name=runq-5ms}");
	assert_string_equal(set.rules[0].text, "runq>6ms{name=runq-5ms}");
}

static void the_rest_does_not_change(void **state)
{
	struct kf_trigger_set set = { 0 };

	add(&set, "runq>5ms");
	add(&set, "futex>50ms and p99(runq)>2ms {comm=nginx}");
	add(&set, "syscall:read>1s or runq>5ms");
	refuse_change(&set, 0, "futex>5ms", "measures something else");
	refuse_change(&set, 0, "runq<5ms", "measures something else");
	refuse_change(&set, 0, "runq>5ms{comm=a}", "measures something else");
	refuse_change(&set, 0, "runq>5ms{name=other}", "cannot be renamed to 'other'");
	refuse_change(&set, 0, "runq>5", "column 6");
	refuse_change(&set, 1, "futex>50ms and p99(runq)>2ms", "measures something else");
	refuse_change(&set, 1, "futex>50ms and p99(runq)>2ms {comm=nginx|b}", "measures something else");
	refuse_change(&set, 1, "futex>50ms or p99(runq)>2ms {comm=nginx}", "measures something else");
	refuse_change(&set, 1, "futex>50ms and avg(runq)>2ms {comm=nginx}", "measures something else");
	refuse_change(&set, 2, "syscall:write>1s or runq>5ms", "measures something else");
	refuse_change(&set, 2, "syscall:read>1s", "measures something else");
	refuse_change(&set, 7, "runq>5ms", "no trigger 7");
	refuse_change(&set, -1, "runq>5ms", "no trigger -1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_units),
		cmocka_unit_test(syscalls_by_name),
		cmocka_unit_test(what_people_get_wrong),
		cmocka_unit_test(joins_and_brackets_go_wrong),
		cmocka_unit_test(settings_go_wrong),
		cmocka_unit_test(overlong_is_refused),
		cmocka_unit_test(aggregates),
		cmocka_unit_test(clauses_are_an_or_of_ands),
		cmocka_unit_test(equal_terms_are_one),
		cmocka_unit_test(too_many),
		cmocka_unit_test(filters),
		cmocka_unit_test(settings),
		cmocka_unit_test(names),
		cmocka_unit_test(names_given),
		cmocka_unit_test(limits_change_while_it_is_in_use),
		cmocka_unit_test(the_rest_does_not_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
