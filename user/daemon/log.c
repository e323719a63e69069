/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "cli/options.h"
#include "daemon/events.h"
#include "daemon/log_limit.h"
#include "daemon/log_line.h"

#define JOURNAL_SOCKET	  "/run/systemd/journal/socket"
#define MAX_MESSAGE_BYTES 1024

struct kf_log {
	enum kf_log_format format; /* never KF_LOG_AUTO */
	int journal;		   /* -1 closed */
	pthread_mutex_t lock;
	struct kf_log_limit limit;
	uint64_t lost; /* that nobody took, not said yet */
	struct kf_timer *report;
	bool report_set;
	pthread_t owner; /* of the timer */
};

/* ---- where it goes ---- */

/* systemd names the device and inode that it connected our standard error to; somebody may have redirected it since. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t device, inode;
	struct stat st;

	return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 && !fstat(STDERR_FILENO, &st) &&
	       st.st_dev == device && st.st_ino == inode;
}

static const struct sockaddr_un journal_address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };

/* Not connected: the journal may be restarted. */
static int open_journal(struct kf_error *e)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return kf_fail_errno(e, errno, NULL, "cannot log to the journal");
	if (access(JOURNAL_SOCKET, W_OK)) {
		kf_fail_errno(e, errno, "--log text or --log json", "cannot log to the journal at '%s'",
			      JOURNAL_SOCKET);
		close(fd);
		return -1;
	}
	return fd;
}

/* Returns 0 if it was taken. */
static int send_journal(int fd, const void *bytes, size_t len)
{
	return sendto(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&journal_address,
		      sizeof(journal_address)) < 0;
}

/* Standard error is shared with others: O_NONBLOCK would be theirs, too. A pipe that polls writable takes a line at once. */
static int write_stderr(const char *bytes, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) != 1 || p.revents != POLLOUT) /* POLLERR: a write would be a SIGPIPE */
		return -1;
	return write(STDERR_FILENO, bytes, len) < 0;
}

static int put(struct kf_log *log, const struct kf_log_line *line)
{
	char bytes[KF_LOG_DATAGRAM_BYTES];
	size_t len;

	switch (log->format) {
	case KF_LOG_JOURNAL:
		return send_journal(log->journal, bytes, kf_log_line_journal(line, bytes));
	case KF_LOG_JSON:
		len = kf_log_line_json(line, bytes);
		return len ? write_stderr(bytes, len) : -1;
	case KF_LOG_TEXT:
	case KF_LOG_AUTO:
		break;
	}
	return write_stderr(bytes, kf_log_line_text(line, bytes));
}

static uint64_t realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- what was left out ---- */

static void put_text(struct kf_log *log, enum kf_log_level level, const char *message)
{
	const struct kf_log_line line = { .level = level, .realtime_ns = realtime_ns(), .message = message };

	if (put(log, &line))
		log->lost++;
}

static void report(struct kf_log *log)
{
	uint64_t lost = log->lost;
	char text[160];

	if (kf_log_limit_report(&log->limit, text, sizeof(text)))
		put_text(log, KF_LOG_NOTICE, text);
	if (!lost || log->lost != lost)
		return;
	log->lost = 0;
	snprintf(text, sizeof(text), "%" PRIu64 " messages are lost: nobody read them", lost);
	put_text(log, KF_LOG_WARNING, text);
}

static void on_report(void *context)
{
	struct kf_log *log = context;

	pthread_mutex_lock(&log->lock);
	log->report_set = false;
	report(log);
	pthread_mutex_unlock(&log->lock);
}

/* Timers belong to the thread of the loop. */
static void report_later(struct kf_log *log)
{
	if (!log->report || log->report_set || !pthread_equal(log->owner, pthread_self()))
		return;
	log->report_set = true;
	kf_timer_set(log->report, kf_now_ns() + KF_LOG_REPEAT_NS, 0);
}

/* ---- messages ---- */

