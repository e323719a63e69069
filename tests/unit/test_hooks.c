/* SPDX-License-Identifier: BSD-2-Clause */
/* The hook runner with real programs. Conversions run "this program": main() below plays it, as the snapshot's content says. */
#include "daemon/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/now.h"
#include "daemon/events.h"

#define S 1000000000ULL

static char folder[] = "/tmp/kflight-hooks-XXXXXX";

struct test {
	struct kf_hooks *hooks;
	struct kf_events *events;
	struct kf_timer *timer;
	char done[2048]; /* names, a blank behind each */
};

static void on_done(void *test, const char *name)
{
	struct test *t = test;

	snprintf(t->done + strlen(t->done), sizeof(t->done) - strlen(t->done), "%s ", name);
}

static void tick(void *test)
{
	(void)test;
}

static void begin(struct test *t, struct kf_hooks_options opts)
{
	struct kf_error e;

	*t = (struct test){ 0 };
	opts.group = (gid_t)-1;
	if (kf_hooks_new(&t->hooks, &opts, &e) || kf_events_new(&t->events, &e) ||
	    kf_hooks_watch(t->hooks, t->events, on_done, t, &e) || kf_events_timer(t->events, tick, t, &t->timer, &e))
		fail_msg("%s", e.message);
	kf_timer_set(t->timer, 1, 20000000);
}

static void end(struct test *t)
{
	kf_events_free(&t->events);
	kf_hooks_free(&t->hooks);
}

static void wait_idle(struct test *t)
{
	uint64_t deadline_ns = kf_now_ns() + 60 * S;
	struct kf_error e;

	while (!kf_hooks_is_idle(t->hooks)) {
		if (kf_now_ns() > deadline_ns)
			fail_msg("not idle after 60 s; done: %s", t->done);
		assert_int_equal(kf_events_step(t->events, &e), 0);
	}
}

