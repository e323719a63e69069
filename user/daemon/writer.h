/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * writer.h - writes one snapshot at a time in a thread of its own, so that the recorder goes on answering meanwhile.
 *
 * kf_writer_start() takes the snapshot; when kf_writer_fd() becomes readable, kf_writer_finish() tells how it went.
 */
#ifndef KF_DAEMON_WRITER_H
#define KF_DAEMON_WRITER_H

struct kf_error;
struct kf_snapshot;
struct kf_writer;

int kf_writer_new(struct kf_writer **out, int dir_fd, struct kf_error *e);
/* Waits for a snapshot that is being written. */
void kf_writer_free(struct kf_writer **w);

int kf_writer_fd(const struct kf_writer *w);

/* *s belongs to the writer from here on, and is NULL afterwards, whether this fails or not. */
int kf_writer_start(struct kf_writer *w, struct kf_snapshot **s, struct kf_error *e);

/* Name of the file that was written (in dir_fd, valid until the next start), or NULL with the reason in e. */
const char *kf_writer_finish(struct kf_writer *w, struct kf_error *e);

#endif