static void take(struct kf_log *log, const struct kf_log_line *line)
{
	pthread_mutex_lock(&log->lock);
	if (kf_log_limit_take(&log->limit, line->level <= KF_LOG_ERROR, line->message, kf_now_ns())) {
		report(log);
		if (put(log, line))
			log->lost++;
	} else {
		report_later(log);
	}
	pthread_mutex_unlock(&log->lock);
}

static const char *hint_of(const struct kf_log_field *fields)
{
	for (; fields && fields->name; fields++)
		if (!strcmp(fields->name, "hint"))
			return fields->value;
	return NULL;
}

void kf_log(struct kf_log *log, enum kf_log_level level, const struct kf_log_field *fields, const char *format, ...)
{
	char message[MAX_MESSAGE_BYTES];
	const struct kf_log_line line = { .level = level,
					  .realtime_ns = realtime_ns(),
					  .message = message,
					  .hint = hint_of(fields),
					  .fields = fields };
	struct kf_log text = { .format = KF_LOG_TEXT };
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (log)
		take(log, &line);
	else
		put(&text, &line);
}

static void on_message(void *context, enum kf_status status, const char *message, const char *hint)
{
	const struct kf_log_line line = { .level = status == KF_OK ? KF_LOG_INFO : KF_LOG_ERROR,
					  .realtime_ns = realtime_ns(),
					  .message = message,
					  .hint = hint };

	take(context, &line);
}

/* ---- life ---- */

int kf_log_parse(const char *text, enum kf_log_format *out, struct kf_error *e)
{
	static const char *const names[] = { "text", "json", "journal", NULL };
	const char *near;

	*out = KF_LOG_AUTO;
	if (!text)
		return 0;
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], text)) {
			*out = KF_LOG_TEXT + i;
			return 0;
		}
	near = kf_nearest(text, names);
	return kf_fail(e, KF_USAGE, "one of text, json, journal", "bad --log '%.80s'%s%s%s", text,
		       near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Keeps the old one if that fails. */
static int choose(struct kf_log *log, enum kf_log_format format, struct kf_error *e)
{
	int journal = -1;

	if (format == KF_LOG_JOURNAL || (format == KF_LOG_AUTO && stderr_is_journal()))
		journal = open_journal(e);
	if (format == KF_LOG_JOURNAL && journal < 0)
		return -1;
	if (log->journal >= 0)
		close(log->journal);
	log->journal = journal;
	log->format = journal >= 0 ? KF_LOG_JOURNAL : format == KF_LOG_JSON ? KF_LOG_JSON : KF_LOG_TEXT;
	return 0;
}

int kf_log_change(struct kf_log *log, enum kf_log_format format, struct kf_error *e)
{
	int ret;

	pthread_mutex_lock(&log->lock);
	ret = choose(log, format, e);
	pthread_mutex_unlock(&log->lock);
	return ret;
}

int kf_log_new(struct kf_log **out, enum kf_log_format format, struct kf_error *e)
{
	struct kf_log *log = calloc(1, sizeof(*log));

	if (!log)
		return kf_fail_memory(e, "the log");
	log->journal = -1;
	pthread_mutex_init(&log->lock, NULL);
	if (choose(log, format, e)) {
		kf_log_free(&log);
		return -1;
	}
	kf_messages_to(on_message, log);
	*out = log;
	return 0;
}

bool kf_log_is_for_programs(const struct kf_log *log)
{
	return log && log->format != KF_LOG_TEXT;
}

int kf_log_watch(struct kf_log *log, struct kf_events *events, struct kf_error *e)
{
	struct kf_timer *timer = NULL;

	if (events && kf_events_timer(events, on_report, log, &timer, e))
		return -1;
	pthread_mutex_lock(&log->lock);
	log->report = timer;
	log->report_set = false;
	log->owner = pthread_self();
	pthread_mutex_unlock(&log->lock);
	return 0;
}

void kf_log_free(struct kf_log **log)
{
	if (!*log)
		return;
	kf_messages_to(NULL, NULL);
	report(*log);
	if ((*log)->journal >= 0)
		close((*log)->journal);
	pthread_mutex_destroy(&(*log)->lock);
	free(*log);
	*log = NULL;
}
