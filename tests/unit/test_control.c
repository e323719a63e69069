/* SPDX-License-Identifier: BSD-2-Clause */
/* The control server, asked in the same process: by hand, by the client of the verbs, by clients that behave badly. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/now.h"
#include "daemon/control.h"
#include "daemon/control_address.h"
#include "daemon/control_client.h"
#include "daemon/control_peer.h"
#include "daemon/events.h"
#include "snapshot/snapshot.h"

#define MS 1000000ull

struct server {
	char dir[32];
	char path[64];
	struct kf_events *events;
	struct kf_timer *tick;
	struct kf_control_server *control;
	struct kf_control_calls calls;
	struct kf_snapshot_wish wish; /* the last one */
	struct kf_requester from;
	kf_request pending;
	int n_snapshots;
	bool answers_later;
	char trigger[64]; /* text of the only one, "slow" */
	bool enabled;
};

static void on_snapshot(void *context, const struct kf_snapshot_wish *wish, kf_request request)
{
	struct server *s = context;

	s->wish = *wish;
	s->from = *wish->from;
	s->n_snapshots++;
	if (s->answers_later && s->pending)
		kf_control_refuse(s->control, request, KF_REFUSED_BUSY, "one is being written", 1);
	else if (s->answers_later)
		s->pending = request;
	else
		kf_control_written(s->control, request, "/x/y.kfl");
}

static json_t *on_status(void *context)
{
	return json_pack("{si}", "events", 5);
}

static json_t *on_triggers(void *context)
{
	struct server *s = context;

	return json_pack("[{ss ss sb}]", "name", "slow", "text", s->trigger, "enabled", s->enabled);
}

static int on_change(void *context, const char *name, const struct kf_trigger_wish *wish, struct kf_error *e)
{
	struct server *s = context;

	assert_string_equal(name, "slow");
	if (wish->text && strncmp(wish->text, "runq>", 5))
		return kf_fail(e, KF_USAGE, "runq>5ms", "column 1: '%s' is nothing", wish->text);
	if (wish->text)
		snprintf(s->trigger, sizeof(s->trigger), "%s", wish->text);
	if (wish->sets_enabled)
		s->enabled = wish->enabled;
	return 0;
}

static char *on_metrics(void *context)
{
	return strdup("kflight_x 1\n");
}

static void nothing(void *context)
{
}

static int open_server(struct server *s, const struct kf_metrics_address *metrics, struct kf_error *e)
{
	const struct kf_control_options opts = { .path = s->path, .metrics = metrics };

	return kf_control_new(&s->control, &opts, &s->calls, s->events, e);
}

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	struct kf_error e = { 0 };

	strcpy(s->dir, "/tmp/kf-test-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/run/control.sock", s->dir);
	strcpy(s->trigger, "runq>5ms");
	s->enabled = true;
	s->calls = (struct kf_control_calls){ .context = s,
					      .snapshot = on_snapshot,
					      .status = on_status,
					      .triggers = on_triggers,
					      .change_trigger = on_change,
					      .metrics = on_metrics };
	*state = s;
	if (kf_events_new(&s->events, &e) || kf_events_timer(s->events, nothing, NULL, &s->tick, &e) ||
	    open_server(s, NULL, &e)) {
		print_error("%s\n", e.message);
		return -1;
	}
	kf_timer_set(s->tick, kf_now_ns(), 2 * MS); /* kf_events_step() has no time limit of its own */
	return 0;
}

static int teardown(void **state)
{
	struct server *s = *state;
	char path[64];

	kf_control_free(&s->control);
	kf_events_free(&s->events);
	unlink(s->path);
	snprintf(path, sizeof(path), "%s/run", s->dir);
	rmdir(path);
	rmdir(s->dir);
	free(s);
	return 0;
}

static void run_for(struct server *s, uint64_t ms)
{
	uint64_t end_ns = kf_now_ns() + ms * MS;

	while (kf_now_ns() < end_ns)
		kf_events_step(s->events, NULL);
}

