/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mark.h - how kflight knows again, after a restart, which files it wrote itself: an extended attribute of the file.
 *
 *	user.kflight = "1 INODE BOOT-ID BOOT-NS"	inode number; of the boot, and CLOCK_BOOTTIME in ns, when it was written
 *
 * A name proves nothing, and a copy of a snapshot has the same bytes. The inode number tells a copy that took the attribute along
 * (cp -a, rsync -X). The two others give the age without the wall clock, as long as the host was not booted since.
 */
#ifndef KF_DAEMON_MARK_H
#define KF_DAEMON_MARK_H

#include <stdbool.h>
#include <stdint.h>

/* Returns 0 or an errno; EOPNOTSUPP: the file system has no such attributes. */
int kf_mark_set(int fd);

struct kf_clocks {
	char boot_id[40];
	uint64_t boot_ns; /* CLOCK_BOOTTIME */
	uint64_t real_ns; /* CLOCK_REALTIME, which may be wrong */
};
void kf_clocks_read(struct kf_clocks *out);

/*
 * Did kflight, as this user, write this file? Then its age is in *age_ns: by the boot's clock where it is of this boot, else by its
 * time of modification (0 if that is in the future).
 */
bool kf_mark_is_ours(int fd, const struct kf_clocks *now, uint64_t *age_ns);

#endif
