/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output_dir.h - the folder snapshots go to.
 *
 * Who can write to it could put something else in the place of a snapshot, which then is shipped as root. So it must be a folder, not a
 * symbolic link, that belongs to root, to us, or to who called sudo; others may write to it only if it is sticky (/tmp: each his own
 * files), a group only if it is root's, the caller's of sudo or the one of --group. Folders above it matter to what is run on a
 * snapshot (kf_output_dir_check_hooks()); to us they do not: files are made with O_EXCL and O_NOFOLLOW under a descriptor of the folder, so
 * at worst they lie in another folder that passes the same test.
 *
 * The path rules: the folder is looked at before each snapshot, made again if it is gone, and opened anew if another one is there now
 * (mounted, unmounted, moved). Its descriptor keeps its number all that time.
 */
#ifndef KF_DAEMON_OUTPUT_DIR_H
#define KF_DAEMON_OUTPUT_DIR_H

#include <stdbool.h>
#include <sys/types.h>

struct kf_error;
struct kf_output_dir;

/*
 * Opens the folder, makes it (mode 0700, not its parents) if it is missing, removes what dead recorders left half-written (daemon/leftovers.h), and tries
 * whether files can be made there. group: name or number of the group that may read what is written there (0640), NULL none (0600); the
 * process joins it, so that it may still give files to it without capabilities.
 */
int kf_output_dir_new(struct kf_output_dir **out, const char *path, const char *group, struct kf_error *e);
/* Is there such a group? */
int kf_output_dir_check_group(const char *group, struct kf_error *e);
void kf_output_dir_free(struct kf_output_dir **d);

/*
 * What is run on a snapshot finds it by its path, so who may write to any folder above could give it another file; and it has no
 * capabilities, so it cannot write beside a snapshot in the folder of another user (converts).
 */
int kf_output_dir_check_hooks(const struct kf_output_dir *d, bool converts, struct kf_error *e);

/* The same number for life, whatever folder it is. */
int kf_output_dir_fd(const struct kf_output_dir *d);
/* Absolute, without a slash at its end. */
const char *kf_output_dir_path(const struct kf_output_dir *d);
/* (gid_t)-1 none. */
gid_t kf_output_dir_group(const struct kf_output_dir *d);

/* Is it still what the path leads to? Else opens that, after the same tests; *changed says so. */
int kf_output_dir_refresh(struct kf_output_dir *d, bool *changed, struct kf_error *e);

/* Gives the file its group and mode; 0 or an errno. Any thread. */
int kf_output_dir_own(const struct kf_output_dir *d, int fd);

#endif
