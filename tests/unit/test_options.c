/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "cli/options.h"

/* What the command line of a test was read into. */
struct line {
	uint64_t gap_ns, size_bytes, count, time_ns, looks;
	const char *out;
	struct kf_strings triggers;
	bool json, verbose;
	struct kf_operands operands;
	struct kf_error e;
	int result;
};

#define MAX_ARGS 8

static void parse_with(struct line *l, struct kf_command command, const char *const *args)
{
	const struct kf_option options[] = {
		{ "gap", 0, KF_OPT_DURATION, &l->gap_ns, "DURATION", "only gaps this long (default 1ms)" },
		{ "window", 'w', KF_OPT_SIZE, &l->size_bytes, "SIZE", "memory" },
		{ "count", 0, KF_OPT_UINT, &l->count, "N", "how many" },
		{ "time", 0, KF_OPT_TIME, &l->time_ns, "TIME", "how long" },
		{ "looks", 0, KF_OPT_COUNT, &l->looks, "N", "how often" },
		{ "output", 'o', KF_OPT_STRING, &l->out, "FILE", "write here" },
		{ "trigger", 't', KF_OPT_STRINGS, &l->triggers, "EXPR", "may be given several times" },
		{ "json", 'j', KF_OPT_FLAG, &l->json, NULL, "machine-readable" },
		{ "verbose", 'v', KF_OPT_FLAG, &l->verbose, NULL, "more" },
		{ NULL },
	};
	char *argv[MAX_ARGS + 2] = { (char *)"report" };
	int argc = 1;

	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	command.options = options;
	memset(l, 0, sizeof(*l));
	l->result = kf_options_parse(&command, argc, argv, &l->operands, &l->e);
}

static const struct kf_command report = {
	.name = "report",
	.operands = "FILE [FILE]",
	.summary = "the answer",
	.examples = "  kflight report x.kfl",
	.min_operands = 1,
	.max_operands = 2,
};

#define PARSE(l, ...) parse_with(l, report, (const char *const[MAX_ARGS]){ __VA_ARGS__ })

static void release(struct line *l)
{
	free(l->operands.items);
	free(l->triggers.items);
}

static void accepted(const struct line *l)
{
	if (l->result)
		fail_msg("returned %d: %s", l->result, l->e.message);
}

static void refused(const struct line *l, const char *message)
{
	assert_int_equal(l->result, -1);
	assert_string_equal(l->e.message, message);
	assert_int_equal(l->e.status, KF_USAGE);
	assert_null(l->operands.items);
	assert_null(l->triggers.items);
}

static void every_type_is_read(void **state)
{
	struct line l;

	PARSE(&l, "--gap", "2ms", "--window=64k", "--count", "3", "a.kfl", "--json");
	accepted(&l);
	assert_int_equal(l.gap_ns, 2000000);
	assert_int_equal(l.size_bytes, 65536);
	assert_int_equal(l.count, 3);
	assert_true(l.json);
	assert_false(l.verbose);
	assert_int_equal(l.operands.n, 1);
	assert_string_equal(l.operands.items[0], "a.kfl");
	release(&l);
}

static void letters_combine(void **state)
{
	struct line l;

	PARSE(&l, "-jv", "-oout", "-t", "runq>5ms", "-tfutex>1ms", "a", "-");
	accepted(&l);
	assert_true(l.json && l.verbose);
	assert_string_equal(l.out, "out");
	assert_int_equal(l.triggers.n, 2);
	assert_string_equal(l.triggers.items[0], "runq>5ms");
	assert_string_equal(l.triggers.items[1], "futex>1ms");
	assert_string_equal(l.operands.items[1], "-");
	release(&l);
}

static void two_dashes_end_the_options(void **state)
{
	struct line l;

	PARSE(&l, "--", "--json", "-x");
	accepted(&l);
	assert_false(l.json);
	assert_int_equal(l.operands.n, 2);
	assert_string_equal(l.operands.items[0], "--json");
	release(&l);
}

