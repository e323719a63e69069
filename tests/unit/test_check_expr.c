/* SPDX-License-Identifier: BSD-2-Clause */
#include "expr/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "hand_expr.h"
#include "model/wait.h"

/* Refused with these words, at this column. */
static void refused(const char *text, size_t column, const char *why)
{
	struct kf_error e = { 0 };
	struct kf_condition c;
	size_t at = 99;

	if (!kf_condition_parse(&c, "expression", text, &at, &e))
		fail_msg("'%s' was accepted", text);
	if (at != column || !strstr(e.message, why) || strchr(e.message, '\n'))
		fail_msg("'%s': wanted column %zu and '%s', got column %zu: %s", text, column, why, at, e.message);
	assert_int_equal(e.status, KF_USAGE);
}

static void the_grammar_of_the_issue(void **state)
{
	struct kf_expr x = expr_of("p99.9(runq) of nginx > 2ms");

	assert_int_equal(x.function, KF_EXPR_PERCENTILE);
	assert_int_equal(x.percentile, 99900000);
	assert_int_equal(x.kind, KF_EXPR_RUNQ);
	assert_string_equal(x.who, "nginx");
	assert_int_equal(x.compare, KF_EXPR_ABOVE);
	assert_int_equal(x.limit, 2000000);
	x = expr_of("max(futex) > 50ms");
	assert_int_equal(x.function, KF_EXPR_MAX);
	assert_int_equal(x.limit, 50000000);
	assert_string_equal(x.who, "");
	x = expr_of("total(throttled) > 1.5%");
	assert_int_equal(x.function, KF_EXPR_TOTAL);
	assert_int_equal(x.kind, KF_EXPR_THROTTLED);
	assert_int_equal(x.unit, KF_EXPR_PERCENT);
	assert_int_equal(x.limit, 1500000);
	x = expr_of("count(runq>1ms) >= 100");
	assert_true(x.longer_given && !x.longer_or_equal);
	assert_int_equal(x.longer_ns, 1000000);
	assert_int_equal(x.compare, KF_EXPR_AT_LEAST);
	assert_int_equal(x.limit, 100 * KF_EXPR_MICRO);
	x = expr_of("rate(futex >= 10 ms) < 5/m");
	assert_int_equal(x.unit, KF_EXPR_PER_TIME);
	assert_int_equal(x.per_ns, 60000000000);
	assert_true(x.longer_or_equal);
	assert_int_equal(x.compare, KF_EXPR_BELOW);
}

static void triggers_are_expressions(void **state)
{
	struct kf_expr x = expr_of("runq>5ms");

	assert_int_equal(x.function, KF_EXPR_MAX);
	assert_int_equal(x.kind, KF_EXPR_RUNQ);
	x = expr_of(" syscall : read , pread64 > 100ms ");
	assert_int_equal(x.n_syscalls, 2);
	assert_int_equal(x.syscalls[1], kf_syscall_number("pread64"));
	assert_string_equal(x.text, "syscall : read , pread64 > 100ms");
	assert_int_equal(expr_of("block>1s").kind, KF_EXPR_BLOCK);
	assert_int_equal(expr_of("throttled>20ms").kind, KF_EXPR_THROTTLED);
}

static void whom_it_is_about(void **state)
{
	assert_int_equal(expr_of("avg(runq) of 2144 <= 1us").pid, 2144);
	assert_string_equal(expr_of("avg(runq) of 2144 <= 1us").who, "");
	assert_string_equal(expr_of("runq of 'a b>c' > 1us").who, "a b>c");
	assert_int_equal(expr_of("runq of \"77\" > 1us").pid, 0);
	assert_string_equal(expr_of("runq of k*>1us").who, "k*");
}

static void unknown_names(void **state)
{
	refused("max(rung) > 5ms", 5, "unknown kind 'rung', did you mean 'runq'?");
	refused("mux(runq) > 5ms", 1, "unknown function 'mux', did you mean 'max'?");
	refused("syscall:raed > 5ms", 9, "unknown syscall 'raed', did you mean 'read'?");
	refused("frobnicate > 5ms", 1, "unknown kind 'frobnicate'");
	refused("max(runq:read) > 5ms", 9, "takes no ':'");
	refused("> 5ms", 1, "does not say what to look at");
	refused("", 1, "does not say what to look at");
	refused("(runq) > 5ms", 6, "comparison is missing");
}

