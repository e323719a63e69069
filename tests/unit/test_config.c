/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "cli/config.h"
#include "cli/options.h"

enum { OUTPUT, CONFIG, TRIGGER, COOLDOWN, COUNT, MIN_FREE, ONLY, N_ROWS };

/* What a recorder would have. */
struct loaded {
	const char *output, *config_path, *min_free;
	struct kf_strings triggers;
	uint64_t cooldown_ns, count;
	bool only, given[N_ROWS];
	struct kf_option rows[N_ROWS + 1];
	struct kf_config *config;
	struct kf_error e;
	int result;
};

static char folder[] = "/tmp/kflight-test-config-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/kflight.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static void write_bytes(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	chmod(path, 0644);
}

static void init(struct loaded *l)
{
	const struct kf_option rows[N_ROWS + 1] = {
		[OUTPUT] = { "output", 'o', KF_OPT_STRING, &l->output, "DIR", "" },
		[CONFIG] = { "config", 0, KF_OPT_STRING, &l->config_path, "FILE", "" },
		[TRIGGER] = { "trigger", 0, KF_OPT_STRINGS, &l->triggers, "EXPR", "" },
		[COOLDOWN] = { "cooldown", 0, KF_OPT_DURATION, &l->cooldown_ns, "TIME", "" },
		[COUNT] = { "count", 0, KF_OPT_COUNT, &l->count, "N", "" },
		[MIN_FREE] = { "min-free", 0, KF_OPT_STRING, &l->min_free, "SIZE", "" },
		[ONLY] = { "only", 0, KF_OPT_FLAG, &l->only, NULL, "" },
	};

	memset(l, 0, sizeof(*l));
	memcpy(l->rows, rows, sizeof(rows));
	l->output = ".";
}

static void end(struct loaded *l)
{
	kf_config_free(&l->config);
	free(l->triggers.items);
}