static int connect_client(const struct server *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.63s", s->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

#define ANSWER_BYTES 8192

/* Up to 10 s, until the server closes. Returns the length. */
static size_t read_answer(struct server *s, int fd, char buf[ANSWER_BYTES])
{
	uint64_t end_ns = kf_now_ns() + 10000 * MS;
	size_t used = 0;
	ssize_t n = 1;

	while (n && kf_now_ns() < end_ns) {
		n = recv(fd, buf + used, ANSWER_BYTES - 1 - used, MSG_DONTWAIT);
		if (n > 0)
			used += (size_t)n;
		else if (n < 0 && errno != EAGAIN)
			break;
		else if (n < 0)
			kf_events_step(s->events, NULL);
	}
	buf[used] = '\0';
	close(fd);
	return used;
}

static const char *ask_bytes(struct server *s, const char *bytes, size_t len, char buf[ANSWER_BYTES])
{
	int fd = connect_client(s);

	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			break; /* closed early: what it answered is read below */
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		kf_events_step(s->events, NULL);
	}
	read_answer(s, fd, buf);
	return buf;
}

/* The answer to `METHOD path` with headers ("A: b\r\n") and body has all these parts (NULL at the end). */
static void assert_asked(struct server *s, const char *method, const char *headers, const char *body, ...)
{
	char request[2 * 4096 + 1024], buf[ANSWER_BYTES];
	const char *part;
	va_list parts;
	int len;

	len = snprintf(request, sizeof(request),
		       "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", method,
		       strlen(body), headers, body);
	ask_bytes(s, request, (size_t)len, buf);
	va_start(parts, body);
	while ((part = va_arg(parts, const char *)))
		if (!strstr(buf, part))
			fail_msg("'%s' '%.60s': answer '%s' lacks '%s'", method, body, buf, part);
	va_end(parts);
}

#define ASK(s, method, body, ...) assert_asked(s, method, "", body, __VA_ARGS__, NULL)

