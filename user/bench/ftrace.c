/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/ftrace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define MOUNT_POINT "/sys/kernel/tracing"
#define INSTANCES   MOUNT_POINT "/instances"
#define PREFIX	    "kflight-bench-"
#define BUFFER_KB   "16384"

struct kf_ftrace {
	char dir[128];
};

static int put(const struct kf_ftrace *f, const char *file, const char *text, struct kf_error *e)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->dir, file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return kf_fail_errno(e, errno, NULL, "cannot open '%s'", path);
	n = write(fd, text, strlen(text));
	if (n < 0)
		kf_fail_errno(e, errno, NULL, "cannot write '%s' to '%s'", text, path);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* Instances of benches that were killed. */
static void remove_stale(void)
{
	DIR *dir = opendir(INSTANCES);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		int pid;

		if (sscanf(entry->d_name, PREFIX "%d", &pid) != 1 || !kill(pid, 0) || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), INSTANCES "/%s", entry->d_name);
		rmdir(path); /* stops it, too */
	}
	if (dir)
		closedir(dir);
}

static int mount_privately(struct kf_error *e)
{
	const char *why = "root may do that; some containers forbid it";

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return kf_fail_errno(e, errno, why, "cannot make a mount namespace");
	if (mount("tracefs", MOUNT_POINT, "tracefs", 0, NULL))
		return kf_fail_errno(e, errno, why, "cannot mount tracefs at '%s'", MOUNT_POINT);
	return 0;
}

int kf_ftrace_open(struct kf_ftrace **out, const char *clock, struct kf_error *e)
{
	struct kf_ftrace *f;

	if (mount_privately(e))
		return -1;
	remove_stale();
	f = calloc(1, sizeof(*f));
	if (!f)
		return kf_fail_memory(e, "ftrace");
	snprintf(f->dir, sizeof(f->dir), INSTANCES "/" PREFIX "%d", getpid());
	if (mkdir(f->dir, 0700)) {
		kf_fail_errno(e, errno, NULL, "cannot create the ftrace instance '%s'", f->dir);
		free(f);
		return -1;
	}
	if (put(f, "tracing_on", "0", e) || put(f, "buffer_size_kb", BUFFER_KB, e) ||
	    put(f, "options/overwrite", "1", e) || put(f, "trace_clock", clock, e)) {
		kf_ftrace_close(&f);
		return -1;
	}
	*out = f;
	return 0;
}

void kf_ftrace_close(struct kf_ftrace **f)
{
	if (!*f)
		return;
	kf_ftrace_stop(*f);
	rmdir((*f)->dir);
	free(*f);
	*f = NULL;
}

int kf_ftrace_start(struct kf_ftrace *f, const char *const *events, struct kf_error *e)
{
	char file[128];

	for (; *events; events++) {
		snprintf(file, sizeof(file), "events/%s/enable", *events);
		if (put(f, file, "1", e))
			return -1;
	}
	return put(f, "tracing_on", "1", e);
}

void kf_ftrace_stop(struct kf_ftrace *f)
{
	put(f, "tracing_on", "0", NULL);
	put(f, "events/enable", "0", NULL);
	put(f, "trace", "", NULL);
}
