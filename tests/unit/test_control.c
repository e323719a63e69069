/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket, server and client in one process. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "daemon/control.h"

struct server {
	char dir[32];
	char path[64];
	struct kf_control *control;
	struct kf_control_handlers handlers;
	char reason[KF_CONTROL_REASON_BYTES + 1];
	kf_request pending;
	int n_snapshots;
	bool answers_later;
};

static void on_snapshot(void *context, const char *reason, kf_request request)
{
	struct server *s = context;

	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	if (s->n_snapshots++ && s->answers_later) {
		kf_control_answer_error(s->control, request, "busy", "one is being written");
		return;
	}
	s->pending = request;
	if (!s->answers_later)
		kf_control_answer_path(s->control, request, "/x/y.kfl");
}

static json_t *on_status(void *context)
{
	return json_pack("{si}", "events", 5);
}

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	struct kf_error e = { 0 };

	strcpy(s->dir, "/tmp/kf-test-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/run/control.sock", s->dir);
	s->handlers = (struct kf_control_handlers){ s, on_snapshot, on_status };
	*state = s;
	if (kf_control_open(&s->control, s->path, &e))
		print_error("%s\n", e.message);
	return s->control ? 0 : -1;
}

static int teardown(void **state)
{
	struct server *s = *state;
	char path[64];

	kf_control_close(&s->control);
	unlink(s->path);
	snprintf(path, sizeof(path), "%s/run", s->dir);
	rmdir(path);
	rmdir(s->dir);
	free(s);
	return 0;
}

/* Waits for work and does it; false when none came in time. */
static bool step(struct server *s, int timeout_ms)
{
	struct pollfd p = { .fd = kf_control_fd(s->control), .events = POLLIN };

	if (poll(&p, 1, timeout_ms) <= 0)
		return false;
	kf_control_step(s->control, &s->handlers);
	return true;
}

static void settle(struct server *s)
{
	while (step(s, 50))
		;
}

static int raw_client(const struct server *s, const char *bytes, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.63s", s->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
	return fd;
}

