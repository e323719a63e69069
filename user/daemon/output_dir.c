/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/output_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/leftovers.h"
#include "snapshot/snapshot.h"

#define NOBODY	    UINT32_MAX
#define HINT_FOLDER "name another folder with -o"

struct kf_output_dir {
	int fd;
	gid_t group; /* NOBODY none */
	char path[PATH_MAX];
};

/* ---- the group ---- */

/* An id out of the environment or a name; NOBODY if it is none. */
static uint32_t parse_id(const char *text)
{
	char *end;
	unsigned long id;

	if (!text || *text < '0' || *text > '9')
		return NOBODY;
	errno = 0;
	id = strtoul(text, &end, 10);
	return *end || errno || id >= NOBODY ? NOBODY : (uint32_t)id;
}

static int find_group(const char *name, gid_t *out, struct kf_error *e)
{
	const struct group *entry = getgrnam(name);

	*out = entry ? entry->gr_gid : parse_id(name);
	if (*out != NOBODY)
		return 0;
	return kf_fail(e, KF_USAGE, "`getent group` lists the groups; groupadd makes one", "there is no group '%s'",
		       name);
}

int kf_output_dir_check_group(const char *group, struct kf_error *e)
{
	gid_t ignored;

	return find_group(group, &ignored, e);
}

/* The owner of a file may give it to a group he is in: no capability is needed for that later on. */
static int join_group(gid_t group, const char *name, struct kf_error *e)
{
	gid_t groups[NGROUPS_MAX + 1];
	int n = getgroups(NGROUPS_MAX, groups);

	if (getegid() == group)
		return 0;
	for (int i = 0; i < n; i++)
		if (groups[i] == group)
			return 0;
	if (n < 0 || n >= NGROUPS_MAX)
		n = 0;
	groups[n] = group;
	if (setgroups((size_t)n + 1, groups))
		return kf_fail_errno(e, errno, "run as root, or as a member of that group", "cannot join group '%s'",
				     name);
	return 0;
}

/* ---- the folder ---- */

/* sudo's caller can become root anyway. */
static bool is_trusted_owner(uid_t uid)
{
	return uid == 0 || uid == geteuid() || uid == parse_id(getenv("SUDO_UID"));
}

static bool is_trusted_group(const struct kf_output_dir *d, gid_t gid)
{
	return gid == 0 || gid == d->group || gid == parse_id(getenv("SUDO_GID"));
}

/* path: for messages. */
static int check_writers(const struct kf_output_dir *d, const char *path, const struct stat *st, struct kf_error *e)
{
	if (!is_trusted_owner(st->st_uid))
		return kf_fail(e, KF_USAGE, "give a folder of root's own, or `chown root` this one",
			       "folder '%s' belongs to user %u, who could replace snapshots in it", path, st->st_uid);
	if (st->st_mode & S_ISVTX)
		return 0;
	if (st->st_mode & S_IWOTH)
		return kf_fail(e, KF_USAGE, "`chmod o-w` it, or name another folder with -o",
			       "folder '%s' can be written by everybody, who could replace snapshots in it", path);
	if ((st->st_mode & S_IWGRP) && !is_trusted_group(d, st->st_gid))
		return kf_fail(e, KF_USAGE, "`chmod g-w` it, or give --group if that group is meant to",
			       "folder '%s' can be written by group %u, which could replace snapshots in it", path,
			       st->st_gid);
	return 0;
}

static int check_folder(const struct kf_output_dir *d, int fd, struct kf_error *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return kf_fail_errno(e, errno, HINT_FOLDER, "cannot look at folder '%s'", d->path);
	return check_writers(d, d->path, &st, e);
}

/* All folders above an absolute path. */
static int check_above(const struct kf_output_dir *d, const char *path, struct kf_error *e)
{
	char above[PATH_MAX];
	struct stat st;

	snprintf(above, sizeof(above), "%s", path);
	for (char *slash = strrchr(above, '/'); slash; slash = slash == above ? NULL : strrchr(above, '/')) {
		slash[slash == above] = 0;
		if (stat(above, &st))
			return kf_fail_errno(e, errno, HINT_FOLDER, "cannot look at folder '%s'", above);
		if (check_writers(d, above, &st, e))
			return -1;
	}
	return 0;
}

static int fail_link(const struct kf_output_dir *d, struct kf_error *e)
{
	char target[PATH_MAX], hint[300];

	if (!realpath(d->path, target))
		snprintf(target, sizeof(target), "...");
	snprintf(hint, sizeof(hint), "give the folder it leads to: -o '%.250s'", target);
	return kf_fail(e, KF_USAGE, hint, "folder '%s' is a symbolic link, which could be turned elsewhere", d->path);
}

