/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/hook_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/mark.h"
#include "snapshot/snapshot.h"

/* What a format is called, how it is made from FILE on standard output, how its file's name ends. */
static const struct {
	const char *name, *ending;
	const char *words[6];
	int file; /* index of FILE */
} formats[KF_HOOK_FORMATS] = {
	[KF_HOOK_GO] = { "go", ".trace", { "export", "-f", "go", "-o", "-" }, 5 },
	[KF_HOOK_HTML] = { "html", ".html", { "report", "--html", "-" }, 3 },
	[KF_HOOK_PERFETTO] = { "perfetto", ".pftrace", { "export", "-f", "perfetto", "-o", "-" }, 5 },
};

const char *kf_hook_format_name(enum kf_hook_format format)
{
	return formats[format].name;
}

/* A file under way: unseen under its name until it is whole, and locked as long as somebody writes it. */
struct output {
	int dir, fd;
	char temp[48], name[NAME_MAX + 1];
};

static int open_dir(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash || (size_t)(slash - path) >= sizeof(folder)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* 0 or an errno. */
static int open_output(struct output *out, const char *path, enum kf_hook_format format)
{
	const char *base = strrchr(path, '/') + 1;
	size_t stem = strlen(base);
	uint64_t random;

	if (stem < 5 || strcmp(base + stem - 4, ".kfl") != 0)
		return EINVAL;
	if ((size_t)snprintf(out->name, sizeof(out->name), "%.*s%s", (int)stem - 4, base, formats[format].ending) >=
	    sizeof(out->name))
		return ENAMETOOLONG;
	if (!faccessat(out->dir, out->name, F_OK, AT_SYMLINK_NOFOLLOW))
		return EEXIST;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return errno;
	snprintf(out->temp, sizeof(out->temp), KF_SNAPSHOT_TEMP_PREFIX "%016llx", (unsigned long long)random);
	out->fd = openat(out->dir, out->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out->fd < 0)
		return errno;
	flock(out->fd, LOCK_EX | LOCK_NB);
	return 0;
}

/* 0 or an errno. */
static int publish(struct output *out, gid_t group)
{
	if (group != (gid_t)-1 && (fchown(out->fd, (uid_t)-1, group) || fchmod(out->fd, 0640)))
		return errno;
	kf_mark_set(out->fd); /* without it the file stays for ever, which is better than to lose it */
	if (fsync(out->fd))
		return errno;
	if (renameat2(out->dir, out->temp, out->dir, out->name, RENAME_NOREPLACE)) {
		/* Some file systems know no flags; a link does not replace either. */
		if ((errno != EINVAL && errno != ENOSYS) || linkat(out->dir, out->temp, out->dir, out->name, 0))
			return errno;
		unlinkat(out->dir, out->temp, 0);
	}
	out->temp[0] = 0;
	return 0;
}

static void close_output(struct output *out)
{
	if (out->temp[0] && out->fd >= 0)
		unlinkat(out->dir, out->temp, 0);
	if (out->fd >= 0)
		close(out->fd);
	if (out->dir >= 0)
		close(out->dir);
}

/* A converted file is about as large as its snapshot, some are five times that. 0 or an errno. */
static int check_space(const struct kf_hook_plan *plan, const struct output *out, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	struct stat st;
	uint64_t missing;

	if (fstatat(out->dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	if (kf_space_missing_in(&plan->space, out->dir, (uint64_t)st.st_size * 5, &missing, NULL))
		return errno;
	return missing ? ENOSPC : 0;
}

static struct kf_child_end run_converter(const struct kf_hook_plan *plan, const struct kf_child *base, const char *path,
					 enum kf_hook_format format, int out)
{
	char *argv[8] = { (char *)"kflight" };
	struct kf_child child = *base;

	for (int i = 0; formats[format].words[i]; i++)
		argv[1 + i] = (char *)formats[format].words[i];
	argv[1 + formats[format].file] = (char *)path;
	child.argv = argv;
	child.stdout_fd = out;
	child.background = true;
	child.timeout_ns = plan->convert_timeout_ns;
	child.cpu_s = plan->convert_timeout_ns / 1000000000 + 1;
	child.memory_bytes = plan->convert_bytes;
	return kf_child_run(&child);
}

struct kf_child_end kf_hook_convert(const struct kf_hook_plan *plan, const struct kf_child *base, const char *path,
				    enum kf_hook_format format, char **out)
{
	struct output file = { .dir = open_dir(path), .fd = -1 };
	struct kf_child_end end = { .how = KF_CHILD_NOT_STARTED };

	*out = NULL;
	end.value = file.dir < 0 ? errno : check_space(plan, &file, path);
	if (!end.value)
		end.value = open_output(&file, path, format);
	if (!end.value)
		end = run_converter(plan, base, path, format, file.fd);
	if (end.how == KF_CHILD_EXITED && !end.value) {
		int err = publish(&file, plan->group);

		if (err)
			end = (struct kf_child_end){ KF_CHILD_NOT_STARTED, err };
		else if (asprintf(out, "%.*s/%s", (int)(strrchr(path, '/') - path), path, file.name) < 0)
			*out = NULL;
	}
	close_output(&file);
	return end;
}