static void limits(void **state)
{
	refused("max(runq) > 5", 13, "the unit is missing");
	refused("max(runq) >", 12, "the limit is missing");
	refused("max(runq)", 10, "the comparison is missing");
	refused("max(runq) = 5ms", 11, "this is no comparison");
	refused("max(runq) > 5%", 14, "only total()");
	refused("max(runq) > -5ms", 13, "no positive number");
	refused("rate(runq) > 5", 15, "a rate needs its time");
	refused("rate(runq) > 5/d", 16, "per s, m or h");
	refused("count(runq) > 5ms", 16, "a count is a plain number");
	refused("count(runq) > 5%", 16, "a count is a plain number");
	refused("count(runq > 5) > 5", 14, "the unit is missing");
	refused("max(runq > 5ms) > 5ms", 10, "only count and rate");
	refused("count(runq) > 99999999999999999999", 15, "too large");
	refused("total(runq) > 1.1234567%", 23, "six digits");
	refused("max(runq > 5ms", 10, "the ')' is missing");
	refused("max(runq foo) > 5ms", 10, "a ')' belongs here");
}

static void percentiles(void **state)
{
	assert_int_equal(expr_of("p100(runq) > 1ms").percentile, 100000000);
	assert_int_equal(expr_of("p0.000001(runq) > 1ms").percentile, 1);
	refused("p0(runq) > 1ms", 1, "percentile 'p0' is out of range");
	refused("p101(runq) > 1ms", 1, "percentile 'p101' is out of range");
	refused("p100.1(runq) > 1ms", 1, "percentile 'p100.1' is out of range");
	refused("p9x(runq) > 1ms", 3, "'p9x' is no percentile");
	refused("p99.(runq) > 1ms", 4, "is no percentile");
}

static void periods(void **state)
{
	struct kf_expr x = expr_of("p99(runq) > 2ms / 1s");

	assert_int_equal(x.limit, 2000000);
	assert_int_equal(x.over_ns, 1000000000);
	assert_int_equal(expr_of("rate(runq) > 5 / m / 10 s").over_ns, 10000000000);
	assert_int_equal(expr_of("rate(runq) > 5/m").over_ns, 0);
	assert_int_equal(expr_of("total(softirq) > 10 % / 100ms").over_ns, 100000000);
	assert_int_equal(expr_of("count(runq)>5/24h").over_ns, 86400000000000);
	assert_int_equal(expr_of("max(runq)<5ms/1s").over_ns, 1000000000);
	refused("p99(runq)>2ms/", 15, "duration is missing");
	refused("p99(runq)>2ms/99ms", 15, "from 100ms to 24h");
	refused("p99(runq)>2ms/25h", 15, "from 100ms to 24h");
	refused("max(runq)>=2ms/1s", 15, "single waits");
	refused("count(runq)>5/s", 15, "this is no period");
	refused("rate(runq)>5/10s", 14, "per s, m or h");
}

static void time_of_cpus(void **state)
{
	assert_int_equal(expr_of("total(softirq) > 10%").kind, KF_EXPR_SOFTIRQ);
	refused("max(steal) > 1ms", 1, "only a total");
	refused("total(irq) of nginx > 1ms", 1, "not of threads");
}

static void hostile_text(void **state)
{
	char text[600];

	refused("max(runq) of a\x1b[31m > 5ms", 15, "control character");
	refused("max(runq) of  > 5ms", 15, "is missing");
	refused("max(runq) of 'a > 5ms", 14, "closing ' is missing");
	refused("max(runq) of 99999999999 > 5ms", 14, "PID");
	refused("max(runq) of 0 > 5ms", 14, "PID 0");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	refused(text, 1, "longer than 511");
	text[400] = '\0';
	refused(text, 1, "unknown kind");
	memcpy(text, "runq>", 5);
	memset(text + 5, '0', 300);
	memcpy(text + 305, " ms", 4);
	refused(text, 6, "no duration");
	memset(text, 'a', sizeof(text) - 1);
	text[200] = '\0';
	refused(text, 1, "unknown kind");
	memcpy(text, "runq of ", 8);
	refused(text, 9, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_grammar_of_the_issue),
		cmocka_unit_test(triggers_are_expressions),
		cmocka_unit_test(whom_it_is_about),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(limits),
		cmocka_unit_test(percentiles),
		cmocka_unit_test(periods),
		cmocka_unit_test(time_of_cpus),
		cmocka_unit_test(hostile_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