static void reads(void **state)
{
	struct server *s = *state;

	ASK(s, "GET /", "", "HTTP/1.1 200 OK\r\n", "text/plain", "POST /snapshot");
	ASK(s, "GET /status", "", "200 OK", "application/json", "no-store", "\r\n\r\n{\"events\":5}\n");
	ASK(s, "HEAD /status", "", "200 OK", "Content-Length: 13\r\n\r\n");
	ASK(s, "GET /metrics", "", "200 OK", "text/plain; version=0.0.4", "\r\n\r\nkflight_x 1\n");
	ASK(s, "GET /triggers", "", "{\"triggers\":[{\"name\":\"slow\"");
	ASK(s, "GET /triggers/slow", "", "200 OK", "{\"name\":\"slow\"");
	ASK(s, "GET /triggers/fast", "", "404 Not Found", "\"error\":\"not_found\"");
	ASK(s, "GET /snapshots", "", "404 Not Found"); /* this server has no such call */
	ASK(s, "GET /statusx", "", "404 Not Found", "GET / lists them");
	ASK(s, "POST /status", "", "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
	ASK(s, "GET /snapshot", "", "405 Method Not Allowed", "Allow: POST\r\n");
	ASK(s, "DELETE /triggers/slow", "", "405 Method Not Allowed", "Allow: GET, HEAD, PUT\r\n");
	assert_int_equal(s->n_snapshots, 0);
	assert_int_equal(kf_control_count(s->control, KF_REQUEST_OK), 6);
	assert_int_equal(kf_control_count(s->control, KF_REQUEST_INVALID), 6);
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void snapshots(void **state)
{
	struct server *s = *state;
	char comm[16] = "";
	FILE *f;

	ASK(s, "POST /snapshot", "", "200 OK", "{\"path\":\"/x/y.kfl\",\"name\":\"y.kfl\"}\n");
	assert_string_equal(s->wish.reason, "");
	assert_string_equal(s->wish.trace_id, "");
	ASK(s, "POST /snapshot",
	    "{\"reason\":\"checkout \\\"slow\\\"\",\"trace_id\":\"" TRACE "\",\"span_id\":\"" SPAN "\"}", "200 OK");
	assert_string_equal(s->wish.reason, "checkout \"slow\"");
	assert_string_equal(s->wish.trace_id, TRACE);
	assert_string_equal(s->wish.span_id, SPAN);
	assert_int_equal(s->from.pid, getpid());
	assert_int_equal(s->from.uid, getuid());
	f = fopen("/proc/self/comm", "r");
	assert_int_equal(fscanf(f, "%15s", comm), 1);
	fclose(f);
	assert_string_equal(s->from.comm, comm);

	assert_asked(s, "POST /snapshot", "traceparent: 00-" TRACE "-" SPAN "-01\r\n", "{\"reason\":\"r\"}", "200 OK",
		     NULL);
	assert_string_equal(s->wish.trace_id, TRACE);
	assert_string_equal(s->wish.span_id, SPAN);
	assert_asked(s, "POST /snapshot", "traceparent: nonsense\r\n", "", "200 OK", NULL);
	assert_string_equal(s->wish.trace_id, "");
	assert_asked(s, "POST /snapshot", "Content-Type: application/json; charset=utf-8\r\n", "{}", "200 OK", NULL);
	assert_asked(s, "POST /snapshot", "Content-Type: application/x-www-form-urlencoded\r\n", "{}", "200 OK", NULL);
	assert_int_equal(s->n_snapshots, 6);
	assert_asked(s, "POST /snapshot", "Content-Type: text/html\r\n", "{}", "415 ", NULL);
	ASK(s, "POST /snapshot", "{\"reason\":5}", "400 Bad Request", "'reason' is no text");
	ASK(s, "POST /snapshot", "reason=slow", "400 Bad Request", "no JSON object", "\"hint\"");
	assert_int_equal(s->n_snapshots, 6);
}

static void too_large(void **state)
{
	struct server *s = *state;
	char body[5001];

	memset(body, ' ', sizeof(body) - 1);
	body[5000] = '\0';
	body[0] = '{';
	body[4095] = '}';
	ASK(s, "POST /snapshot", body, "413 ", "at most 4096 bytes");
	body[4096] = '\0';
	ASK(s, "POST /snapshot", body, "200 OK");
	assert_int_equal(s->n_snapshots, 1);
}

static void changes(void **state)
{
	struct server *s = *state;

	ASK(s, "PUT /triggers/slow", "{\"trigger\":\"runq>9ms\"}", "200 OK", "\"text\":\"runq>9ms\",\"enabled\":true");
	ASK(s, "PUT /triggers/slow", "{\"enabled\":false}", "200 OK", "\"text\":\"runq>9ms\",\"enabled\":false");
	ASK(s, "PUT /triggers/slow", "{\"trigger\":\"rumq>9ms\"}", "400 Bad Request", "column 1: 'rumq>9ms' is nothing",
	    "\"hint\":\"runq>5ms\"");
	ASK(s, "PUT /triggers/slow", "{}", "400 Bad Request", "changes nothing");
	ASK(s, "PUT /triggers/slow", "", "400 Bad Request");
	ASK(s, "PUT /triggers/fast", "{\"enabled\":false}", "404 Not Found");
	assert_string_equal(s->trigger, "runq>9ms");
	assert_false(s->enabled);
}

/* The answer comes when the file is written; a second request meanwhile is told that it is busy; who has gone is no trouble. */
static void answer_later(void **state)
{
	static const char ask[] = "POST /snapshot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct server *s = *state;
	char buf[ANSWER_BYTES];
	int first, gone;

	s->answers_later = true;
	first = connect_client(s);
	assert_int_equal(send(first, ask, strlen(ask), 0), strlen(ask));
	run_for(s, 4000); /* longer than the patience with those who do not send their request */
	assert_int_not_equal(s->pending, 0);
	assert_int_equal(recv(first, buf, sizeof(buf), 0), -1);
	assert_int_equal(errno, EAGAIN);
	ASK(s, "POST /snapshot", "", "409 Conflict", "Retry-After: 1\r\n",
	    "\"error\":\"busy\",\"why\":\"one is being written\"");
	kf_control_written(s->control, s->pending, "/late.kfl");
	read_answer(s, first, buf);
	assert_non_null(strstr(buf, "\"path\":\"/late.kfl\""));
	kf_control_written(s->control, s->pending, "/twice.kfl"); /* stale: nothing happens */

	s->pending = 0;
	gone = connect_client(s);
	assert_int_equal(send(gone, ask, strlen(ask), 0), strlen(ask));
	run_for(s, 100);
	assert_int_not_equal(s->pending, 0);
	close(gone);
	run_for(s, 20);
	kf_control_written(s->control, s->pending, "/nobody.kfl");
	ASK(s, "GET /status", "", "events");

	s->pending = 0;
	ASK(s, "GET /status", "", "events");
	first = connect_client(s);
	assert_int_equal(send(first, ask, strlen(ask), 0), strlen(ask));
	run_for(s, 100);
	kf_control_refuse(s->control, s->pending, KF_REFUSED_LIMITED, "20/h", 720);
	read_answer(s, first, buf);
	assert_non_null(strstr(buf, "429 Too Many Requests"));
	assert_non_null(strstr(buf, "Retry-After: 720\r\n"));
	assert_int_equal(kf_control_count(s->control, KF_REQUEST_BUSY), 1);
	assert_int_equal(kf_control_count(s->control, KF_REQUEST_LIMITED), 1);
}

/* Who waits when the recorder ends is told. */
static void ending(void **state)
{
	static const char ask[] = "POST /snapshot HTTP/1.1\r\nHost: x\r\n\r\n";
	struct server *s = *state;
	char buf[ANSWER_BYTES];
	int fd = connect_client(s);

	s->answers_later = true;
	assert_int_equal(send(fd, ask, strlen(ask), 0), strlen(ask));
	run_for(s, 100);
	assert_int_not_equal(s->pending, 0);
	kf_control_free(&s->control);
	assert_int_equal(access(s->path, F_OK), -1);
	read_answer(s, fd, buf);
	assert_non_null(strstr(buf, "503 Service Unavailable"));
	assert_non_null(strstr(buf, "the recorder ends"));
}

/* 600 that never send their request, more than there are places: shut sooner than usual, and others are answered. */
static void slow_clients(void **state)
{
	struct server *s = *state;
	uint64_t start_ns = kf_now_ns(), took_ms;
	char buf[ANSWER_BYTES], byte;
	int fds[600];

	for (int i = 0; i < 600; i++) {
		fds[i] = connect_client(s);
		assert_int_equal(send(fds[i], "GET /sta", i % 2 ? 8 : 0, 0), i % 2 ? 8 : 0);
	}
	ASK(s, "GET /status", "", "events");
	took_ms = (kf_now_ns() - start_ns) / MS;
	if (took_ms > 6000)
		fail_msg("a good client waited %llu ms", (unsigned long long)took_ms);
	run_for(s, 4000);
	for (int i = 0; i < 600; i++) {
		assert_int_equal(recv(fds[i], &byte, 1, 0), 0); /* closed */
		close(fds[i]);
	}
	ask_bytes(s, "\x16\x03\x01\x02\xff\xfe garbage\r\n\r\n\r\n", 20, buf);
	ASK(s, "GET /status", "", "events");
}

/* A byte now and then is no request. */
static void dripping_client(void **state)
{
	struct server *s = *state;
	int fd = connect_client(s);
	uint64_t start_ns = kf_now_ns();
	char byte = 'G';

	do {
		run_for(s, 100);
		if (send(fd, &byte, 1, MSG_NOSIGNAL) < 0)
			break;
	} while (kf_now_ns() - start_ns < 10000 * MS);
	assert_in_range((kf_now_ns() - start_ns) / MS, 2500, 9000);
	close(fd);
}

/* 1,000 at once, each is answered. */
static void many_at_once(void **state)
{
	static const char ask[] = "GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct server *s = *state;
	char buf[ANSWER_BYTES];
	int fds[1000];

	for (int i = 0; i < 1000; i++) {
		fds[i] = connect_client(s);
		assert_int_equal(send(fds[i], ask, strlen(ask), 0), strlen(ask));
	}
	for (int i = 0; i < 1000; i++) {
		read_answer(s, fds[i], buf);
		if (!strstr(buf, "events"))
			fail_msg("number %d was answered '%s'", i, buf);
	}
	assert_int_equal(kf_control_count(s->control, KF_REQUEST_OK), 1000);
}

static void foreign_bytes(void **state)
{
	static const char *const all[] = {
		"\r\n\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"GET /status HTTP/9.9\r\n\r\n",
		"GET /status HTTP/1.1\r\n\r\n", /* no Host */
		"GET /status\r\n\r\n",
		"POST /snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
		"POST /snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
		"POST /snapshot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"PUT /triggers/%00%ff%2e%2e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};
	struct server *s = *state;
	char buf[ANSWER_BYTES], *long_header = malloc(100000);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ask_bytes(s, all[i], strlen(all[i]), buf);
		if (strstr(buf, " 200 "))
			fail_msg("'%s' was answered '%s'", all[i], buf);
	}
	memset(long_header, 'a', 100000);
	memcpy(long_header, "GET /status HTTP/1.1\r\nHost: ", 28);
	ask_bytes(s, long_header, 100000, buf);
	assert_null(strstr(buf, " 200 "));
	memcpy(long_header, "GET /", 5);
	long_header[5] = 'a';
	ask_bytes(s, long_header, 100000, buf);
	assert_null(strstr(buf, " 200 "));
	free(long_header);
	assert_int_equal(s->n_snapshots, 0);
	ASK(s, "GET /status", "", "events");
}

static void who_owns_the_socket(void **state)
{
	struct server *s = *state;
	struct kf_control_server *second = NULL;
	const struct kf_control_options opts = { .path = s->path };
	struct kf_error e = { 0 };
	char part[32], dir[64];
	gid_t group;
	struct stat st;

	kf_control_group(NULL, KF_CONTROL_GROUP, &group, NULL);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, group == KF_NO_GROUP ? 0600 : 0660);
	snprintf(dir, sizeof(dir), "%s/run", s->dir);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);

	assert_int_equal(kf_control_new(&second, &opts, &s->calls, s->events, &e), -1);
	snprintf(part, sizeof(part), "(pid %d)", getpid());
	assert_non_null(strstr(e.message, part));
	assert_int_equal(e.status, KF_HOST);
	assert_null(second);
	ASK(s, "GET /status", "", "events");
}

