/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/cgroup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/error.h"
#include "capture/host.h"

/* kernfs gives it to the root of every hierarchy. */
#define KERNFS_ROOT_INODE 1

/* Undoes the \040 of mountinfo, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; to++) {
		unsigned int byte;

		if (*from == '\\' && sscanf(from + 1, "%3o", &byte) == 1 && strspn(from + 1, "01234567") >= 3) {
			*to = (char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* "/a/b" -> 2. Empty parts and "." do not count. */
static uint32_t depth_of(const char *path)
{
	uint32_t depth = 0;

	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");

		depth += !(len == 1 && *path == '.');
		path += len;
	}
	return depth;
}

/* Is `word` one of the words in a comma-separated list? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",\n") == len && !strncmp(list, word, len))
			return true;
	return false;
}

static long filesystem_of(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) ? 0 : fs.f_type;
}

/*
 * Is the root of a hierarchy mounted here? Its inode number tells, in any cgroup namespace: there mountinfo shows the host's root as
 * "/.." or "/../..", and the root of the container as "/".
 */
static bool is_whole(const char *point)
{
	long type = filesystem_of(point);
	struct stat st;

	return (type == CGROUP2_SUPER_MAGIC || type == CGROUP_SUPER_MAGIC) && !stat(point, &st) &&
	       st.st_ino == KERNFS_ROOT_INODE;
}

/*
 * One line of mountinfo: "ID PARENT DEVICE ROOT POINT OPTIONS [FIELDS...] - TYPE SOURCE OPTIONS". For version 1 only the
 * hierarchy of this controller, for version 2 (controller NULL) any.
 */
static bool parse_line(char *line, const char *controller, struct kf_cgroup_mount *out)
{
	const char *type = controller ? " - cgroup " : " - cgroup2 ";
	char *behind = strstr(line, type), *save = NULL, *root = NULL, *point = NULL;

	if (!behind || (controller && !has_word(strrchr(line, ' ') + 1, controller)))
		return false;
	*behind = '\0';
	for (int field = 0; field < 5; field++) {
		char *word = strtok_r(field ? NULL : line, " ", &save);

		if (!word)
			return false;
		if (field == 3)
			root = word;
		point = word;
	}
	unescape(root);
	unescape(point);
	if (strlen(point) >= sizeof(out->point))
		return false;
	strcpy(out->point, point);
	out->whole = is_whole(point);
	out->level = out->whole ? 0 : depth_of(root);
	return out->whole || !strstr(root, "/..");
}

/* The first whole hierarchy, else the first part of one. */
static bool find_mount(FILE *mountinfo, const char *controller, struct kf_cgroup_mount *out)
{
	struct kf_cgroup_mount here;
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	rewind(mountinfo);
	while (!(found && out->whole) && getline(&line, &room, mountinfo) >= 0) {
		if (!parse_line(line, controller, &here) || (found && !here.whole))
			continue;
		*out = here;
		found = true;
	}
	free(line);
	return found;
}

int kf_cgroup_mount_find(const char *mountinfo_path, struct kf_cgroup_mount *out, struct kf_error *e)
{
	FILE *file = fopen(mountinfo_path, "re");
	bool found;

	if (!file)
		return kf_fail_errno(e, errno, NULL, "cannot read '%s'", mountinfo_path);
	found = find_mount(file, NULL, out);
	fclose(file);
	if (found)
		return 0;
	return kf_fail(e, KF_HOST, "`mount -t cgroup2 none DIR` mounts it anywhere",
		       "cannot filter by cgroup: no cgroup2 hierarchy is mounted");
}

bool kf_cgroup_mount_find_cpu(const char *mountinfo_path, struct kf_cgroup_mount *out)
{
	FILE *file = fopen(mountinfo_path, "re");
	bool found;

	if (!file)
		return false;
	found = find_mount(file, "cpu", out) || find_mount(file, NULL, out);
	fclose(file);
	return found;
}

/* Whether path is dir or lies below it; *rest is then what follows. */
static bool starts_with_dir(const char *path, const char *dir, const char **rest)
{
	size_t len = strlen(dir);

	if (strncmp(path, dir, len) || (path[len] && path[len] != '/'))
		return false;
	*rest = path + len;
	return true;
}

static int not_found(const char *path, const struct kf_cgroup_mount *mount, int err, struct kf_error *e)
{
	char hint[256];

	snprintf(hint, sizeof(hint), "give a folder below '%.200s', absolute or counted from there", mount->point);
	return kf_fail(e, KF_USAGE, hint, "no cgroup '%.250s': %s", path, strerror(err));
}

/* The true path: links and ".." resolved, so that its depth can be counted. */
static int true_path(const char *path, const struct kf_cgroup_mount *mount, char out[PATH_MAX], struct kf_error *e)
{
	char joined[2 * PATH_MAX];
	long type = path[0] == '/' && realpath(path, out) ? filesystem_of(out) : 0;

	if (type == CGROUP2_SUPER_MAGIC)
		return 0;
	if (type == CGROUP_SUPER_MAGIC)
		return kf_fail(e, KF_USAGE, "name the same group in the cgroup2 hierarchy",
			       "cgroup '%.250s' is of version 1, where a thread is in many groups at once", path);
	snprintf(joined, sizeof(joined), "%s/%s", mount->point, path);
	return realpath(joined, out) ? 0 : not_found(path, mount, errno, e);
}

static int resolve_below(const char *path, const struct kf_cgroup_mount *mount, struct kf_cgroup_filter *out,
			 struct kf_error *e)
{
	char real[PATH_MAX];
	const char *rest;
	struct stat st;

	if (true_path(path, mount, real, e))
		return -1;
	if (!starts_with_dir(real, mount->point, &rest))
		return not_found(path, mount, ENOENT, e);
	if (stat(real, &st))
		return not_found(path, mount, errno, e);
	if (!S_ISDIR(st.st_mode))
		return not_found(path, mount, ENOTDIR, e);
	/* On 64-bit kernels the inode number is the whole id that bpf_get_current_cgroup_id() gives. */
	*out = (struct kf_cgroup_filter){ .id = st.st_ino, .level = mount->level + depth_of(rest) };
	return 0;
}

int kf_cgroup_resolve(const char *path, struct kf_cgroup_filter *out, struct kf_error *e)
{
	struct kf_cgroup_mount mount;

	if (!path[0])
		return kf_fail(e, KF_USAGE, NULL, "the cgroup path is empty");
	if (kf_cgroup_mount_find("/proc/self/mountinfo", &mount, e))
		return -1;
	if (!mount.whole && !kf_host_is_initial_namespace("cgroup"))
		return kf_fail(
			e, KF_HOST,
			"run the container with --cgroupns=host, or with the host's /sys/fs/cgroup mounted there",
			"cannot filter by cgroup '%.250s' inside a cgroup namespace", path);
	return resolve_below(path, &mount, out, e);
}
