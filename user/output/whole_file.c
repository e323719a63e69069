/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "snapshot/format.h"

static int open_direct(struct kf_whole_file *f, int fd, struct kf_error *e)
{
	f->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (f->out)
		return 0;
	kf_fail_errno(e, errno, NULL, "cannot write '%s'", f->path ? f->path : "-");
	if (fd >= 0)
		close(fd);
	kf_whole_file_abandon(f);
	return -1;
}

static int open_temp(struct kf_whole_file *f, struct kf_error *e)
{
	int fd;

	if (asprintf(&f->temp, "%s.XXXXXX", f->path) < 0) {
		f->temp = NULL;
		kf_whole_file_abandon(f);
		return kf_fail_memory(e, "a file name");
	}
	fd = mkostemp(f->temp, O_CLOEXEC);
	if (fd < 0) {
		free(f->temp);
		f->temp = NULL;
	}
	return open_direct(f, fd, e);
}

/*
 * "/dev/stdout" with output redirected to a file: a symbolic link to a regular file, and renaming would put ours in the
 * place of the link. Which of our own descriptors such a link leads to; -1 none.
 */
static int leads_to(const char *path, const struct stat *target)
{
	struct stat st;

	if (lstat(path, &st) || !S_ISLNK(st.st_mode))
		return -1;
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (!fstat(fd, &st) && st.st_dev == target->st_dev && st.st_ino == target->st_ino)
			return fd;
	return -1;
}

/* `report --html A.kfl B.kfl` is a slip, and A cannot be recorded again. */
static bool is_snapshot(const char *path)
{
	char magic[KF_FILE_MAGIC_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, magic, sizeof(magic)) : -1;

	if (fd >= 0)
		close(fd);
	return got == sizeof(magic) && !memcmp(magic, KF_FILE_MAGIC, sizeof(magic));
}

int kf_whole_file_open(struct kf_whole_file *f, const char *path, struct kf_error *e)
{
	struct stat st;
	int fd;

	*f = (struct kf_whole_file){ 0 };
	if (!strcmp(path, "-"))
		return open_direct(f, fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), e);
	f->path = strdup(path);
	if (!f->path)
		return kf_fail_memory(e, "a file name");
	if (stat(path, &st))
		return open_temp(f, e);
	if (!S_ISREG(st.st_mode)) /* renaming over a device would destroy it */
		return open_direct(f, open(path, O_WRONLY | O_CLOEXEC), e);
	if (is_snapshot(path)) {
		kf_whole_file_abandon(f);
		return kf_fail(e, KF_USAGE, "give the output another name, or remove that file first",
			       "'%s' is a snapshot: not overwritten", path);
	}
	fd = leads_to(path, &st);
	return fd < 0 ? open_temp(f, e) : open_direct(f, fcntl(fd, F_DUPFD_CLOEXEC, 3), e);
}

/* errno of the failure, or 0. */
static int close_whole(struct kf_whole_file *f)
{
	int err = 0;

	errno = 0;
	if (ferror(f->out) || fflush(f->out) || (f->temp && fsync(fileno(f->out))))
		err = errno ? errno : EIO;
	if (fclose(f->out) && !err)
		err = errno;
	f->out = NULL;
	if (!err && f->temp && rename(f->temp, f->path))
		err = errno;
	return err;
}

int kf_whole_file_commit(struct kf_whole_file *f, struct kf_error *e)
{
	int err = close_whole(f);

	if (err)
		kf_fail_errno(e, err, NULL, "cannot write '%s'", f->path ? f->path : "standard output");
	if (!err) {
		free(f->temp);
		f->temp = NULL;
	}
	kf_whole_file_abandon(f);
	return err ? -1 : 0;
}

void kf_whole_file_abandon(struct kf_whole_file *f)
{
	if (f->out)
		fclose(f->out);
	if (f->temp)
		unlink(f->temp);
	free(f->temp);
	free(f->path);
	*f = (struct kf_whole_file){ 0 };
}