/* The mode and group of the file, whatever the umask is. */
static void group_of_the_socket(void **state)
{
	struct server *s = *state;
	struct kf_control_options opts = { .path = s->path, .group = "nogroup-at-all" };
	struct kf_error e = { 0 };
	struct stat st;
	mode_t before;

	kf_control_free(&s->control);
	assert_int_equal(kf_control_new(&s->control, &opts, &s->calls, s->events, &e), -1);
	assert_string_equal(e.message, "there is no group 'nogroup-at-all'");
	assert_int_equal(access(s->path, F_OK), -1);

	opts.group = getuid() ? NULL : "12345";
	before = umask(0177);
	if (kf_control_new(&s->control, &opts, &s->calls, s->events, &e))
		fail_msg("%s", e.message);
	umask(before);
	assert_int_equal(stat(s->path, &st), 0);
	if (!getuid()) {
		assert_int_equal(st.st_mode & 07777, 0660);
		assert_int_equal(st.st_gid, 12345);
	}
}

/* What a killed recorder left is replaced; what is no socket is left alone. */
static void stale_socket(void **state)
{
	struct server *s = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct kf_error e = { 0 };
	int fd;

	kf_control_free(&s->control);
	assert_int_equal(access(s->path, F_OK), -1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.63s", s->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(s->path, F_OK), 0);
	if (open_server(s, NULL, &e))
		fail_msg("%s", e.message);
	ASK(s, "GET /status", "", "events");
	kf_control_free(&s->control);
	fd = creat(s->path, 0600);
	close(fd);
	assert_int_equal(open_server(s, NULL, &e), -1);
	assert_non_null(strstr(e.message, "no socket"));
	assert_int_equal(access(s->path, F_OK), 0);
}

/* Whoever may read its folder may lock it: we start all the same. */
static void locked_folder(void **state)
{
	struct server *s = *state;
	struct kf_error e = { 0 };
	char dir[64];
	int fd;

	kf_control_free(&s->control);
	snprintf(dir, sizeof(dir), "%s", s->path);
	*strrchr(dir, '/') = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	alarm(20); /* the bug would be to wait for ever */
	if (open_server(s, NULL, &e))
		fail_msg("%s", e.message);
	alarm(0);
	close(fd);
	ASK(s, "GET /status", "", "events");
}

/* Whoever comes while there is no descriptor is served when there are some again. */
static void no_descriptors(void **state)
{
	struct server *s = *state;
	int first = connect_client(s), second;
	char buf[ANSWER_BYTES];
	struct rlimit limit;
	int next;

	run_for(s, 20); /* it is taken */
	second = connect_client(s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	next = dup(0);
	close(next);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)next, limit.rlim_max });
	run_for(s, 20); /* the second one is not */
	setrlimit(RLIMIT_NOFILE, &limit);
	close(first);
	run_for(s, 20);
	assert_true(send(second, "GET /status HTTP/1.0\r\n\r\n", 24, MSG_NOSIGNAL) == 24);
	read_answer(s, second, buf);
	if (!strstr(buf, "200 OK"))
		fail_msg("answer '%s'", buf);
}

