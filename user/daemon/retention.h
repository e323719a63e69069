/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * retention.h - deletes old snapshots: --keep '100,2gb,7d' keeps at most 100, of 2 GiB together, none older than 7 days.
 *
 *	KEEP := PART { "," PART }	each at most once:  COUNT | SIZE (k, m, g, t) | AGE (h, d, w)
 *
 * A snapshot and what was converted from it (same name up to .kfl) are one: they count once, by their bytes on disk together,
 * and go together. Oldest first.
 *
 * Never deleted: what does not carry kflight's mark (daemon/mark.h), is no regular file, belongs to another user or has a second
 * name (hard link); so copies, renamed files (the name must be of our form, too) and what people made of a snapshot stay. Symbolic
 * links are not followed. Neither the newest one, nor what is held because it is being shipped.
 * Age does not trust the wall clock: for files of this boot it is not asked at all, for older ones a jump ahead of it since the start
 * does not count. (That a host starts with a clock that is far ahead cannot be seen: then only the newest survives an age.)
 *
 * kf_retention_hold() and _release() may be called while another thread is in kf_retention_sweep(); one sweeps at a time.
 */
#ifndef KF_DAEMON_RETENTION_H
#define KF_DAEMON_RETENTION_H

#include <stdint.h>

struct kf_error;
struct kf_retention;

struct kf_keep {
	uint64_t count, bytes, age_ns; /* 0 any */
};
/* text NULL: keep everything. Errors name the part. */
int kf_keep_parse(const char *text, struct kf_keep *out, struct kf_error *e);

/* dir_fd stays the caller's. Fails if the file system cannot keep marks. */
int kf_retention_new(struct kf_retention **out, const struct kf_keep *keep, int dir_fd, struct kf_error *e);
void kf_retention_free(struct kf_retention **r);

struct kf_swept {
	uint64_t snapshots, bytes; /* deleted */
	uint64_t kept, kept_bytes; /* of ours, still there */
	uint64_t undeletable;	   /* should have gone, but could not: why is in e */
};

/*
 * Deletes what is too much; beyond that, the oldest until wanted_bytes were freed. The snapshot `newest` (NULL: the youngest) stays
 * in any case. Blocks as long as the file system takes. -1: the folder cannot be read, or something could not be deleted; *out is
 * right in any case.
 */
int kf_retention_sweep(struct kf_retention *r, const char *newest, uint64_t wanted_bytes, struct kf_swept *out,
		       struct kf_error *e);

/* Not to be deleted until released; name as of the .kfl file. More than 256 at once: the rest is not held. */
void kf_retention_hold(struct kf_retention *r, const char *name);
void kf_retention_release(struct kf_retention *r, const char *name);

/* Calls fn with the age of each snapshot (.kfl) of ours in the folder that is younger than max_age_ns. */
void kf_retention_each_age(int dir_fd, uint64_t max_age_ns, void (*fn)(void *context, uint64_t age_ns), void *context);

#endif