/* Returns the descriptor, or -1. */
static int open_folder(const struct kf_output_dir *d, struct kf_error *e)
{
	bool made = !mkdir(d->path, d->group == NOBODY ? 0700 : 0750);
	struct stat st;
	int fd;

	if (!made && errno != EEXIST)
		return kf_fail_errno(e, errno, HINT_FOLDER, "cannot make folder '%s'", d->path);
	fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && !lstat(d->path, &st) && S_ISLNK(st.st_mode))
		return fail_link(d, e);
	if (fd < 0)
		return kf_fail_errno(e, errno, HINT_FOLDER, "cannot open folder '%s'", d->path);
	if (check_folder(d, fd, e) || (made && d->group != NOBODY && fchown(fd, (uid_t)-1, d->group) &&
				       kf_fail_errno(e, errno, NULL, "cannot give folder '%s' its group", d->path))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Better to learn at start than at the first incident that the folder takes no files. What a kill leaves of it is a leftover like others: in a
 * container the next recorder has the same pid. */
static int try_file(const struct kf_output_dir *d, struct kf_error *e)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), KF_SNAPSHOT_TEMP_PREFIX "try-%d", getpid());
	fd = openat(d->fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return kf_fail_errno(e, errno, HINT_FOLDER, "cannot write to folder '%s'", d->path);
	close(fd);
	unlinkat(d->fd, name, 0);
	return 0;
}

/* Absolute, because the current folder may change; no slash at the end, because that would follow a link. */
static int set_path(struct kf_output_dir *d, const char *path, struct kf_error *e)
{
	char here[PATH_MAX] = "";
	size_t len;

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return kf_fail_errno(e, errno, "give an absolute path with -o", "cannot tell the current folder");
	len = (size_t)snprintf(d->path, sizeof(d->path), "%s%s%s", here, path[0] == '/' ? "" : "/", path);
	if (!path[0] || len >= sizeof(d->path))
		return kf_fail(e, KF_USAGE, HINT_FOLDER, "bad folder '%.200s'", path);
	for (;; d->path[len] = 0)
		if (len > 1 && d->path[len - 1] == '/')
			len--;
		else if (len > 2 && d->path[len - 1] == '.' && d->path[len - 2] == '/')
			len -= 2;
		else
			break;
	if (!d->path[0])
		strcpy(d->path, "/");
	return 0;
}

int kf_output_dir_new(struct kf_output_dir **out, const char *path, const char *group, struct kf_error *e)
{
	struct kf_output_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return kf_fail_memory(e, "the output folder");
	d->group = NOBODY;
	d->fd = -1;
	if (set_path(d, path, e) || (group && (find_group(group, &d->group, e) || join_group(d->group, group, e))))
		goto failed;
	d->fd = open_folder(d, e);
	if (d->fd < 0)
		goto failed;
	kf_leftovers_remove(d->fd);
	if (try_file(d, e))
		goto failed;
	*out = d;
	return 0;
failed:
	kf_output_dir_free(&d);
	return -1;
}

void kf_output_dir_free(struct kf_output_dir **d)
{
	if (!*d)
		return;
	if ((*d)->fd >= 0)
		close((*d)->fd);
	free(*d);
	*d = NULL;
}

int kf_output_dir_check_hooks(const struct kf_output_dir *d, bool converts, struct kf_error *e)
{
	char real[PATH_MAX];
	struct stat st;

	/* As it is written, and where its links lead. */
	if (fstat(d->fd, &st) || !realpath(d->path, real))
		return kf_fail_errno(e, errno, HINT_FOLDER, "cannot look at folder '%s'", d->path);
	if (check_above(d, d->path, e) || check_above(d, real, e))
		return -1;
	if (converts && st.st_uid != geteuid() && !(st.st_mode & S_IWOTH))
		return kf_fail(e, KF_USAGE, "give a folder of root's own, or leave --convert out",
			       "--convert cannot write to folder '%s': it belongs to user %u", d->path, st.st_uid);
	return 0;
}

int kf_output_dir_fd(const struct kf_output_dir *d)
{
	return d->fd;
}

const char *kf_output_dir_path(const struct kf_output_dir *d)
{
	return d->path;
}

gid_t kf_output_dir_group(const struct kf_output_dir *d)
{
	return d->group;
}

static bool is_same(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int kf_output_dir_refresh(struct kf_output_dir *d, bool *changed, struct kf_error *e)
{
	int fd = open_folder(d, e);

	*changed = false;
	if (fd < 0)
		return -1;
	*changed = !is_same(fd, d->fd);
	if (*changed && dup3(fd, d->fd, O_CLOEXEC) < 0) {
		kf_fail_errno(e, errno, NULL, "cannot open folder '%s'", d->path);
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

int kf_output_dir_own(const struct kf_output_dir *d, int fd)
{
	if (d->group == NOBODY)
		return 0;
	return fchown(fd, (uid_t)-1, d->group) || fchmod(fd, 0640) ? errno : 0;
}