static const char *in_folder(const char *name)
{
	static char path[4][256];
	static int n;
	char *to = path[n++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", folder, name);
	return to;
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Static; "" if there is none. */
static const char *get(const char *name)
{
	static char text[8192];
	int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}

static bool submit(struct test *t, const char *name)
{
	char path[256];
	struct kf_hook_job job = { .path = path, .name = name };

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return kf_hooks_submit(t->hooks, &job);
}

static struct kf_hooks_counts counts(const struct test *t)
{
	struct kf_hooks_counts c;

	kf_hooks_counts(t->hooks, &c);
	return c;
}

static const char *script(const char *name, const char *body)
{
	static char text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);
	put(name, text, 0700);
	return in_folder(name);
}

static bool is_gone(int pid)
{
	for (int i = 0; i < 500; i++) {
		char path[64], stat[256] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return true;
		if (read(fd, stat, sizeof(stat) - 1) > 0 && strstr(stat, ") Z"))
			stat[0] = 0;
		close(fd);
		if (!stat[0])
			return true;
		usleep(10000);
	}
	return false;
}

static void nothing_asked_is_no_process(void **state)
{
	struct kf_hooks *h = NULL;
	struct kf_hook_job job = { .path = "/x", .name = "x" };
	struct kf_error e;
	struct kf_hooks_counts c;

	assert_int_equal(kf_hooks_new(&h, &(struct kf_hooks_options){ 0 }, &e), 0);
	assert_null(h);
	assert_false(kf_hooks_submit(h, &job));
	assert_true(kf_hooks_is_idle(h));
	kf_hooks_counts(h, &c);
	assert_int_equal(c.submitted, 0);
	kf_hooks_free(&h);
}

static void refuses(struct kf_hooks_options opts, const char *want)
{
	struct kf_hooks *h = NULL;
	struct kf_error e;

	assert_int_equal(kf_hooks_new(&h, &opts, &e), -1);
	assert_null(h);
	if (!strstr(e.message, want))
		fail_msg("'%s' does not say '%s'", e.message, want);
}

static void bad_options_are_told_at_once(void **state)
{
	refuses((struct kf_hooks_options){ .exec = "ship | x" }, "column 6: | is for a shell");
	refuses((struct kf_hooks_options){ .exec = "no-such-program-anywhere {}" }, "no such program in PATH");
	refuses((struct kf_hooks_options){ .exec = "/no/such {}" }, "cannot run '/no/such': No such file");
	refuses((struct kf_hooks_options){ .convert = "go,elf" }, "unknown 'elf'");
	refuses((struct kf_hooks_options){ .convert = "go,go" }, "twice 'go'");
	refuses((struct kf_hooks_options){ .convert = "" }, "unknown ''");
}

static void the_command_gets_path_and_environment(void **state)
{
	char exec[300];
	struct test t;
	struct kf_hook_job job = { .path = in_folder("a b.kfl"),
				   .name = "a b.kfl",
				   .reason = "slow\nrequest \x1b[31m",
				   .trigger = "runq-5ms",
				   .trigger_text = "runq>5ms{comm=nginx*}",
				   .pid = 2144,
				   .comm = "nginx",
				   .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
				   .span_id = "",
				   .host = "web-1" };
	char folder_line[300];

	setenv("SECRET_OF_THE_RECORDER", "x", 1);
	setenv("AWS_REGION", "eu-1", 1);
	setenv("KFLIGHT_TRIGGER", "runq>1ms", 1); /* a setting of the recorder */
	snprintf(exec, sizeof(exec), "%s {} --to='x y'/{}",
		 script("env.sh", "cd \"${0%/*}\"; env >env.out; printf '%s|' \"$@\" >args.out; id -u >>args.out"));
	begin(&t, (struct kf_hooks_options){ .exec = exec });
	assert_true(kf_hooks_submit(t.hooks, &job));
	wait_idle(&t);
	assert_string_equal(t.done, "a b.kfl ");
	assert_int_equal(counts(&t).exec_ok, 1);
	snprintf(folder_line, sizeof(folder_line), "%s/a b.kfl|--to=x y/%s/a b.kfl|%d\n", folder, folder, getuid());
	assert_string_equal(get("args.out"), folder_line);
	snprintf(folder_line, sizeof(folder_line), "KFLIGHT_PATH=%s/a b.kfl\n", folder);
	const char *wanted[] = { folder_line,
				 "KFLIGHT_NAME=a b.kfl\n",
				 "KFLIGHT_REASON=slow\\x0arequest \\x1b[31m\n",
				 "KFLIGHT_TRIGGER=runq-5ms\n",
				 "KFLIGHT_TRIGGER_TEXT=runq>5ms{comm=nginx*}\n",
				 "KFLIGHT_PID=2144\n",
				 "KFLIGHT_COMM=nginx\n",
				 "KFLIGHT_TRACE_ID=4bf92f3577b34da6a3ce929d0e0e4736\n",
				 "KFLIGHT_HOST=web-1\n",
				 "AWS_REGION=eu-1\n",
				 "PATH=" };
	const char *env = get("env.out");

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(env, wanted[i]))
			fail_msg("'%s' is not in: %s", wanted[i], env);
	assert_null(strstr(env, "SECRET"));
	assert_null(strstr(env, "KFLIGHT_SPAN_ID"));
	end(&t);
	unsetenv("KFLIGHT_TRIGGER");
}

/* No capability, no way to one, no descriptor of the recorder, nothing to read from. */
static void the_command_has_no_rights(void **state)
{
	int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
	const char *status;
	struct test t;

	begin(&t, (struct kf_hooks_options){ .exec = script("rights.sh",
							    "cd \"${0%/*}\"; cat /proc/self/status >rights.out; "
							    "ls /proc/self/fd | tr '\\n' ' ' >fds.out; "
							    "readlink /proc/self/fd/0 >>fds.out; umask >>fds.out") });
	assert_true(submit(&t, "x.kfl"));
	wait_idle(&t);
	status = get("rights.out");
	assert_non_null(strstr(status, "CapEff:\t0000000000000000"));
	assert_non_null(strstr(status, "CapPrm:\t0000000000000000"));
	assert_non_null(strstr(status, "NoNewPrivs:\t1"));
	assert_non_null(strstr(status, "SigBlk:\t0000000000000000"));
	assert_string_equal(get("fds.out"), "0 1 2 3 /dev/null\n0077\n"); /* 3: of ls itself */
	end(&t);
	close(leak);
}

