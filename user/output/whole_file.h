/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * whole_file.h - an output file that appears under its name only when it is whole.
 *
 * Bytes go to a temporary name beside it; kf_whole_file_commit() syncs and renames, over an older file of that name.
 * But never over a snapshot: what it holds cannot be recorded again.
 * What is no regular file ("-" is standard output, a pipe, /dev/null) is written to directly, and so is /dev/stdout,
 * wherever it leads. New files are 0600: what a host did is nobody else's business.
 */
#ifndef KF_OUTPUT_WHOLE_FILE_H
#define KF_OUTPUT_WHOLE_FILE_H

#include <stdio.h>

struct kf_error;

struct kf_whole_file {
	FILE *out;  /* write here */
	char *path; /* the final name; NULL: standard output */
	char *temp; /* NULL: written to directly */
};

/* Fails if a snapshot has that name. */
int kf_whole_file_open(struct kf_whole_file *f, const char *path, struct kf_error *e);
/* Closes; on failure nothing is left under either name, and an older file stays as it was. */
int kf_whole_file_commit(struct kf_whole_file *f, struct kf_error *e);
/* Closes and removes what was written. Nothing to do after a commit or a failed open, and harmless then. */
void kf_whole_file_abandon(struct kf_whole_file *f);

#endif
