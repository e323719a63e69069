/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "capture/trigger_spec.h"
#include "model/wait.h"

#define MS 1000000ull

static void add(struct kf_trigger_spec *spec, const char *expression)
{
	struct kf_error e = { 0 };

	if (kf_trigger_spec_add(spec, expression, &e))
		fail_msg("'%s' refused: %s", expression, e.message);
}

/* Refused with KF_USAGE and a message that holds `part`; spec stays as it was. */
static void refuse(struct kf_trigger_spec *spec, const char *expression, const char *part)
{
	struct kf_trigger_spec before = *spec;
	struct kf_error e = { 0 };

	if (!kf_trigger_spec_add(spec, expression, &e))
		fail_msg("'%s' accepted", expression);
	if (!strstr(e.message, part))
		fail_msg("'%s': message '%s' lacks '%s'", expression, e.message, part);
	assert_int_equal(e.status, KF_USAGE);
	assert_null(strchr(e.message, '\n'));
	assert_memory_equal(spec, &before, sizeof(before));
}

static void kinds_and_units(void **state)
{
	struct kf_trigger_spec spec = { 0 };

	add(&spec, "runq>5ms");
	add(&spec, "futex>50ms");
	add(&spec, " block > 1s ");
	assert_int_equal(spec.threshold_ns[KF_TRIGGER_RUNQ], 5 * MS);
	assert_int_equal(spec.threshold_ns[KF_TRIGGER_FUTEX], 50 * MS);
	assert_int_equal(spec.threshold_ns[KF_TRIGGER_BLOCK], 1000 * MS);
	assert_int_equal(spec.threshold_ns[KF_TRIGGER_SYSCALL], 0);
	assert_string_equal(spec.text, "runq>5ms, futex>50ms, block>1s");
}

static void syscalls_by_name(void **state)
{
	struct kf_trigger_spec spec = { 0 };

	add(&spec, "syscall: read , pread64 >100ms");
	add(&spec, "syscall:fsync>2ms");
	assert_int_equal(spec.syscall_threshold_ns[kf_syscall_number("read")], 100 * MS);
	assert_int_equal(spec.syscall_threshold_ns[kf_syscall_number("pread64")], 100 * MS);
	assert_int_equal(spec.syscall_threshold_ns[kf_syscall_number("fsync")], 2 * MS);
	assert_int_equal(spec.syscall_threshold_ns[kf_syscall_number("write")], 0);
	assert_int_equal(spec.threshold_ns[KF_TRIGGER_SYSCALL], 2 * MS);
	assert_false(spec.syscall_all);
	assert_string_equal(spec.text, "syscall:read,pread64>100ms, syscall:fsync>2ms");
}

/* A threshold by name wins over the one for all, whichever came first. */
static void all_syscalls(void **state)
{
	const char *const orders[2][2] = { { "syscall>100ms", "syscall:read>1s" },
					   { "syscall:read>1s", "syscall>100ms" } };

	for (int i = 0; i < 2; i++) {
		struct kf_trigger_spec spec = { 0 };

		add(&spec, orders[i][0]);
		add(&spec, orders[i][1]);
		assert_int_equal(spec.syscall_threshold_ns[kf_syscall_number("read")], 1000 * MS);
		assert_int_equal(spec.syscall_threshold_ns[kf_syscall_number("write")], 100 * MS);
		assert_int_equal(spec.syscall_threshold_ns[KF_MAX_SYSCALLS - 1], 100 * MS);
		assert_int_equal(spec.threshold_ns[KF_TRIGGER_SYSCALL], 100 * MS);
		assert_true(spec.syscall_all);
		refuse(&spec, "syscall>5ms", "already");
	}
}

static void what_people_get_wrong(void **state)
{
	struct kf_trigger_spec spec = { 0 };

	refuse(&spec, "runq>5", "column 6");
	refuse(&spec, "rnq>5ms", "did you mean 'runq'?");
	refuse(&spec, "frobnicate>5ms", "unknown kind 'frobnicate'");
	refuse(&spec, "runq", "no '>'");
	refuse(&spec, "runq:5ms", "no '>'");
	refuse(&spec, "runq>", "missing");
	refuse(&spec, "runq>0ms", "zero");
	refuse(&spec, "runq>-5ms", "-5ms");
	refuse(&spec, "runq>=5ms", "=5ms");
	refuse(&spec, ">5ms", "what to look at");
	refuse(&spec, "", "what to look at");
	refuse(&spec, "runq:read>5ms", "takes no ':'");
	refuse(&spec, "syscall:>5ms", "name is missing");
	refuse(&spec, "syscall:read,,write>5ms", "column 14");
	refuse(&spec, "syscall:raed>5ms", "did you mean 'read'?");
	refuse(&spec, "syscall:zzzzzzzz>5ms", "unknown syscall 'zzzzzzzz'");
	refuse(&spec, "syscall:read,read>5ms", "already");
	add(&spec, "runq>5ms");
	refuse(&spec, "runq>6ms", "already");
}

static void overlong_is_refused(void **state)
{
	struct kf_trigger_spec spec = { 0 };
	char text[3000];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	refuse(&spec, text, "unknown kind");
	memcpy(text, "syscall:", 8);
	memcpy(text + sizeof(text) - 5, ">5ms", 5);
	refuse(&spec, text, "unknown syscall");
	memset(text, ' ', sizeof(text) - 9);
	memcpy(text + sizeof(text) - 9, "runq>5ms", 9);
	refuse(&spec, text, "longer than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_units),     cmocka_unit_test(syscalls_by_name),
		cmocka_unit_test(all_syscalls),	       cmocka_unit_test(what_people_get_wrong),
		cmocka_unit_test(overlong_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