static void failures_are_counted_and_the_next_one_runs(void **state)
{
	struct test t;
	struct kf_hooks_counts c;

	begin(&t, (struct kf_hooks_options){
			  .exec = script("fails.sh", "case $KFLIGHT_NAME in a*) exit 3;; b*) kill -SEGV $$;; esac") });
	assert_true(submit(&t, "a.kfl"));
	assert_true(submit(&t, "b.kfl"));
	assert_true(submit(&t, "c.kfl"));
	assert_false(kf_hooks_is_idle(t.hooks));
	wait_idle(&t);
	c = counts(&t);
	assert_int_equal(c.submitted, 3);
	assert_int_equal(c.done, 3);
	assert_int_equal(c.exec_failed, 2);
	assert_int_equal(c.exec_ok, 1);
	assert_int_equal(c.exec_timed_out, 0);
	assert_int_equal(c.waiting, 0);
	assert_string_equal(t.done, "a.kfl b.kfl c.kfl ");
	end(&t);
}

static void a_program_that_vanished(void **state)
{
	struct test t;

	begin(&t, (struct kf_hooks_options){ .exec = script("gone.sh", "exit 0") });
	unlink(in_folder("gone.sh"));
	assert_true(submit(&t, "a.kfl"));
	wait_idle(&t);
	assert_int_equal(counts(&t).exec_failed, 1);
	end(&t);
}

/* It and what it started, which ignores SIGTERM. */
static void what_hangs_is_ended(void **state)
{
	struct test t;

	begin(&t, (struct kf_hooks_options){ .exec = script("hang.sh", "cd \"${0%/*}\"; trap '' TERM; sleep 1000 & "
								       "echo $! >hang.pid; sleep 1000"),
					     .exec_timeout_ns = S });
	assert_true(submit(&t, "a.kfl"));
	wait_idle(&t);
	assert_int_equal(counts(&t).exec_timed_out, 1);
	assert_int_equal(counts(&t).exec_failed, 1);
	assert_true(is_gone(atoi(get("hang.pid"))));
	end(&t);
}

/* Its leader is done: what it left in the background is not waited for, and does not stay. */
static void what_stays_behind_is_ended(void **state)
{
	uint64_t began_ns = kf_now_ns();
	struct test t;

	begin(&t, (struct kf_hooks_options){
			  .exec = script("stays.sh", "cd \"${0%/*}\"; sleep 1000 & echo $! >stays.pid") });
	assert_true(submit(&t, "a.kfl"));
	wait_idle(&t);
	assert_int_equal(counts(&t).exec_ok, 1);
	assert_true(is_gone(atoi(get("stays.pid"))));
	assert_true(kf_now_ns() - began_ns < 30 * S);
	end(&t);
}

