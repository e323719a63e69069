/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/output_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Better to learn at start than at the first incident that the folder takes no files. */
static int try_file(int dir, const char *path, struct kf_error *e)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), ".kflight-try-%d", getpid());
	fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return kf_fail_errno(e, errno, "name another folder with -o", "cannot write to folder '%s'", path);
	close(fd);
	unlinkat(dir, name, 0);
	return 0;
}

int kf_output_dir_open(const char *path, struct kf_error *e)
{
	int dir;

	if (mkdir(path, 0700) && errno != EEXIST)
		return kf_fail_errno(e, errno, "name another folder with -o", "cannot make folder '%s'", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return kf_fail_errno(e, errno, "name another folder with -o", "cannot open folder '%s'", path);
	if (try_file(dir, path, e)) {
		close(dir);
		return -1;
	}
	return dir;
}