/* The command line, the environment, and the file if text is given. */
static void load_with(struct loaded *l, const char *text, const char *const *args, const char *const *environment)
{
	const struct kf_command command = { .name = "record", .options = l->rows };
	char *argv[8] = { (char *)"record" };
	struct kf_operands operands;
	int argc = 1;

	for (; args && args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	assert_int_equal(kf_options_parse_given(&command, argc, argv, &operands, l->given, &l->e), 0);
	free(operands.items);
	if (text) {
		write_bytes(text, strlen(text));
		l->config_path = path;
		l->given[CONFIG] = true;
	}
	l->result = kf_config_load(&l->config, l->rows, l->given, (char *const *)environment, &l->e);
}

static void load(struct loaded *l, const char *text)
{
	init(l);
	load_with(l, text, NULL, NULL);
	if (l->result)
		fail_msg("%s", l->e.message);
}

static void without_anything_nothing_changes(void **state)
{
	struct loaded l;
	size_t n;

	load(&l, NULL);
	assert_string_equal(l.output, ".");
	assert_null(kf_config_path(l.config));
	kf_config_triggers(l.config, &n);
	assert_int_equal(n, 0);
	assert_int_equal(kf_config_origin(l.config, "output", NULL), KF_FROM_DEFAULT);
	end(&l);
}

static void every_type_of_value(void **state)
{
	struct loaded l;
	unsigned int line;

	load(&l, "# comment\n\n[record]\noutput = /var/lib/k f\ncooldown=5s\ncount : 3\r\n  ; comment\nonly = yes\n");
	assert_string_equal(l.output, "/var/lib/k f");
	assert_int_equal(l.cooldown_ns, 5000000000);
	assert_int_equal(l.count, 3);
	assert_true(l.only);
	assert_string_equal(kf_config_path(l.config), path);
	assert_int_equal(kf_config_origin(l.config, "cooldown", &line), KF_FROM_FILE);
	assert_int_equal(line, 5);
	end(&l);
}

static void lists_repeat_or_go_on(void **state)
{
	static const char *const want[] = { "runq>1ms", "futex>2ms", "block>3s", "syscall:read>4s" };
	struct loaded l;

	load(&l, "[record]\ntrigger = runq>1ms\n\tfutex>2ms\n\n  block>3s\ntrigger = syscall:read>4s\n");
	assert_int_equal(l.triggers.n, 4);
	for (int i = 0; i < 4; i++)
		assert_string_equal(l.triggers.items[i], want[i]);
	end(&l);
}

static void a_string_goes_on_with_a_blank(void **state)
{
	struct loaded l;

	load(&l, "[record]\noutput = /a\n  b\n  c\ncooldown = 1s\n");
	assert_string_equal(l.output, "/a b c");
	end(&l);
}

static void sections_of_triggers(void **state)
{
	const struct kf_config_trigger *triggers;
	struct loaded l;
	size_t n;

	load(&l, "[trigger a.1]\nwhen = runq>5ms{comm=nginx*}\n[record]\ntrigger = block>1s\n[trigger b]\n"
		 "when = futex>1ms\n  or block>2s\n  {pid=3}\n");
	triggers = kf_config_triggers(l.config, &n);
	assert_int_equal(n, 2);
	assert_string_equal(triggers[0].name, "a.1");
	assert_string_equal(triggers[0].text, "runq>5ms{comm=nginx*}");
	assert_string_equal(triggers[1].name, "b");
	assert_string_equal(triggers[1].text, "futex>1ms or block>2s {pid=3}");
	assert_int_equal(kf_config_trigger_line(l.config, "b"), 5);
	assert_int_equal(l.triggers.n, 1);
	end(&l);
}

static const char levels_file[] = "[record]\noutput = /file\ncooldown = 1s\nmin-free = 1%\ntrigger = runq>1s\n"
				  "trigger = runq>2s\n[trigger x]\nwhen = block>1s\n";

static void the_command_line_wins_over_environment_over_file(void **state)
{
	const char *const args[] = { "--output", "/line", NULL };
	const char *const environment[] = { "KFLIGHT_OUTPUT=/env", "KFLIGHT_COOLDOWN=2s", "HOME=/", NULL };
	struct loaded l;

	init(&l);
	load_with(&l, levels_file, args, environment);
	assert_int_equal(l.result, 0);
	assert_string_equal(l.output, "/line");
	assert_int_equal(l.cooldown_ns, 2000000000);
	assert_string_equal(l.min_free, "1%");
	assert_int_equal(kf_config_origin(l.config, "output", NULL), KF_FROM_COMMAND_LINE);
	assert_int_equal(kf_config_origin(l.config, "cooldown", NULL), KF_FROM_ENVIRONMENT);
	assert_int_equal(kf_config_origin(l.config, "min-free", NULL), KF_FROM_FILE);
	end(&l);
}

static void a_list_of_a_higher_level_takes_the_place(void **state)
{
	const char *const args[] = { "--trigger", "futex>9s", NULL };
	const char *const environment[] = { "KFLIGHT_TRIGGER=futex>1s\n  futex>2s\n", "KFLIGHT_MIN_FREE=", NULL };
	struct loaded l;
	size_t n;

	init(&l);
	load_with(&l, levels_file, NULL, environment);
	assert_int_equal(l.result, 0);
	assert_int_equal(l.triggers.n, 2);
	assert_string_equal(l.triggers.items[0], "futex>1s");
	kf_config_triggers(l.config, &n);
	assert_int_equal(n, 0);
	assert_string_equal(l.min_free, "1%"); /* an empty variable is none */
	end(&l);

	init(&l);
	load_with(&l, levels_file, args, environment);
	assert_int_equal(l.triggers.n, 1);
	assert_string_equal(l.triggers.items[0], "futex>9s");
	end(&l);
}

static void the_environment_can_name_the_file(void **state)
{
	char variable[96];
	const char *const environment[] = { variable, NULL };
	struct loaded l;

	snprintf(variable, sizeof(variable), "KFLIGHT_CONFIG=%s", path);
	write_bytes("[record]\noutput = /there\n", 25);
	init(&l);
	load_with(&l, NULL, NULL, environment);
	assert_int_equal(l.result, 0);
	assert_string_equal(l.output, "/there");
	end(&l);
}

static void foreign_variables_are_ignored_misspelt_ones_not(void **state)
{
	const char *const foreign[] = { "KFLIGHT_PORT_80_TCP=tcp://10.0.0.1:80", "KFLIGHT_SERVICE_HOST=10.0.0.1",
					"KFLIGHT=/bin/kflight", "NONSENSE", NULL };
	const char *const misspelt[] = { "KFLIGHT_TRIGER=runq>1ms", NULL };
	struct loaded l;

	init(&l);
	load_with(&l, NULL, NULL, foreign);
	assert_int_equal(l.result, 0);
	end(&l);
	init(&l);
	load_with(&l, NULL, NULL, misspelt);
	assert_int_equal(l.result, -1);
	assert_string_equal(l.e.message, "KFLIGHT_TRIGER: no such option: did you mean that of '--trigger'?");
	end(&l);
}

static void later_errors_name_the_place(void **state)
{
	const char *const environment[] = { "KFLIGHT_MIN_FREE=much", NULL };
	struct loaded l;
	char want[160];
	size_t n;

	init(&l);
	load_with(&l, levels_file, NULL, environment);
	assert_int_equal(l.result, 0);
	kf_fail(&l.e, KF_USAGE, NULL, "bad");
	assert_int_equal(kf_config_blame(l.config, l.triggers.items[1], &l.e), -1);
	snprintf(want, sizeof(want), "'%s', line 6: bad", path);
	assert_string_equal(l.e.message, want);
	kf_fail(&l.e, KF_USAGE, NULL, "bad");
	kf_config_blame(l.config, l.min_free, &l.e);
	assert_string_equal(l.e.message, "KFLIGHT_MIN_FREE: bad");
	kf_fail(&l.e, KF_USAGE, NULL, "bad");
	kf_config_blame(l.config, kf_config_triggers(l.config, &n)[0].text, &l.e);
	snprintf(want, sizeof(want), "'%s', line 8: bad", path);
	assert_string_equal(l.e.message, want);
	kf_fail(&l.e, KF_USAGE, NULL, "bad");
	kf_config_blame(l.config, "of the command line", &l.e);
	assert_string_equal(l.e.message, "bad");
	end(&l);
}

static void expect_refused(const char *text, size_t len, unsigned int line, const char *why, const char *hint)
{
	struct loaded l;
	char want[256];

	init(&l);
	write_bytes(text, len);
	l.config_path = path;
	l.given[CONFIG] = true;
	l.result = kf_config_load(&l.config, l.rows, l.given, NULL, &l.e);
	snprintf(want, sizeof(want), "'%s', line %u: %s", path, line, why);
	assert_int_equal(l.result, -1);
	assert_string_equal(l.e.message, want);
	if (hint)
		assert_string_equal(l.e.hint, hint);
	assert_int_equal(l.e.status, KF_USAGE);
	end(&l);
}

#define REFUSED(text, line, why) expect_refused(text, sizeof(text) - 1, line, why, NULL)

static void what_is_unknown_is_refused(void **state)
{
	REFUSED("[record]\noutptu = /x\n", 2, "unknown key 'outptu': did you mean 'output'?");
	REFUSED("[record]\nzzz = /x\n", 2, "unknown key 'zzz'");
	REFUSED("[trigger]\nwhen = runq>1ms\n", 1, "a trigger without a name");
	REFUSED("[recrod]\n", 1, "unknown section 'recrod': did you mean 'record'?");
	REFUSED("\n[\xc2\x9b x]\n", 2, "unknown section '\\xc2\\x9b x'");
	REFUSED("[trigger x]\nwhn = a\n", 2, "unknown key 'whn': did you mean 'when'?");
	REFUSED("output = /x\n", 1, "a key before the first section");
	REFUSED("[record]\nconfig = /x\n", 2, "a config file cannot name another one");
}

static void what_is_there_twice_is_refused(void **state)
{
	REFUSED("[record]\noutput = /x\ncount = 1\noutput = /y\n", 4, "'output' is there already, in line 2");
	REFUSED("[record]\n[record]\n", 2, "a second [record]");
	REFUSED("[trigger x]\nwhen = a\n[trigger x]\n", 3, "trigger 'x' is there already, in line 1");
	REFUSED("[trigger x]\nwhen = a\nwhen = b\n", 3, "'when' is there already, in line 2");
}

static void what_is_missing_is_named(void **state)
{
	REFUSED("[trigger x]\n[record]\n", 2, "trigger 'x' of line 1 has no 'when'");
	REFUSED("[record]\n[trigger x]\n", 2, "trigger 'x' of line 2 has no 'when'");
	REFUSED("[record]\noutput =\n", 2, "'output' has no value");
	REFUSED("[record]\noutput\n", 2, "there is no '='");
	REFUSED("[record\n", 1, "a section without ']'");
	REFUSED("[trigger ]\n", 1, "a trigger's name has 1 to 31 bytes");
	REFUSED("[trigger a/b]\n", 1, "bad trigger name 'a/b'");
	REFUSED("[trigger 12345678901234567890123456789012]\n", 1, "a trigger's name has 1 to 31 bytes");
	REFUSED("[trigger 12345678901234567890123456789012345678901234567890]\n", 1,
		"the section's name is longer than 48 bytes");
}

static void bad_values_are_named(void **state)
{
	expect_refused("[record]\ncooldown = 5\n", 22, 2, "cooldown: bad duration '5': the unit is missing",
		       "give a unit: ns, us, ms, s, m or h, as in 5ms");
	expect_refused("[record]\ncount = 0\n", 19, 2, "count: '0' is nothing: it takes at least 1", NULL);
	expect_refused("[record]\nonly = maybe\n", 22, 2, "only: 'maybe' is neither yes nor no", "give yes or no");
}

/* What inih would read as something else. */
static void what_inih_takes_in_silence_is_refused(void **state)
{
	REFUSED("[record]\nmin-free = 1% ; little\n", 2, "column 15: ';' behind a blank would begin a comment");
	REFUSED("[record]\nmin-free = 1%\t# little\n", 2, "column 15: '#' behind a blank would begin a comment");
	REFUSED("[record] output = /x\n", 1, "text behind the section's ']'");
	REFUSED("[record]\ntrigger = a\n  [trigger x]\n", 3,
		"an indented line goes on with the one before, a section cannot");
	REFUSED("[record]\noutput = /x\n  cooldown = 5s\n", 3,
		"the key 'cooldown' is indented: it would go on with the key above");
	REFUSED("[trigger x]\nwhen = a\n  when=b\n", 3,
		"the key 'when' is indented: it would go on with the key above");
	REFUSED("[record]\noutput = /\0x\n", 2, "byte 11 is a control character (0x00)");
	REFUSED("[record]\noutput = /\033[m\n", 2, "byte 11 is a control character (0x1b)");
}

static void an_indented_first_key_is_a_key(void **state)
{
	struct loaded l;

	load(&l, "[record]\n  output = /x\n");
	assert_string_equal(l.output, "/x");
	end(&l);
}

/* inih's own limit is that of its build: it is refused where it is, and what is refused can be written in two lines. */
static void long_lines_are_refused(void **state)
{
	char text[4096] = "[record]\noutput = ";
	struct loaded l;

	memset(text + strlen(text), 'x', 2000);
	init(&l);
	load_with(&l, text, NULL, NULL);
	assert_int_equal(l.result, -1);
	assert_non_null(strstr(l.e.message, "line 2: 2009 bytes, a line holds "));
	assert_string_equal(l.e.hint, "go on in a further line that begins with a blank");
	end(&l);
}

static void files_of_others_are_refused(void **state)
{
	struct loaded l;

	write_bytes("[record]\n", 9);
	chmod(path, 0664);
	init(&l);
	l.config_path = path;
	l.given[CONFIG] = true;
	assert_int_equal(kf_config_load(&l.config, l.rows, l.given, NULL, &l.e), -1);
	assert_non_null(strstr(l.e.message, "can be written by others (mode 0664)"));
	chmod(path, 0602);
	assert_int_equal(kf_config_load(&l.config, l.rows, l.given, NULL, &l.e), -1);
	assert_non_null(strstr(l.e.message, "can be written by others (mode 0602)"));
	if (geteuid() == 0) {
		chmod(path, 0600);
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		assert_int_equal(kf_config_load(&l.config, l.rows, l.given, NULL, &l.e), -1);
		assert_non_null(strstr(l.e.message, "belongs to uid 12345"));
		setenv("SUDO_UID", "12345", 1);
		assert_int_equal(kf_config_load(&l.config, l.rows, l.given, NULL, &l.e), 0);
		kf_config_free(&l.config);
		unsetenv("SUDO_UID");
	}
	unlink(path);
	assert_int_equal(kf_config_load(&l.config, l.rows, l.given, NULL, &l.e), -1);
	assert_non_null(strstr(l.e.message, "cannot read config"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(kf_config_load(&l.config, l.rows, l.given, NULL, &l.e), -1);
	assert_non_null(strstr(l.e.message, "is no regular file"));
	unlink(path);
	end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_anything_nothing_changes),
		cmocka_unit_test(every_type_of_value),
		cmocka_unit_test(lists_repeat_or_go_on),
		cmocka_unit_test(a_string_goes_on_with_a_blank),
		cmocka_unit_test(sections_of_triggers),
		cmocka_unit_test(the_command_line_wins_over_environment_over_file),
		cmocka_unit_test(a_list_of_a_higher_level_takes_the_place),
		cmocka_unit_test(the_environment_can_name_the_file),
		cmocka_unit_test(foreign_variables_are_ignored_misspelt_ones_not),
		cmocka_unit_test(later_errors_name_the_place),
		cmocka_unit_test(what_is_unknown_is_refused),
		cmocka_unit_test(what_is_there_twice_is_refused),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(bad_values_are_named),
		cmocka_unit_test(what_inih_takes_in_silence_is_refused),
		cmocka_unit_test(an_indented_first_key_is_a_key),
		cmocka_unit_test(long_lines_are_refused),
		cmocka_unit_test(files_of_others_are_refused),
	};

	return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
