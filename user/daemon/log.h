/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - what the recorder says while it runs: a line for a person, an object for a program, or an entry of the journal.
 *
 *	text	"kflight: MESSAGE", "kflight: warning: ...", "kflight: error: ...", "kflight: hint: ..." on standard error
 *	json	{"time":"2026-11-21T08:15:02.123Z","level":"info","message":"...","path":"..."} a line each, on standard error
 *	journal	systemd's native protocol: a datagram of fields to /run/systemd/journal/socket; level as PRIORITY,
 *		message as MESSAGE, the field "path" as KFLIGHT_PATH, "message_id" as MESSAGE_ID. Described in systemd's
 *		"Native Journal Protocol" (systemd.io/JOURNAL_NATIVE_PROTOCOL).
 *
 *	kf_log(log, KF_LOG_INFO, KF_LOG_FIELDS({ "path", path }, { "rule", rule }), "wrote '%s'", path);
 *
 * Never blocks: what its reader does not take at once is lost, and counted. Never floods: a message that repeats is counted for
 * ten seconds, and of others come a few at once, then one a second (daemon/log_limit.h); how many were left out is said by the
 * next line, or ten seconds later.
 *
 * All messages of a process that has a log go there: kf_note() and kf_error_print() of all modules, too (as info and error).
 * Any thread may log. A forked child must not.
 */
#ifndef KF_DAEMON_LOG_H
#define KF_DAEMON_LOG_H

#include <stdbool.h>

struct kf_error;
struct kf_events;
struct kf_log;

/* As in syslog(3). */
enum kf_log_level { KF_LOG_ERROR = 3, KF_LOG_WARNING = 4, KF_LOG_NOTICE = 5, KF_LOG_INFO = 6 };

enum kf_log_format { KF_LOG_AUTO = 0, KF_LOG_TEXT, KF_LOG_JSON, KF_LOG_JOURNAL };

/*
 * name: lower-case letters, digits and '_'. One with value NULL or "" is left out. "hint" is shown as text, too. In use besides: path,
 * rule, reason, pid, comm, trace_id, span_id, setting, message_id.
 */
struct kf_log_field {
	const char *name;
	const char *value;
};
#define KF_LOG_FIELDS(...) ((const struct kf_log_field[]){ __VA_ARGS__, { 0 } })

/* For "message_id": one for each kind of event, for `journalctl MESSAGE_ID=...`. Never changed. */
#define KF_LOG_ID_SNAPSHOT "bb975704f58342ee843ed08cf529708d" /* a snapshot was written */
#define KF_LOG_ID_LOST	   "3cc1b84ea3694e66ab81e472d95ea4c2" /* one was not */
#define KF_LOG_ID_RELOADED "dccda13ff20240dc83c89d3213fd446f" /* a setting has changed, or would with a restart */

/* "text", "json", "journal"; NULL is KF_LOG_AUTO: the journal if standard error is connected to it, else text. */
int kf_log_parse(const char *text, enum kf_log_format *out, struct kf_error *e);

/* From here on all messages of the process go there. Fails only for KF_LOG_JOURNAL without a journal. */
int kf_log_new(struct kf_log **out, enum kf_log_format format, struct kf_error *e);
/* Says what was left out. From here on messages go to standard error again. */
void kf_log_free(struct kf_log **log);

/* Another format while it runs. On failure it stays as it was. */
int kf_log_change(struct kf_log *log, enum kf_log_format format, struct kf_error *e);

/* Are its lines for programs? Then they also say what a person reads from standard output. */
bool kf_log_is_for_programs(const struct kf_log *log);

/* Without, what was left out is said by the next line only. events must outlive it, or be taken away (NULL). */
int kf_log_watch(struct kf_log *log, struct kf_events *events, struct kf_error *e);

/* fields may be NULL. log may be NULL: text on standard error. The message is cut at 1 KiB. */
void kf_log(struct kf_log *log, enum kf_log_level level, const struct kf_log_field *fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
