/* SPDX-License-Identifier: BSD-2-Clause */
/* Each test gives up its rights in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/opener.h"
#include "daemon/rights.h"

#ifdef __SANITIZE_ADDRESS__
#define FILTERED 0
#else
#define FILTERED 1
#endif

/* ---- children ---- */

static const struct kf_rights_options all_elsewhere = { .output_fd = -1, .has_opener = 1 };

/* Runs `what` without rights; returns what it returns, or -SIGNAL. Its own failures are above 100. */
static int without_rights(int (*what)(void), const struct kf_rights_options *opts)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct kf_error e = { 0 };

		if (kf_rights_drop(opts, &e)) {
			fprintf(stderr, "%s\n", e.message);
			_exit(101);
		}
		_exit(what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void refused(const char *name, int (*what)(void), int want)
{
	int got = without_rights(what, &all_elsewhere);

	if (got != want)
		fail_msg("%s: wanted %d (%s), got %d (%s)", name, want, want < 0 ? strsignal(-want) : strerror(want),
			 got, got < 0 ? strsignal(-got) : strerror(got));
}

/* The line of /proc/self/status that begins so, as a hexadecimal number. */
static uint64_t status_line(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t value = UINT64_MAX;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			value = strtoull(line + strlen(name), NULL, 16);
	if (f)
		fclose(f);
	return value;
}

static bool may_do_all(void)
{
	return !geteuid() && status_line("CapEff:") & 1ULL << 23 && status_line("CapEff:") & 1ULL << 8;
}

/* ---- what is left ---- */

#define SYS_NICE (1ULL << 23)

static int only_nice_is_left(void)
{
	struct rlimit core;
	char text[256];

	if (status_line("CapEff:") != SYS_NICE || status_line("CapPrm:") != SYS_NICE || status_line("CapInh:") ||
	    status_line("CapBnd:") || status_line("CapAmb:"))
		return 1;
	if (status_line("NoNewPrivs:") != 1 || (FILTERED && status_line("Seccomp:") != 2))
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max || prctl(PR_GET_DUMPABLE) || umask(0) != 077)
		return 3;
	if (strcmp(kf_rights_text(text, sizeof(text)), "cap_sys_nice") != 0)
		return 4;
	return setpriority(PRIO_PROCESS, 0, -20) ? 5 : 0;
}

static void exactly_the_list_is_left(void **state)
{
	if (!may_do_all())
		skip();
	refused("the list", only_nice_is_left, 0);
}

static int opener_rights_are_left(void)
{
	return status_line("CapEff:") == (SYS_NICE | 1ULL << 21 | 1ULL << 19 | 1ULL << 2) ? 0 : 1;
}

static int override_is_left(void)
{
	return status_line("CapEff:") == (SYS_NICE | 1ULL << 1) ? 0 : 1;
}

static void more_is_left_where_it_is_needed(void **state)
{
	struct kf_rights_options opts = { .output_fd = -1 };
	char folder[] = "/tmp/kflight-test-XXXXXX";

	if (!may_do_all())
		skip();
	assert_int_equal(without_rights(opener_rights_are_left, &opts), 0);
	assert_non_null(mkdtemp(folder));
	opts = (struct kf_rights_options){ .output_fd = open(folder, O_RDONLY | O_DIRECTORY), .has_opener = 1 };
	assert_true(opts.output_fd >= 0);
	assert_int_equal(without_rights(only_nice_is_left, &opts), 0);
	assert_int_equal(chown(folder, 65534, 65534), 0);
	assert_int_equal(without_rights(override_is_left, &opts), 0);
	close(opts.output_fd);
	rmdir(folder);
}

static int without_any(void)
{
	return status_line("NoNewPrivs:") == 1 && !status_line("CapEff:") && (!FILTERED || status_line("Seccomp:") == 2)
		       ? 0
		       : 1;
}

/* Somebody with no right to give up must not need one for that. */
static int as_nobody(void)
{
	struct kf_error e = { 0 };

	if (setgid(65534) || setuid(65534))
		return 102;
	if (kf_rights_drop(&all_elsewhere, &e)) {
		fprintf(stderr, "%s\n", e.message);
		return 103;
	}
	return without_any();
}

