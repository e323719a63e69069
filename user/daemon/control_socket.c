/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/control_peer.h"

/* Those that wait to be taken cost little; one that finds no place here fails at once (a non-blocking connect() gets EAGAIN). */
#define BACKLOG 1024

static int set_address(struct sockaddr_un *address, const char *path, struct kf_error *e)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (!path[0] || strlen(path) >= sizeof(address->sun_path))
		return kf_fail(e, KF_USAGE, "--socket takes another path", "socket path '%.120s' is %s", path,
			       path[0] ? "longer than 107 bytes" : "empty");
	strcpy(address->sun_path, path);
	return 0;
}

/* Whoever may read the folder may lock it, too: a stranger who keeps it locked does not keep us from starting. */
#define LOCK_TRIES    100
#define LOCK_EVERY_US 20000

static void lock(int fd)
{
	for (int i = 0; i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB); i++)
		usleep(LOCK_EVERY_US);
}

/* The folder of the socket, locked: two recorders that start at once do so one after the other. */
static int lock_folder(const char *path, struct kf_error *e)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *dir;
	bool created;
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	created = !mkdir(dir, 0755);
	if (!created && errno != EEXIST)
		return kf_fail_errno(e, errno, "--socket takes another path", "cannot create folder '%s'", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return kf_fail_errno(e, errno, "--socket takes another path", "cannot open folder '%s'", dir);
	if (created && fchmod(fd, 0755)) { /* whatever our umask is: the socket has a mode of its own */
		kf_fail_errno(e, errno, NULL, "cannot set the mode of folder '%s'", dir);
		close(fd);
		return -1;
	}
	lock(fd);
	return fd;
}

/* Removes a socket that nobody listens on. */
static int clear_stale(const struct sockaddr_un *address, struct kf_error *e)
{
	const char *path = address->sun_path;
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	struct stat st;
	int fd, err = 0;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : kf_fail_errno(e, errno, NULL, "cannot look at '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return kf_fail(e, KF_USAGE, "remove it, or take another path with --socket",
			       "'%s' exists and is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return kf_fail_errno(e, errno, NULL, "cannot create a socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		err = errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		cred.pid = 0;
	close(fd);
	if (err == ECONNREFUSED || err == ENOENT)
		return unlink(path) && errno != ENOENT ? kf_fail_errno(e, errno, NULL, "cannot remove '%s'", path) : 0;
	if (err && err != EAGAIN) /* EAGAIN: its queue is full, so somebody listens */
		return kf_fail_errno(e, err, "--socket takes another path", "cannot use the socket '%s'", path);
	return kf_fail(e, KF_HOST, "end it first, or give this one another --socket",
		       "another recorder is running (pid %d) at '%s'", cred.pid, path);
}

/*
 * Gives the file to the group. It is found by its name, which may be in a folder where others can put something else there: what
 * is changed is what was opened and looked at.
 */
static int open_to_group(const struct kf_control_socket *s, gid_t group, struct kf_error *e)
{
	const char *path = s->address.sun_path;
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;
	char by_fd[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err = errno;
	else if (st.st_dev != s->device || st.st_ino != s->inode)
		err = ESTALE;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	if (!err && (fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) || chmod(by_fd, 0660)))
		err = errno;
	if (fd >= 0)
		close(fd);
	return err ? kf_fail_errno(e, err, NULL, "cannot give the socket '%s' to group %u", path, group) : 0;
}

static int listen_locked(struct kf_control_socket *s, gid_t group, struct kf_error *e)
{
	const char *path = s->address.sun_path;
	struct stat st;

	if (clear_stale(&s->address, e))
		return -1;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the unbound socket becomes the mode of the file: it is never open to others, not for a moment. */
	if (s->fd < 0 || fchmod(s->fd, 0600) || bind(s->fd, (const struct sockaddr *)&s->address, sizeof(s->address)))
		return kf_fail_errno(e, errno, "--socket takes another path", "cannot create the socket '%s'", path);
	if (lstat(path, &st))
		return kf_fail_errno(e, errno, NULL, "cannot look at '%s'", path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if (group != KF_NO_GROUP && open_to_group(s, group, e))
		return -1;
	if (listen(s->fd, BACKLOG))
		return kf_fail_errno(e, errno, NULL, "cannot listen at '%s'", path);
	return 0;
}

int kf_control_socket_listen(struct kf_control_socket *s, const char *path, gid_t group, struct kf_error *e)
{
	int folder, ret;

	*s = (struct kf_control_socket){ .fd = -1 };
	if (set_address(&s->address, path, e))
		return -1;
	folder = lock_folder(path, e);
	if (folder < 0)
		return -1;
	ret = listen_locked(s, group, e);
	close(folder);
	if (ret && s->fd >= 0) {
		kf_control_socket_unlink(s);
		close(s->fd);
		s->fd = -1;
	}
	return ret;
}

void kf_control_socket_unlink(struct kf_control_socket *s)
{
	struct stat st;

	if (s->inode && !lstat(s->address.sun_path, &st) && st.st_dev == s->device && st.st_ino == s->inode)
		unlink(s->address.sun_path);
	s->inode = 0;
}

int kf_control_socket_connect(const char *path, struct kf_error *e)
{
	/* A recorder that hangs and whose queue is full would keep us in connect(). */
	const struct timeval patience = { .tv_sec = 10 };
	struct sockaddr_un address;
	int fd, err;

	if (set_address(&address, path, e))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return kf_fail_errno(e, errno, NULL, "cannot create a socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = errno;
	close(fd);
	if (err == ENOENT || err == ECONNREFUSED)
		return kf_fail(e, KF_HOST, "start one with `kflight record`; if it has another socket, give --socket",
			       "no recorder is running: nobody listens at '%s'", path);
	return kf_fail_errno(e, err,
			     err == EACCES ? "run as root, or as a member of its group (`record --group`)" : NULL,
			     "cannot connect to '%s'", path);
}
