/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ini_file.h - INI files that root may act upon, read strictly with inih.
 *
 *	# a comment stands on a line of its own
 *	[SECTION]
 *	KEY = VALUE
 *	 goes on here (an indented line)
 *
 * What inih takes in silence is refused here: comments behind values (it would cut the value there), text behind a section's
 * bracket, lines longer than it can hold (200 bytes as Debian builds it), indented sections, control characters and NULs. And
 * so are files larger than 1 MiB, that are no regular files, or that somebody else than root and the user (who may have called sudo) could write.
 */
#ifndef KF_CLI_INI_FILE_H
#define KF_CLI_INI_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct kf_error;

/* Valid only during the call. */
struct kf_ini_item {
	unsigned int line;
	const char *section; /* "" before the first */
	const char *key;     /* NULL: the section begins here */
	const char *value;   /* without the blanks at its ends */
	bool goes_on;	     /* a further line of the last key */
};

/* Returns 0, or -1 with the reason in e: then reading ends, and the file and line are put in front of it. */
typedef int (*kf_ini_fn)(void *context, const struct kf_ini_item *item, struct kf_error *e);

int kf_ini_read(const char *path, kf_ini_fn fn, void *context, struct kf_error *e);

/* The same from memory; path is for messages. text need not end with a NUL. */
int kf_ini_read_text(const char *path, const char *text, size_t len, kf_ini_fn fn, void *context, struct kf_error *e);

/* Puts "'PATH', line N: " in front of e's message, and returns -1. */
int kf_ini_blame(const char *path, unsigned int line, struct kf_error *e);

#endif