static void it_takes_no_rights(void **state)
{
	int status;
	pid_t pid;

	if (geteuid())
		skip();
	pid = fork();
	if (!pid)
		_exit(as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the filter ---- */

static int run_true(void)
{
	execl("/bin/true", "true", NULL);
	return errno;
}

static int trace(void)
{
	return syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0) ? errno : 0;
}

static int load_program(void)
{
	union bpf_attr attr = { 0 };

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 ? errno : 0;
}

static int become_other(void)
{
	return setuid(65534) ? errno : 0;
}

static int begin_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int send_kill(void)
{
	return kill(getppid(), 0) ? errno : 0;
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? 104 : mprotect(page, 4096, PROT_READ | PROT_EXEC) ? errno : 0;
}

static int open_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

/* Sending to an address needs no connect(); that reaches datagram sockets only, as the journal's. */
static int connect_locally(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/nonexistent" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return 104;
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
}

static int type_into_terminal(void)
{
	return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x") < 0 ? errno : 0;
}

static int call_unheard_of(void)
{
	return syscall(4711) < 0 ? errno : 0;
}

static void what_no_recorder_does_ends_it(void **state)
{
	if (!FILTERED)
		skip();
	refused("exec", run_true, -SIGSYS);
	refused("ptrace", trace, -SIGSYS);
	refused("loading a program", load_program, -SIGSYS);
	refused("setuid", become_other, -SIGSYS);
}

static void what_is_not_listed_is_not_there(void **state)
{
	if (!FILTERED)
		skip();
	refused("fork", begin_process, ENOSYS);
	refused("kill", send_kill, ENOSYS);
	refused("executable memory", map_code, ENOSYS);
	refused("making memory executable", make_code, ENOSYS);
	refused("a socket for the network", open_network, ENOSYS);
	refused("talking to systemd", connect_locally, ENOSYS);
	refused("typing into a terminal", type_into_terminal, ENOSYS);
	refused("an unheard-of system call", call_unheard_of, ENOSYS);
}

static void kill_is_allowed_for_hooks(void **state)
{
	const struct kf_rights_options opts = { .output_fd = -1, .has_opener = 1, .has_hooks = 1 };

	assert_int_equal(without_rights(send_kill, &opts), 0);
}

/* ---- a working life without rights ---- */

static void *in_thread(void *arg)
{
	char *bytes = malloc(8 << 20);

	if (bytes)
		memset(bytes, 1, 8 << 20);
	free(bytes);
	return bytes ? arg : NULL;
}

static int work(void)
{
	char path[] = "/tmp/kflight-test-XXXXXX", text[64];
	void *result = NULL;
	pthread_t thread;
	int fd;

	if (pthread_create(&thread, NULL, in_thread, path) || pthread_join(thread, &result) || result != path)
		return 1;
	fd = mkstemp(path);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) || close(fd) || unlink(path))
		return 2;
	fd = open("/proc/self/cgroup", O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text)) <= 0 || close(fd))
		return 3;
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	return fd < 0 ? 4 : close(fd);
}

static void threads_files_and_local_sockets_go_on(void **state)
{
	assert_int_equal(without_rights(work, &all_elsewhere), 0);
}

static void *wait_for_ever(void *arg)
{
	pause();
	return arg;
}

