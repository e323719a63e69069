/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * argv.h - splits a command line into words, with the quotes of a shell, but without one.
 *
 * Blanks separate. 'x' is literal; "x" is, too, but for \" and \\; outside of quotes a backslash takes the next character as it is.
 * Nothing is expanded: no variables, no globs, no ~. What only a shell could do (| & ; < > ( ) ` and $ outside of '') is an error,
 * so that nobody takes it for granted: such a command belongs into a script.
 */
#ifndef KF_DAEMON_ARGV_H
#define KF_DAEMON_ARGV_H

#include <stddef.h>

struct kf_error;

#define KF_ARGV_MAX_WORDS 256
#define KF_ARGV_MAX_BYTES 8192

struct kf_argv {
	char **words; /* n, and NULL behind the last */
	size_t n;
};

/* Errors name the column, from 1. At least one word. On failure out is empty. */
int kf_argv_parse(const char *text, struct kf_argv *out, struct kf_error *e);
void kf_argv_release(struct kf_argv *a);

/* A copy with value in place of every "{}". Returns 0 or -1 when out of memory (out is then empty). */
int kf_argv_fill(const struct kf_argv *template, const char *value, struct kf_argv *out);

#endif
