/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.h - how a function says why it failed.
 *
 * A fallible function takes a struct kf_error * as its last argument, returns 0 or -1 (or NULL), and on failure leaves
 * one line for the user there: what failed, on which object (in single quotes), why; and, if there is one, a hint what
 * to try. Lower case, no full stop. Only the commands in user/cmd/ print it, once.
 */
#ifndef KF_BASE_ERROR_H
#define KF_BASE_ERROR_H

enum kf_status {
	KF_OK = 0,
	KF_FINDINGS = 1,   /* check: something was found */
	KF_USAGE = 2,	   /* bad usage or unreadable input */
	KF_HOST = 3,	   /* host unsupported or no permission */
	KF_INCOMPLETE = 4, /* verdict impossible: the window is incomplete */
};

struct kf_error {
	enum kf_status status;
	char message[512];
	char hint[384];
};

/*
 * Fills *e and returns -1, so that a caller can write `return kf_fail(e, KF_USAGE, "give a unit", "bad duration '%s'",
 * s);`. hint may be NULL. e may be NULL: then only -1 is returned.
 */
int kf_fail(struct kf_error *e, enum kf_status status, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* kf_fail() with KF_HOST for EPERM, EACCES, ENOMEM, ENOSPC, EMFILE, ENFILE, else KF_USAGE, and ": strerror(err)" at the end. */
int kf_fail_errno(struct kf_error *e, int err, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

int kf_fail_memory(struct kf_error *e, const char *what);

#if defined(__clang_analyzer__) && !defined(KF_BASE_ERROR_C)
/* The analyzer sees one file at a time and cannot know that these never return 0. */
#define kf_fail(...)	    ((void)(kf_fail)(__VA_ARGS__), -1)
#define kf_fail_errno(...)  ((void)(kf_fail_errno)(__VA_ARGS__), -1)
#define kf_fail_memory(...) ((void)(kf_fail_memory)(__VA_ARGS__), -1)
#endif

/* "kflight: error: MESSAGE" and "kflight: hint: HINT" on stderr; returns e->status for main. */
int kf_error_print(const struct kf_error *e);

/* "kflight: FORMAT" on stderr: something the user should know that is no error. */
void kf_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Where kf_note() (status KF_OK, hint "") and kf_error_print() go instead of standard error: for the log of a daemon (daemon/log.h).
 * fn NULL: standard error again. fn may be called in any thread.
 */
typedef void (*kf_message_fn)(void *context, enum kf_status status, const char *message, const char *hint);
void kf_messages_to(kf_message_fn fn, void *context);

#endif