static void other_threads_are_an_error(void **state)
{
	struct kf_error e = { 0 };
	pthread_t thread;
	int status;
	pid_t pid = fork();

	if (!pid) {
		pthread_create(&thread, NULL, wait_for_ever, NULL);
		_exit(kf_rights_drop(&all_elsewhere, &e) && strstr(e.message, "another thread") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the opener ---- */

static struct kf_opener *opener;

static int opens_for_us(void)
{
	int fd = kf_opener_exe(opener, getpid()), stats;
	char head[4];

	if (fd < 0 || read(fd, head, 4) != 4 || memcmp(head, "\177ELF", 4) != 0)
		return 1;
	stats = kf_opener_stats(opener);
	if (stats < 0 || close(stats))
		return errno == EPERM ? 77 : 2;
	errno = 0;
	if (kf_opener_exe(opener, -1) >= 0 || errno != EINVAL)
		return 3;
	if (kf_opener_exe(opener, 0x7ffffffe) >= 0 || errno != ENOENT)
		return 4;
	return kf_opener_exe(NULL, 1) >= 0 ? 5 : 0; /* without it we may not: pid 1 has more rights */
}

static void the_opener_opens_what_we_may_not(void **state)
{
	struct kf_error e = { 0 };
	int result;

	if (!may_do_all())
		skip();
	if (kf_opener_new(&opener, &e))
		fail_msg("%s", e.message);
	result = without_rights(opens_for_us, &all_elsewhere);
	kf_opener_free(&opener);
	assert_null(opener);
	if (result == 77)
		skip();
	assert_int_equal(result, 0);
}

/* The lines of its /proc/PID/status. */
static void the_opener_has_its_three_and_a_filter(void **state)
{
	struct kf_error e = { 0 };
	char path[64], text[4096] = "";
	FILE *f;

	if (!may_do_all())
		skip();
	if (kf_opener_new(&opener, &e))
		fail_msg("%s", e.message);
	close(kf_opener_exe(opener, getpid())); /* it is ready */
	snprintf(path, sizeof(path), "/proc/%d/status", kf_opener_pid(opener));
	f = fopen(path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	if (!strstr(text, "\nCapPrm:\t0000000000280004\n") || !strstr(text, "\nNoNewPrivs:\t1\n") ||
	    !strstr(text, "\nCapBnd:\t0000000000000000\n") || (FILTERED && !strstr(text, "\nSeccomp:\t2\n")))
		fail_msg("%s", text);
	kf_opener_free(&opener);
}

static void a_dead_opener_is_an_error(void **state)
{
	struct kf_error e = { 0 };
	pid_t pid;

	if (kf_opener_new(&opener, &e))
		fail_msg("%s", e.message);
	pid = kf_opener_pid(opener);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(kf_opener_exe(opener, getpid()), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(kf_opener_stats(opener), -1);
	kf_opener_free(&opener);
}

/* What it answers too late is thrown away, and not taken for the answer to the next question. */
static void late_answers_are_not_taken_for_others(void **state)
{
	struct kf_error e = { 0 };
	int fd = -1;

	if (kf_opener_new(&opener, &e))
		fail_msg("%s", e.message);
	close(kf_opener_exe(opener, getpid()));
	kill(kf_opener_pid(opener), SIGSTOP);
	assert_int_equal(kf_opener_exe(opener, getpid()), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(kf_opener_exe(opener, -1), -1);
	assert_int_equal(errno, ETIMEDOUT);
	kill(kf_opener_pid(opener), SIGCONT);
	for (int i = 0; i < 1000 && fd < 0; i++) {
		errno = 0;
		fd = kf_opener_exe(opener, -1);
		assert_int_equal(fd, -1);
		if (errno == EINVAL) /* the answer to this one */
			break;
		assert_int_equal(errno, ETIMEDOUT);
		usleep(10000);
	}
	assert_int_equal(errno, EINVAL);
	kf_opener_free(&opener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_list_is_left),
		cmocka_unit_test(more_is_left_where_it_is_needed),
		cmocka_unit_test(it_takes_no_rights),
		cmocka_unit_test(what_no_recorder_does_ends_it),
		cmocka_unit_test(what_is_not_listed_is_not_there),
		cmocka_unit_test(kill_is_allowed_for_hooks),
		cmocka_unit_test(threads_files_and_local_sockets_go_on),
		cmocka_unit_test(other_threads_are_an_error),
		cmocka_unit_test(the_opener_opens_what_we_may_not),
		cmocka_unit_test(the_opener_has_its_three_and_a_filter),
		cmocka_unit_test(a_dead_opener_is_an_error),
		cmocka_unit_test(late_answers_are_not_taken_for_others),
	};

	return cmocka_run_group_tests_name("rights", tests, NULL, NULL);
}