static void bad_paths(void **state)
{
	struct server *s = *state;
	struct kf_control_server *c = NULL;
	struct kf_control_options opts = { 0 };
	struct kf_error e = { 0 };
	char path[200];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	opts.path = path;
	assert_int_equal(kf_control_new(&c, &opts, &s->calls, s->events, &e), -1);
	assert_non_null(strstr(e.message, "longer than 107"));
	opts.path = "";
	assert_int_equal(kf_control_new(&c, &opts, &s->calls, s->events, &e), -1);
	opts.path = "/nonexistent/a/b.sock";
	assert_int_equal(kf_control_new(&c, &opts, &s->calls, s->events, &e), -1);
	assert_non_null(strstr(e.message, "cannot create folder '/nonexistent/a'"));
}

/* The TCP port has the metrics and nothing else. */
static void metrics_port(void **state)
{
	struct server *s = *state;
	const struct {
		const char *ask, *answer;
	} all[] = {
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "\r\n\r\nkflight_x 1\n" },
		{ "GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "here is only /metrics" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404 Not Found" },
		{ "POST /snapshot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404 Not Found" },
		{ "PUT /triggers/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404 Not Found" },
		{ "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405 " },
	};
	struct kf_metrics_address address;
	struct kf_error e = { 0 };
	char buf[ANSWER_BYTES], port[16];
	int ret = -1;

	kf_control_free(&s->control);
	for (int i = 0; i < 20 && ret; i++) {
		snprintf(port, sizeof(port), "%d", 20000 + (getpid() * 7 + i * 613) % 10000);
		assert_int_equal(kf_metrics_address_parse(&address, port, &e), 0);
		ret = open_server(s, &address, &e);
	}
	if (ret)
		fail_msg("%s", e.message);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(connect(fd, (struct sockaddr *)&address.address, address.len), 0);
		assert_int_equal(send(fd, all[i].ask, strlen(all[i].ask), 0), strlen(all[i].ask));
		read_answer(s, fd, buf);
		if (!strstr(buf, all[i].answer))
			fail_msg("'%s' was answered '%s'", all[i].ask, buf);
	}
	assert_int_equal(s->n_snapshots, 0);
	ASK(s, "GET /status", "", "events");
}

