/* SPDX-License-Identifier: BSD-2-Clause */
#define KF_BASE_ERROR_C
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct kf_error *e, enum kf_status status, const char *hint, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));
static void fill(struct kf_error *e, enum kf_status status, const char *hint, const char *format, va_list args)
{
	e->status = status;
	vsnprintf(e->message, sizeof(e->message), format, args);
	snprintf(e->hint, sizeof(e->hint), "%s", hint ? hint : "");
}

int kf_fail(struct kf_error *e, enum kf_status status, const char *hint, const char *format, ...)
{
	va_list args;

	if (!e)
		return -1;
	va_start(args, format);
	fill(e, status, hint, format, args);
	va_end(args);
	return -1;
}

static enum kf_status status_of(int err)
{
	switch (err) {
	case EPERM:
	case EACCES:
	case ENOMEM:
	case ENOSPC:
	case EMFILE:
	case ENFILE:
		return KF_HOST;
	default:
		return KF_USAGE;
	}
}

int kf_fail_errno(struct kf_error *e, int err, const char *hint, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!e)
		return -1;
	va_start(args, format);
	fill(e, status_of(err), hint, format, args);
	va_end(args);
	used = strlen(e->message);
	snprintf(e->message + used, sizeof(e->message) - used, ": %s", strerror(err));
	return -1;
}

int kf_fail_memory(struct kf_error *e, const char *what)
{
	return kf_fail(e, KF_HOST, NULL, "not enough memory for %s", what);
}

/* Standard error is one for the whole process, and so is what takes its place. Set before there are threads. */
static kf_message_fn message_fn;
static void *message_context;

void kf_messages_to(kf_message_fn fn, void *context)
{
	message_fn = fn;
	message_context = context;
}

int kf_error_print(const struct kf_error *e)
{
	if (message_fn) {
		message_fn(message_context, e->status, e->message, e->hint);
		return e->status;
	}
	fprintf(stderr, "kflight: error: %s\n", e->message);
	if (e->hint[0])
		fprintf(stderr, "kflight: hint: %s\n", e->hint);
	return e->status;
}

void kf_note(const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (message_fn)
		message_fn(message_context, KF_OK, message, "");
	else
		fprintf(stderr, "kflight: %s\n", message);
}