static void command_of_run_keeps_its_options(void **state)
{
	struct kf_command run = { .name = "run",
				  .operands = "-- CMD [ARG...]",
				  .summary = "record",
				  .min_operands = 1,
				  .max_operands = -1,
				  .stops_at_operand = true };
	struct line l;

	parse_with(&l, run, (const char *const[MAX_ARGS]){ "-j", "ls", "-v", "--help", "--" });
	accepted(&l);
	assert_true(l.json);
	assert_false(l.verbose);
	assert_int_equal(l.operands.n, 4);
	assert_string_equal(l.operands.items[3], "--");
	assert_null(l.operands.items[4]);
	release(&l);
	parse_with(&l, run, (const char *const[MAX_ARGS]){ "-v", "--", "ls", "--", "-j" });
	accepted(&l);
	assert_int_equal(l.operands.n, 3);
	assert_string_equal(l.operands.items[1], "--");
	release(&l);
}

static void mistakes_are_named(void **state)
{
	struct line l;

	PARSE(&l, "--jsno", "a");
	refused(&l, "unknown option '--jsno': did you mean '--json'?");
	PARSE(&l, "--completely-else", "a");
	refused(&l, "unknown option '--completely-else'");
	assert_string_equal(l.e.hint, "`kflight report --help` lists the options");
	PARSE(&l, "-x", "a");
	refused(&l, "unknown option '-x'");
	PARSE(&l, "a", "--gap");
	refused(&l, "option '--gap' needs a value: --gap DURATION");
	PARSE(&l, "a", "-o");
	refused(&l, "option '--output' needs a value: --output FILE");
	PARSE(&l, "--json=yes", "a");
	refused(&l, "option '--json' takes no value");
	PARSE(&l, "-t", "x", "--json");
	refused(&l, "missing argument: kflight report [OPTIONS] FILE [FILE]");
	PARSE(&l, "a", "b", "c");
	refused(&l, "unexpected argument 'c'");
}

static void values_are_checked(void **state)
{
	struct line l;

	PARSE(&l, "--gap", "5", "a");
	refused(&l, "--gap: bad duration '5': the unit is missing");
	assert_non_null(strstr(l.e.hint, "give a unit"));
	PARSE(&l, "--window=lots", "a");
	refused(&l, "--window: bad size 'lots': this is no positive number");
	PARSE(&l, "--count", "-1", "a");
	refused(&l, "--count: bad number '-1'");
	PARSE(&l, "--count=3x", "a");
	refused(&l, "--count: bad number '3x'");
	PARSE(&l, "--count=18446744073709551616", "a");
	refused(&l, "--count: bad number '18446744073709551616'");
	PARSE(&l, "--count=", "a");
	refused(&l, "--count: bad number ''");
}

static void nothing_is_refused_where_it_makes_no_sense(void **state)
{
	struct line l;

	PARSE(&l, "--time", "0s", "a");
	refused(&l, "--time: '0s' is nothing: it takes some time");
	assert_non_null(strstr(l.e.hint, "leave the option out"));
	PARSE(&l, "--time=5", "a");
	refused(&l, "--time: bad duration '5': the unit is missing");
	PARSE(&l, "--looks=00", "a");
	refused(&l, "--looks: '00' is nothing: it takes at least 1");
	PARSE(&l, "--looks=-1", "a");
	refused(&l, "--looks: bad number '-1'");
	PARSE(&l, "--looks=1", "--time=1ns", "--gap=0s", "--count=0", "a");
	assert_int_equal(l.result, 0);
	assert_int_equal(l.looks, 1);
	assert_int_equal(l.time_ns, 1);
	free(l.operands.items);
}

/* Runs the parser with stdout in a file and gives what it printed. */
static int captured(struct line *l, const char *arg, char *text, size_t len)
{
	FILE *file = tmpfile();
	int saved;

	assert_non_null(file);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	PARSE(l, arg);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	text[fread(text, 1, len - 1, file)] = '\0';
	fclose(file);
	return l->result;
}

