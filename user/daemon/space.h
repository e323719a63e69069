/* SPDX-License-Identifier: BSD-2-Clause */
/* space.h - the floor under which kflight does not take more of a disk: --min-free 1gb, or 5% of the file system. */
#ifndef KF_DAEMON_SPACE_H
#define KF_DAEMON_SPACE_H

#include <stdint.h>

struct kf_error;

struct kf_space {
	uint64_t min_free_bytes; /* 0 no floor of bytes */
	uint32_t min_free_ppm;	 /* ... and of the file system's size */
};

/* "1gb", "5%", or both: "1gb,5%". text NULL: no floor. */
int kf_space_parse(const char *text, struct kf_space *out, struct kf_error *e);

/* How many bytes are missing to write need_bytes and stay above the floor; free: what users without privileges may take. */
uint64_t kf_space_missing(const struct kf_space *space, uint64_t total_bytes, uint64_t free_bytes, uint64_t need_bytes);

/* The same for the file system of that folder, as it is now. */
int kf_space_missing_in(const struct kf_space *space, int dir_fd, uint64_t need_bytes, uint64_t *missing_bytes,
			struct kf_error *e);

#endif
