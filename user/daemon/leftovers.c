/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/snapshot.h"

/* A file is locked right after it is made: free now and a moment later is free. */
#define MOMENT_US 10000

static bool is_free(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB))
		return false;
	flock(fd, LOCK_UN);
	return true;
}

static bool is_dead(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	bool dead;

	if (fd < 0)
		return false;
	dead = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() && is_free(fd);
	if (dead) {
		usleep(MOMENT_US);
		dead = is_free(fd);
	}
	close(fd);
	return dead;
}

int kf_leftovers_remove(int dir_fd)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	if (!folder) {
		if (copy >= 0)
			close(copy);
		return 0;
	}
	while ((entry = readdir(folder)))
		if (!strncmp(entry->d_name, KF_SNAPSHOT_TEMP_PREFIX, strlen(KF_SNAPSHOT_TEMP_PREFIX)) &&
		    is_dead(dir_fd, entry->d_name) && !unlinkat(dir_fd, entry->d_name, 0))
			n++;
	closedir(folder);
	return n;
}
