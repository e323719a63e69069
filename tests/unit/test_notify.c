/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/now.h"
#include "daemon/events.h"
#include "daemon/notify.h"
#include "daemon/watchdog.h"

/* Listens as systemd does, at a path or an abstract name (with '@'), and puts it into the environment. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len + (*name == '/')), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect_sent(int fd, const char *want)
{
	char got[2048];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, want);
}

static void abstract_name(char *out, size_t len)
{
	snprintf(out, len, "@kflight-test-notify-%ld", (long)getpid());
}

static void states_are_told_as_systemd_has_them(void **state)
{
	struct kf_notify *n = NULL;
	char name[64], want[128];
	struct kf_error e;
	int fd;

	abstract_name(name, sizeof(name));
	fd = listen_at(name);
	assert_int_equal(kf_notify_new(&n, -1, &e), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	kf_notify_ready(n, "recording\nREADY=0");
	snprintf(want, sizeof(want), "READY=1\nMAINPID=%ld\nSTATUS=recording READY=0\n", (long)getpid());
	expect_sent(fd, want);
	kf_notify_status(n, "12 snapshots");
	expect_sent(fd, "STATUS=12 snapshots\n");
	kf_notify_alive(n);
	expect_sent(fd, "WATCHDOG=1\n");
	kf_notify_stopping(n, "bye");
	expect_sent(fd, "STOPPING=1\nSTATUS=bye\n");
	kf_notify_free(&n);
	close(fd);
}

static void reloading_says_when(void **state)
{
	uint64_t before_us = kf_now_ns() / 1000, said_us;
	struct kf_notify *n = NULL;
	char name[64], got[128] = "";
	struct kf_error e;
	int fd;

	abstract_name(name, sizeof(name));
	fd = listen_at(name);
	assert_int_equal(kf_notify_new(&n, -1, &e), 0);
	kf_notify_reloading(n);
	assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
	assert_int_equal(sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%lu\n", &said_us), 1);
	assert_in_range(said_us, before_us, kf_now_ns() / 1000);
	kf_notify_free(&n);
	close(fd);
}

static void a_path_is_as_good_as_a_name(void **state)
{
	char folder[] = "/tmp/kflight-test-notify-XXXXXX", path[64];
	struct kf_notify *n = NULL;
	struct kf_error e;
	int fd;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	fd = listen_at(path);
	assert_int_equal(kf_notify_new(&n, -1, &e), 0);
	kf_notify_alive(n);
	expect_sent(fd, "WATCHDOG=1\n");
	close(fd);
	unlink(path);
	rmdir(folder);
	kf_notify_alive(n); /* nobody is there any more */
	kf_notify_free(&n);
}

static void without_a_socket_nothing_happens(void **state)
{
	struct kf_notify *n = NULL;
	struct kf_error e;

	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "1000000", 1);
	unsetenv("WATCHDOG_PID");
	assert_int_equal(kf_notify_new(&n, -1, &e), 0);
	kf_notify_ready(n, "");
	assert_int_equal(kf_notify_watchdog_ns(n), 0);
	kf_notify_free(&n);
}

static void bad_sockets_are_refused(void **state)
{
	char name[256] = "/";
	struct kf_notify *n = NULL;
	struct kf_error e;

	setenv("NOTIFY_SOCKET", "vsock:2:3", 1);
	assert_int_equal(kf_notify_new(&n, -1, &e), -1);
	assert_string_equal(e.message, "bad NOTIFY_SOCKET 'vsock:2:3': neither a path nor '@' and a name");
	memset(name + 1, 'x', 107);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(kf_notify_new(&n, -1, &e), -1);
	assert_non_null(strstr(e.message, "longer than 107 bytes"));
	assert_null(n);
}

static uint64_t watchdog_of(const char *usec, const char *pid)
{
	struct kf_notify *n = NULL;
	uint64_t ns;
	char name[64];
	struct kf_error e;
	int fd;

	abstract_name(name, sizeof(name));
	fd = listen_at(name);
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(kf_notify_new(&n, -1, &e), 0);
	ns = kf_notify_watchdog_ns(n);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	kf_notify_free(&n);
	close(fd);
	return ns;
}