static void a_flood_of_messages(void **state)
{
	int saved = dup(STDERR_FILENO), fd = open(in_folder("flood.err"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct test t;
	char text[65536];
	size_t lines = 0;
	ssize_t n;

	begin(&t, (struct kf_hooks_options){
			  .exec = script("flood.sh", "printf 'first \\033[31m\\n'; yes 0123456789 | head -100000 >&2; "
						     "head -c 100000 /dev/zero") });
	dup2(fd, STDERR_FILENO);
	submit(&t, "a.kfl");
	wait_idle(&t);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(counts(&t).exec_ok, 1);
	n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = 0;
	close(fd);
	for (char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_non_null(strstr(text, "flood.sh: first \\x1b[31m\n"));
	if (lines > 101)
		fail_msg("%zu lines", lines);
	assert_null(memchr(text, 0, (size_t)n));
	end(&t);
}

static void what_is_too_much_is_left_out(void **state)
{
	struct test t;
	int taken = 0;

	begin(&t, (struct kf_hooks_options){
			  .exec = script("slow.sh", "cd \"${0%/*}\"; until [ -e go ]; do sleep 0.01; done") });
	for (int i = 0; i < KF_HOOKS_QUEUE + 10; i++)
		taken += submit(&t, "a.kfl");
	assert_int_equal(taken, KF_HOOKS_QUEUE + 1); /* one runs */
	assert_int_equal(counts(&t).overflowed, 9);
	assert_int_equal(counts(&t).waiting, KF_HOOKS_QUEUE + 1);
	put("go", "", 0600);
	wait_idle(&t);
	assert_int_equal(counts(&t).exec_ok, KF_HOOKS_QUEUE + 1);
	assert_true(submit(&t, "b.kfl"));
	wait_idle(&t);
	end(&t);
}

/* Texts from strangers that would not fit are no reason to send half a job. */
static void an_absurd_job(void **state)
{
	static char path[32000], reason[9000];
	struct test t;
	struct kf_hook_job job = { .path = path, .name = "x" };

	memset(path, 'p', sizeof(path) - 1);
	memset(reason, 1, sizeof(reason) - 1);
	begin(&t, (struct kf_hooks_options){ .exec = "true {}" });
	assert_false(kf_hooks_submit(t.hooks, &job));
	job.path = "/x";
	job.reason = reason;
	assert_true(kf_hooks_submit(t.hooks, &job));
	wait_idle(&t);
	assert_int_equal(counts(&t).exec_ok, 1);
	end(&t);
}

static void without_the_runner_nothing_hangs(void **state)
{
	struct test t;
	int hook;

	begin(&t,
	      (struct kf_hooks_options){ .exec = script("long.sh", "cd \"${0%/*}\"; sleep 1000 & echo $! >long.child; "
								   "echo $$ >long.tmp; mv long.tmp long.pid; wait") });
	assert_true(submit(&t, "a.kfl"));
	assert_true(submit(&t, "b.kfl"));
	for (int i = 0; i < 1000 && !*get("long.pid"); i++)
		usleep(10000);
	hook = atoi(get("long.pid"));
	assert_true(hook > 0);
	kill(counts(&t).runner, SIGKILL);
	wait_idle(&t);
	assert_string_equal(t.done, "a.kfl b.kfl ");
	assert_int_equal(counts(&t).exec_failed, 2);
	assert_int_equal(counts(&t).runner, 0);
	assert_false(submit(&t, "c.kfl"));
	assert_int_equal(counts(&t).overflowed, 1);
	assert_true(is_gone(hook));
	assert_true(is_gone(atoi(get("long.child"))));
	end(&t);
}

/* As when the recorder is killed: its end of the socket is closed. */
static void ending_ends_what_runs(void **state)
{
	uint64_t began_ns = kf_now_ns();
	struct test t;
	int hook, runner;

	unlink(in_folder("long.pid"));
	begin(&t, (struct kf_hooks_options){ .exec = script("long.sh", "cd \"${0%/*}\"; echo $$ >long.pid.tmp; "
								       "mv long.pid.tmp long.pid; sleep 1000") });
	assert_true(submit(&t, "a.kfl"));
	for (int i = 0; i < 1000 && !*get("long.pid"); i++)
		usleep(10000);
	hook = atoi(get("long.pid"));
	runner = counts(&t).runner;
	end(&t);
	assert_true(is_gone(hook));
	assert_true(is_gone(runner));
	assert_true(kf_now_ns() - began_ns < 30 * S);
	assert_string_equal(t.done, "");
}

static void converts_beside_the_snapshot(void **state)
{
	struct stat st;
	struct test t;

	put("good.kfl", "good", 0600);
	begin(&t, (struct kf_hooks_options){
			  .convert = "html,go,perfetto",
			  .convert_bytes = UINT64_MAX,
			  .exec = script("conv.sh", "cd \"${0%/*}\"; echo \"$KFLIGHT_GO $KFLIGHT_HTML\" >conv.out; "
						    "ls good.*") });
	assert_true(submit(&t, "good.kfl"));
	wait_idle(&t);
	assert_int_equal(counts(&t).converted, 3);
	assert_int_equal(counts(&t).exec_ok, 1);
	assert_string_equal(get("good.trace"), "export -f go -o - good.kfl");
	assert_string_equal(get("good.html"), "report --html - good.kfl");
	assert_string_equal(get("good.pftrace"), "export -f perfetto -o - good.kfl");
	assert_non_null(strstr(get("conv.out"), "good.trace "));
	assert_non_null(strstr(get("conv.out"), "good.html\n"));
	assert_int_equal(stat(in_folder("good.html"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* Again: what is there is not replaced. */
	put("good.trace", "mine", 0600);
	assert_true(submit(&t, "good.kfl"));
	wait_idle(&t);
	assert_int_equal(counts(&t).convert_failed, 3);
	assert_string_equal(get("good.trace"), "mine");
	end(&t);
}

static void nothing_half_converted_stays(void **state)
{
	static const char *const bad[] = { "crash", "fail", "hang", "eat" };
	struct kf_hooks_options opts = { .convert = "go", .convert_timeout_ns = S, .convert_bytes = UINT64_MAX };
	char name[64], ls[512];
	struct test t;

	begin(&t, opts);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s.kfl", bad[i]);
		put(name, bad[i], 0600);
		assert_true(submit(&t, name));
	}
	wait_idle(&t);
	assert_int_equal(counts(&t).convert_failed, 3);
	symlink("good.kfl", in_folder("link.kfl"));
	assert_true(submit(&t, "link.kfl"));
	assert_true(submit(&t, "missing.kfl"));
	wait_idle(&t);
	assert_int_equal(counts(&t).convert_failed, 5);
	end(&t);
#if !defined(__SANITIZE_ADDRESS__)
	opts.convert_bytes = 100 << 20;
	put("eat.kfl", "eat", 0600);
	begin(&t, opts);
	assert_true(submit(&t, "eat.kfl"));
	wait_idle(&t);
	assert_int_equal(counts(&t).convert_failed, 1);
	end(&t);
#endif
	snprintf(ls, sizeof(ls),
		 "ls -A %s | grep -cE '^.kflight-tmp|^(crash|fail|hang|eat|link|missing).trace' >%s/left", folder,
		 folder);
	(void)!system(ls);
	assert_string_equal(get("left"), "0\n");
}

static int remove_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) ? -1 : 0;
}

/* What the runner starts as kflight: argv is "export -f go -o - FILE" or the like. */
static int convert(int argc, char **argv)
{
	char *file = strrchr(argv[argc - 1], '/') + 1;
	char what[16] = "";
	int fd = open(argv[argc - 1], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, what, sizeof(what) - 1) < 0)
		return 2;
	argv[argc - 1] = file;
	for (int i = 1; i < argc; i++)
		printf("%s%s", i > 1 ? " " : "", argv[i]);
	fflush(stdout);
	if (!strcmp(what, "crash"))
		raise(SIGKILL);
	if (!strcmp(what, "hang"))
		pause();
	if (!strcmp(what, "eat"))
		return mmap(NULL, 200 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 2 : 0;
	return strcmp(what, "good") ? 2 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_is_no_process),
		cmocka_unit_test(bad_options_are_told_at_once),
		cmocka_unit_test(the_command_gets_path_and_environment),
		cmocka_unit_test(the_command_has_no_rights),
		cmocka_unit_test(failures_are_counted_and_the_next_one_runs),
		cmocka_unit_test(a_program_that_vanished),
		cmocka_unit_test(what_hangs_is_ended),
		cmocka_unit_test(what_stays_behind_is_ended),
		cmocka_unit_test(a_flood_of_messages),
		cmocka_unit_test(what_is_too_much_is_left_out),
		cmocka_unit_test(an_absurd_job),
		cmocka_unit_test(without_the_runner_nothing_hangs),
		cmocka_unit_test(ending_ends_what_runs),
		cmocka_unit_test(converts_beside_the_snapshot),
		cmocka_unit_test(nothing_half_converted_stays),
	};

	if (argc > 1)
		return convert(argc, argv);
	if (!mkdtemp(folder))
		return 1;
	return cmocka_run_group_tests(tests, NULL, remove_folder);
}