struct client_thread {
	const struct server *server;
	const char *reason;
	int ret;
	json_t *answer;
	struct kf_error e;
	uint64_t timeout_ns;
	volatile bool done;
};

static void *client_main(void *arg)
{
	struct client_thread *t = arg;
	json_t *request = json_pack("{ss}", "reason", t->reason);

	t->ret = kf_control_ask(t->server->path, "POST", "/snapshot", request, t->timeout_ns, &t->answer, &t->e);
	json_decref(request);
	t->done = true;
	return NULL;
}

static void real_client(void **state)
{
	struct server *s = *state;
	struct client_thread t = { .server = s, .reason = "why \"not\"", .timeout_ns = 5000 * MS };
	pthread_t thread;

	pthread_create(&thread, NULL, client_main, &t);
	while (!t.done)
		kf_events_step(s->events, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(t.ret, 0);
	assert_string_equal(s->wish.reason, "why \"not\"");
	assert_string_equal(json_string_value(json_object_get(t.answer, "path")), "/x/y.kfl");
	json_decref(t.answer);

	/* refused */
	s->answers_later = true;
	s->pending = 1;
	t = (struct client_thread){ .server = s, .reason = "", .timeout_ns = 5000 * MS };
	pthread_create(&thread, NULL, client_main, &t);
	while (!t.done)
		kf_events_step(s->events, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(t.ret, -1);
	assert_int_equal(t.e.status, KF_HOST);
	assert_string_equal(t.e.message, "busy: one is being written");

	/* a recorder that hangs */
	t = (struct client_thread){ .server = s, .reason = "", .timeout_ns = 50 * MS };
	client_main(&t);
	assert_int_equal(t.ret, -1);
	assert_non_null(strstr(t.e.message, "no answer from the recorder within 50"));

	/* none at all */
	kf_control_free(&s->control);
	client_main(&t);
	assert_int_equal(t.ret, -1);
	assert_int_equal(t.e.status, KF_HOST);
	assert_non_null(strstr(t.e.message, "no recorder is running"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads, setup, teardown),
		cmocka_unit_test_setup_teardown(snapshots, setup, teardown),
		cmocka_unit_test_setup_teardown(too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(changes, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_later, setup, teardown),
		cmocka_unit_test_setup_teardown(ending, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(dripping_client, setup, teardown),
		cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(who_owns_the_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(group_of_the_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(locked_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(metrics_port, setup, teardown),
		cmocka_unit_test_setup_teardown(real_client, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