static void help_comes_from_the_rows(void **state)
{
	static const char *const expected[] = { "kflight report: the answer\n",
						"Usage: kflight report [OPTIONS] FILE [FILE]\n",
						"      --gap DURATION  only gaps this long (default 1ms)\n",
						"  -j, --json          machine-readable\n",
						"-h, --help",
						"Examples:\n  kflight report x.kfl\n" };
	char text[4096];
	struct line l;

	assert_int_equal(captured(&l, "--help", text, sizeof(text)), 1);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (!strstr(text, expected[i]))
			fail_msg("'%s' is missing in:\n%s", expected[i], text);
	assert_int_equal(captured(&l, "-h", text, sizeof(text)), 1);
}

static void nearest_within_a_third(void **state)
{
	static const char *const names[] = { "runq", "futex", "syscall", "block", NULL };
	char long_word[200];

	assert_string_equal(kf_nearest("rnq", names), "runq");
	assert_string_equal(kf_nearest("ruqn", names), "runq");
	assert_string_equal(kf_nearest("sycsall", names), "syscall");
	assert_string_equal(kf_nearest("futexx", names), "futex");
	assert_string_equal(kf_nearest("block", names), "block");
	assert_null(kf_nearest("rq", names));
	assert_null(kf_nearest("latency", names));
	assert_null(kf_nearest("", names));
	memset(long_word, 'x', sizeof(long_word));
	long_word[199] = '\0';
	assert_null(kf_nearest(long_word, names));
}

/* What a value is shown as can be given again. */
static void values_are_texts_again(void **state)
{
	static const struct {
		enum kf_option_type type;
		const char *text;
	} values[] = {
		{ KF_OPT_DURATION, "90s" },
		{ KF_OPT_DURATION, "0ns" },
		{ KF_OPT_DURATION, "1500us" },
		{ KF_OPT_TIME, "24h" },
		{ KF_OPT_TIME, "1000000001ns" },
		{ KF_OPT_SIZE, "3g" },
		{ KF_OPT_SIZE, "1025k" },
		{ KF_OPT_SIZE, "0" },
		{ KF_OPT_UINT, "18446744073709551615" },
		{ KF_OPT_STRING, "a, b c" },
		{ KF_OPT_FLAG, "yes" },
		{ KF_OPT_FLAG, "no" },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		union {
			uint64_t number;
			const char *string;
			bool flag;
		} value = { 0 }, again = { 0 };
		const struct kf_option o = { "x", 0, values[i].type, &value, NULL, "" };
		const struct kf_option other = { "x", 0, values[i].type, &again, NULL, "" };
		char text[64];
		struct kf_error e;

		assert_int_equal(kf_option_store(&o, values[i].text, &e), 0);
		assert_string_equal(kf_option_text(&o, text, sizeof(text)), values[i].text);
		assert_int_equal(kf_option_store(&other, text, &e), 0);
		assert_true(kf_option_equal(&o, &other));
	}
}

static void given_rows_are_told(void **state)
{
	uint64_t gap_ns = 0;
	bool json = false, given[2] = { 0 };
	const struct kf_option options[] = {
		{ "gap", 'g', KF_OPT_DURATION, &gap_ns, "TIME", "" },
		{ "json", 'j', KF_OPT_FLAG, &json, NULL, "" },
		{ NULL },
	};
	const struct kf_command command = { .name = "x", .options = options };
	char *argv[] = { (char *)"x", (char *)"-g1s", NULL };
	struct kf_operands operands;
	struct kf_error e;

	assert_int_equal(kf_options_parse_given(&command, 2, argv, &operands, given, &e), 0);
	assert_true(given[0]);
	assert_false(given[1]);
	free(operands.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(letters_combine),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(command_of_run_keeps_its_options),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(nothing_is_refused_where_it_makes_no_sense),
		cmocka_unit_test(help_comes_from_the_rows),
		cmocka_unit_test(nearest_within_a_third),
		cmocka_unit_test(values_are_texts_again),
		cmocka_unit_test(given_rows_are_told),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