static const char *answer_of(int fd, char buf[KF_CONTROL_LINE_BYTES])
{
	ssize_t n = recv(fd, buf, KF_CONTROL_LINE_BYTES - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
	return buf;
}

static void assert_answer(struct server *s, const char *request, size_t len, const char *part)
{
	char buf[KF_CONTROL_LINE_BYTES];
	int fd = raw_client(s, request, len);

	settle(s);
	answer_of(fd, buf);
	if (!strstr(buf, part))
		fail_msg("'%.60s': answer '%s' lacks '%s'", request, buf, part);
}

static void requests_and_answers(void **state)
{
	struct server *s = *state;

#define ASK(text, part) assert_answer(s, text "\n", sizeof(text), part)
	ASK("{\"do\":\"snapshot\",\"reason\":\"checkout slow\"}", "{\"ok\":true,\"path\":\"/x/y.kfl\"}\n");
	assert_string_equal(s->reason, "checkout slow");
	ASK("{\"do\":\"snapshot\"}", "/x/y.kfl");
	assert_string_equal(s->reason, "");
	ASK("{\"do\":\"status\"}", "{\"ok\":true,\"status\":{\"events\":5}}\n");
	assert_int_equal(s->n_snapshots, 2);
}

static void foreign_bytes(void **state)
{
	struct server *s = *state;
	char line[2 * KF_CONTROL_LINE_BYTES];

	ASK("", "not a JSON object");
	ASK("GET / HTTP/1.1", "not a JSON object");
	ASK("[]", "not a JSON object");
	ASK("{\"do\":5}", "not a JSON object");
	ASK("{\"do\":\"rm\"}", "neither snapshot nor status");
	ASK("{\"do\":\"snapshot\",\"reason\":[1]}", "the reason is no text");
	ASK("{\"do\":\"snapshot\",\"do\":\"status\"}", "not a JSON object");
	ASK("{\"do\":\"snapshot\",\"reason\":\"\\u0000\"}", "not a JSON object");
	ASK("\xff\xfe\x00{}", "not a JSON object");
	memset(line, 'a', sizeof(line));
	assert_answer(s, line, sizeof(line), "too long");
	memset(line, '[', sizeof(line));
	assert_answer(s, line, KF_CONTROL_LINE_BYTES, "too long");
	line[4000] = '\n';
	assert_answer(s, line, 4001, "not a JSON object");
	memset(line, 'r', sizeof(line));
	memcpy(line, "{\"do\":\"snapshot\",\"reason\":\"", 27);
	memcpy(line + 400, "\"}\n", 3);
	assert_answer(s, line, 403, "at most 256");
	assert_int_equal(s->n_snapshots, 0);
}

/* The answer comes when the file is written; a second request meanwhile is told that it is busy. */
static void answer_later(void **state)
{
	static const char ask[] = "{\"do\":\"snapshot\"}\n";
	struct server *s = *state;
	char buf[KF_CONTROL_LINE_BYTES];
	int first, gone;

	s->answers_later = true;
	first = raw_client(s, ask, strlen(ask));
	settle(s);
	assert_int_equal(recv(first, buf, sizeof(buf), 0), -1);
	assert_answer(s, ask, strlen(ask), "busy");
	kf_control_answer_path(s->control, s->pending, "/late.kfl");
	assert_string_equal(answer_of(first, buf), "{\"ok\":true,\"path\":\"/late.kfl\"}\n");
	kf_control_answer_path(s->control, s->pending, "/twice.kfl"); /* stale: nothing happens */

	s->n_snapshots = 0;
	gone = raw_client(s, ask, strlen(ask));
	settle(s);
	close(gone);
	settle(s);
	kf_control_answer_path(s->control, s->pending, "/nobody.kfl");
	assert_answer(s, "{\"do\":\"status\"}\n", 16, "events");
}

/* Silent clients fill all places; those beyond are told, and after a while the places are free again. */
static void silent_clients(void **state)
{
	struct server *s = *state;
	struct pollfd quiet = { .fd = kf_control_fd(s->control), .events = POLLIN };
	int fds[KF_CONTROL_CLIENTS];
	struct timespec t0, t1;
	char byte;

	for (int i = 0; i < KF_CONTROL_CLIENTS; i++) {
		fds[i] = raw_client(s, "{", 1);
		settle(s);
	}
	assert_answer(s, "", 0, "too many clients");
	clock_gettime(CLOCK_MONOTONIC, &t0);
	assert_true(step(s, 5000));
	clock_gettime(CLOCK_MONOTONIC, &t1);
	assert_in_range(t1.tv_sec - t0.tv_sec, 0, 3);
	settle(s);
	while (step(s, 1500))
		;
	for (int i = 0; i < KF_CONTROL_CLIENTS; i++) {
		assert_int_equal(recv(fds[i], &byte, 1, 0), 0); /* closed */
		close(fds[i]);
	}
	assert_answer(s, "{\"do\":\"status\"}\n", 16, "events");
	assert_int_equal(poll(&quiet, 1, 100), 0); /* without clients nothing wakes us */
}

static void who_owns_the_socket(void **state)
{
	struct server *s = *state;
	struct kf_control *second = NULL;
	struct kf_error e = { 0 };
	char part[32], dir[64];
	struct stat st;

	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(dir, sizeof(dir), "%s/run", s->dir);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	assert_int_equal(kf_control_open(&second, s->path, &e), -1);
	snprintf(part, sizeof(part), "(pid %d)", getpid());
	assert_non_null(strstr(e.message, part));
	assert_int_equal(e.status, KF_HOST);
	assert_null(second);
	settle(s);
	assert_answer(s, "{\"do\":\"status\"}\n", 16, "events");
}

/* What a killed recorder left is replaced; what is no socket is left alone. */
static void stale_socket(void **state)
{
	struct server *s = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct kf_error e = { 0 };
	int fd;

	kf_control_close(&s->control);
	assert_int_equal(access(s->path, F_OK), -1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.63s", s->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(s->path, F_OK), 0);
	if (kf_control_open(&s->control, s->path, &e))
		fail_msg("%s", e.message);
	assert_answer(s, "{\"do\":\"status\"}\n", 16, "events");
	kf_control_close(&s->control);
	fd = creat(s->path, 0600);
	close(fd);
	assert_int_equal(kf_control_open(&s->control, s->path, &e), -1);
	assert_non_null(strstr(e.message, "no socket"));
	assert_int_equal(access(s->path, F_OK), 0);
}

static void bad_paths(void **state)
{
	struct kf_control *c = NULL;
	struct kf_error e = { 0 };
	char path[200];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(kf_control_open(&c, path, &e), -1);
	assert_non_null(strstr(e.message, "longer than 107"));
	assert_int_equal(kf_control_open(&c, "", &e), -1);
	assert_int_equal(kf_control_open(&c, "/nonexistent/a/b.sock", &e), -1);
	assert_non_null(strstr(e.message, "cannot create folder '/nonexistent/a'"));
}

struct client_thread {
	const struct server *server;
	int ret;
	json_t *answer;
	struct kf_error e;
	uint64_t timeout_ns;
};

static void *client_main(void *arg)
{
	struct client_thread *t = arg;
	json_t *request = json_pack("{ssss}", "do", "snapshot", "reason", "why \"not\"");

	t->ret = kf_control_request(t->server->path, request, t->timeout_ns, &t->answer, &t->e);
	json_decref(request);
	return NULL;
}

static void real_client(void **state)
{
	struct server *s = *state;
	struct client_thread t = { .server = s, .timeout_ns = 5000000000ull };
	pthread_t thread;

	pthread_create(&thread, NULL, client_main, &t);
	while (!s->n_snapshots && step(s, 5000))
		;
	settle(s);
	pthread_join(thread, NULL);
	assert_int_equal(t.ret, 0);
	assert_string_equal(s->reason, "why \"not\"");
	assert_string_equal(json_string_value(json_object_get(t.answer, "path")), "/x/y.kfl");
	json_decref(t.answer);

	/* a recorder that hangs */
	t = (struct client_thread){ .server = s, .timeout_ns = 50000000ull };
	client_main(&t);
	assert_int_equal(t.ret, -1);
	assert_non_null(strstr(t.e.message, "no answer from the recorder within 50"));
	settle(s);

	/* none at all */
	kf_control_close(&s->control);
	client_main(&t);
	assert_int_equal(t.ret, -1);
	assert_int_equal(t.e.status, KF_HOST);
	assert_non_null(strstr(t.e.message, "no recorder is running"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests_and_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_later, setup, teardown),
		cmocka_unit_test_setup_teardown(silent_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(who_owns_the_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_socket, setup, teardown),
		cmocka_unit_test(bad_paths),
		cmocka_unit_test_setup_teardown(real_client, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
