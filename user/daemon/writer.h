/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * writer.h - writes one snapshot at a time in a thread of its own, so that the recorder goes on answering meanwhile.
 *
 * kf_writer_start() takes the snapshot; when kf_writer_fd() becomes readable, kf_writer_finish() tells how it went. The thread looks
 * after the folder, too: whether it is still there, whether there is space above the floor (if not it deletes old ones, where that is
 * allowed), and afterwards what is too old or too much.
 */
#ifndef KF_DAEMON_WRITER_H
#define KF_DAEMON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/retention.h"
#include "daemon/space.h"

struct kf_error;
struct kf_opener;
struct kf_output_dir;
struct kf_snapshot;
struct kf_writer;

struct kf_writer_options {
	struct kf_output_dir *dir;
	struct kf_retention *retention; /* NULL: keeps everything */
	struct kf_space space;
	struct kf_opener *opener; /* capture/opener.h; NULL: this process has the rights itself */
};

/* What it points to must outlive it. */
int kf_writer_new(struct kf_writer **out, const struct kf_writer_options *opts, struct kf_error *e);
/* Waits for a snapshot that is being written. */
void kf_writer_free(struct kf_writer **w);

int kf_writer_fd(const struct kf_writer *w);

/* *s belongs to the writer from here on, and is NULL afterwards, whether this fails or not. */
int kf_writer_start(struct kf_writer *w, struct kf_snapshot **s, struct kf_error *e);

/*
 * Name of the file that was written (in the folder, valid until the next start), or NULL with the reason in e. It may log a line about the
 * folder (deleted, made again); a failure is the caller's to tell, if kf_writer_failure_is_news().
 */
const char *kf_writer_finish(struct kf_writer *w, struct kf_error *e);

/* A full disk fails every snapshot for the same reason: false if that was told less than a minute ago. The next one that is true
 * has the number of untold ones in its message. */
bool kf_writer_failure_is_news(const struct kf_writer *w);

/* Deletes what has become too old since the last snapshot: call it now and then (hourly). Does not block. */
void kf_writer_sweep(struct kf_writer *w);

struct kf_writer_counts {
	uint64_t written, written_bytes;
	uint64_t failed;   /* lost, for whatever reason */
	uint64_t no_space; /* ... because of the floor, or a full disk */
	uint64_t deleted, deleted_bytes;
	uint64_t undeletable;
	uint64_t kept, kept_bytes; /* of ours in the folder at the last sweep; 0 without retention */
	uint64_t folder_changes;   /* gone and made again, or another one under its path */
};
void kf_writer_counts(const struct kf_writer *w, struct kf_writer_counts *out);

#endif