static void a_watchdog_counts_if_it_is_ours(void **state)
{
	char own[32];

	snprintf(own, sizeof(own), "%ld", (long)getpid());
	assert_int_equal(watchdog_of(NULL, NULL), 0);
	assert_int_equal(watchdog_of("30000000", NULL), 30000000000);
	assert_int_equal(watchdog_of("30000000", own), 30000000000);
	assert_int_equal(watchdog_of("30000000", "1"), 0);
	assert_int_equal(watchdog_of("30000000", "x"), 0);
	assert_int_equal(watchdog_of("-1", own), 0);
	assert_int_equal(watchdog_of("18446744073709551615", own), 0);
}

/* Signs of life come from the loop, at least twice in the time. */
static void the_loop_sends_signs_of_life(void **state)
{
	uint64_t until_ns = kf_now_ns() + 350000000;
	struct kf_events *events = NULL;
	struct kf_notify *n = NULL;
	char name[64], got[64];
	struct kf_error e;
	int fd, signs = 0;

	abstract_name(name, sizeof(name));
	fd = listen_at(name);
	setenv("WATCHDOG_USEC", "100000", 1);
	assert_int_equal(kf_notify_new(&n, -1, &e), 0);
	assert_int_equal(kf_events_new(&events, &e), 0);
	assert_int_equal(kf_watchdog_start(events, n, &e), 0);
	while (kf_now_ns() < until_ns)
		assert_int_equal(kf_events_step(events, &e), 0);
	while (recv(fd, got, sizeof(got), 0) == 11)
		signs += !memcmp(got, "WATCHDOG=1\n", 11);
	assert_in_range(signs, 2, 8); /* 8 on an idle host */
	kf_events_free(&events);
	kf_notify_free(&n);
	close(fd);
}

static void a_descriptor_gets_a_newline_once(void **state)
{
	struct kf_notify *n = NULL;
	int ends[2], fd = -1;
	struct kf_error e;
	char text[8];

	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(pipe(ends), 0);
	snprintf(text, sizeof(text), "%d", ends[1]);
	assert_int_equal(kf_notify_parse_fd(text, &fd, &e), 0);
	assert_int_equal(fd, ends[1]);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(kf_notify_new(&n, fd, &e), 0);
	kf_notify_ready(n, "");
	kf_notify_ready(n, "");
	assert_int_equal(read(ends[0], text, sizeof(text)), 1);
	assert_int_equal(text[0], '\n');
	assert_int_equal(read(ends[0], text, sizeof(text)), 0); /* closed */
	kf_notify_free(&n);
	close(ends[0]);
}

static void who_has_gone_away_is_not_told(void **state)
{
	struct kf_notify *n = NULL;
	struct kf_error e;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(kf_notify_new(&n, ends[1], &e), 0);
	kf_notify_ready(n, ""); /* SIGPIPE would end the test */
	kf_notify_free(&n);
}

static void bad_descriptors_are_refused(void **state)
{
	struct kf_error e;
	int fd = 0;

	assert_int_equal(kf_notify_parse_fd(NULL, &fd, &e), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(kf_notify_parse_fd("2", &fd, &e), -1);
	assert_string_equal(e.message, "bad --notify-fd '2'");
	assert_int_equal(kf_notify_parse_fd("3x", &fd, &e), -1);
	assert_int_equal(kf_notify_parse_fd("99999999999", &fd, &e), -1);
	assert_int_equal(kf_notify_parse_fd("987", &fd, &e), -1);
	assert_string_equal(e.message, "--notify-fd 987: Bad file descriptor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_told_as_systemd_has_them),
		cmocka_unit_test(reloading_says_when),
		cmocka_unit_test(a_path_is_as_good_as_a_name),
		cmocka_unit_test(without_a_socket_nothing_happens),
		cmocka_unit_test(bad_sockets_are_refused),
		cmocka_unit_test(a_watchdog_counts_if_it_is_ours),
		cmocka_unit_test(the_loop_sends_signs_of_life),
		cmocka_unit_test(a_descriptor_gets_a_newline_once),
		cmocka_unit_test(who_has_gone_away_is_not_told),
		cmocka_unit_test(bad_descriptors_are_refused),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
