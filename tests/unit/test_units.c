/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/units.h"

typedef int (*parse_fn)(const char *text, uint64_t *out, struct kf_error *e);

static void accept(parse_fn parse, const char *text, uint64_t want)
{
	struct kf_error e = { 0 };
	uint64_t got = 4711;

	if (parse(text, &got, &e))
		fail_msg("'%s' refused: %s", text, e.message);
	if (got != want)
		fail_msg("'%s' is %llu, expected %llu", text, (unsigned long long)got, (unsigned long long)want);
}

static void refuse(parse_fn parse, const char *text, const char *part)
{
	struct kf_error e = { 0 };
	uint64_t got;

	if (!parse(text, &got, &e))
		fail_msg("'%s' accepted as %llu", text, (unsigned long long)got);
	if (!strstr(e.message, part))
		fail_msg("'%s': message '%s' lacks '%s'", text, e.message, part);
	if (!e.hint[0])
		fail_msg("'%s': no hint", text);
	assert_int_equal(e.status, KF_USAGE);
}

static void durations_are_exact(void **state)
{
	accept(kf_parse_duration, "5ms", 5000000);
	accept(kf_parse_duration, "1.5s", 1500000000);
	accept(kf_parse_duration, "0.1s", 100000000); /* not 99999999, as floating point might say */
	accept(kf_parse_duration, "250us", 250000);
	accept(kf_parse_duration, "10m", 600000000000);
	accept(kf_parse_duration, "1h", 3600000000000);
	accept(kf_parse_duration, "7ns", 7);
	accept(kf_parse_duration, "0s", 0);
	accept(kf_parse_duration, "11.4 ms", 11400000); /* as kf_format_duration() prints it */
	accept(kf_parse_duration, "5MS", 5000000);
	accept(kf_parse_duration, "18446744073709551615ns", UINT64_MAX);
	accept(kf_parse_duration, "0.33333333333333333333333333s", 333333333); /* more digits than needed */
}

static void odd_durations_are_refused(void **state)
{
	refuse(kf_parse_duration, "5", "'5': the unit is missing");
	refuse(kf_parse_duration, "", "no positive number");
	refuse(kf_parse_duration, "ms", "no positive number");
	refuse(kf_parse_duration, "-5ms", "no positive number");
	refuse(kf_parse_duration, "+5ms", "no positive number");
	refuse(kf_parse_duration, "5.ms", "no positive number");
	refuse(kf_parse_duration, ".5ms", "no positive number");
	refuse(kf_parse_duration, "5mss", "unknown unit");
	refuse(kf_parse_duration, "5ms5us", "unknown unit");
	refuse(kf_parse_duration, "1e3s", "unknown unit");
	refuse(kf_parse_duration, "0x10ms", "unknown unit");
	refuse(kf_parse_duration, "18446744073709551616ns", "too large");
	refuse(kf_parse_duration, "5124096h", "too large");
	refuse(kf_parse_duration, "99999999999999999999999999h", "too large");
	refuse(kf_parse_duration, "0.5ns", "less than 1 ns");
}

static void sizes_are_powers_of_1024(void **state)
{
	accept(kf_parse_size, "4096", 4096);
	accept(kf_parse_size, "4k", 4096);
	accept(kf_parse_size, "64KiB", 65536);
	accept(kf_parse_size, "64m", 64ull << 20);
	accept(kf_parse_size, "256mb", 256ull << 20);
	accept(kf_parse_size, "1G", 1ull << 30);
	accept(kf_parse_size, "1.5k", 1536);
	accept(kf_parse_size, "64.0 MiB", 64ull << 20); /* as kf_format_size() prints it */
	accept(kf_parse_size, "12b", 12);
	refuse(kf_parse_size, "12x", "unknown unit");
	refuse(kf_parse_size, "-1k", "no positive number");
	refuse(kf_parse_size, "17179869184g", "too large");
	refuse(kf_parse_size, "0.5", "less than 1 byte");
}

static void prints(uint64_t ns, const char *want)
{
	char buf[32];

	assert_string_equal(kf_format_duration(ns, buf, sizeof(buf)), want);
}

static void durations_have_three_digits(void **state)
{
	prints(0, "0 ns");
	prints(999, "999 ns");
	prints(1000, "1.00 us");
	prints(830000, "830 us");
	prints(999499, "999 us");
	prints(999500, "1.00 ms"); /* never "1000 us" */
	prints(9994999, "9.99 ms");
	prints(9995000, "10.0 ms");
	prints(11400000, "11.4 ms");
	prints(2000000000, "2.00 s");
	prints(90000000000, "90.0 s");
	prints(3600000000000, "60.0 m");
	prints(360000000000000, "100 h");
	prints(UINT64_MAX, "5124096 h");
}

static void sizes_have_three_digits(void **state)
{
	char buf[32];

	assert_string_equal(kf_format_size(0, buf, sizeof(buf)), "0 B");
	assert_string_equal(kf_format_size(1023, buf, sizeof(buf)), "1023 B");
	assert_string_equal(kf_format_size(1024, buf, sizeof(buf)), "1.00 KiB");
	assert_string_equal(kf_format_size(64ull << 20, buf, sizeof(buf)), "64.0 MiB");
	assert_string_equal(kf_format_size(UINT64_MAX, buf, sizeof(buf)), "16777216 TiB");
}

/* A small buffer cuts the text, no more. */
static void short_buffers_are_respected(void **state)
{
	char buf[8] = "xxxxxxx";

	kf_format_duration(11400000, buf, 4);
	assert_memory_equal(buf, "11.\0xxx", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_exact),	    cmocka_unit_test(odd_durations_are_refused),
		cmocka_unit_test(sizes_are_powers_of_1024), cmocka_unit_test(durations_have_three_digits),
		cmocka_unit_test(sizes_have_three_digits),  cmocka_unit_test(short_buffers_are_respected),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
