/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* Supplementary groups: SO_PEERCRED has only the first one. */
static bool has_group(int fd, gid_t group)
{
	socklen_t bytes = 64 * sizeof(gid_t);
	bool found = false;
	gid_t *groups = malloc(bytes), *more;

	if (!groups)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes)) {
		/* ERANGE says how many bytes there are. */
		more = errno == ERANGE ? realloc(groups, bytes) : NULL;
		if (!more || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, more, &bytes)) {
			free(more ? more : groups);
			return false;
		}
		groups = more;
	}
	for (size_t i = 0; i < bytes / sizeof(gid_t); i++)
		found |= groups[i] == group;
	free(groups);
	return found;
}

static void read_comm(uint32_t pid, char comm[KF_COMM_BYTES])
{
	char path[32], text[KF_COMM_BYTES];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n > 0 && text[n - 1] == '\n')
		memcpy(comm, text, (size_t)n - 1);
}

void kf_control_peer(int fd, gid_t group, struct kf_peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	memset(out, 0, sizeof(*out));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || len != sizeof(cred))
		return;
	out->who.uid = cred.uid;
	out->allowed = cred.uid == 0 || cred.uid == geteuid() ||
		       (group != KF_NO_GROUP && (cred.gid == group || has_group(fd, group)));
	/* 0: it lives in a pid namespace that we do not see into. */
	out->who.pid = cred.pid > 0 ? (uint32_t)cred.pid : 0;
	if (cred.pid > 0)
		read_comm(out->who.pid, out->who.comm);
}

int kf_control_group(const char *name, const char *fallback, gid_t *out, struct kf_error *e)
{
	const struct group *group = getgrnam(name ? name : fallback);
	unsigned long number;
	char *end;

	*out = group ? group->gr_gid : KF_NO_GROUP;
	if (group || !name)
		return 0;
	errno = 0;
	number = strtoul(name, &end, 10);
	if (name[0] < '0' || name[0] > '9' || *end || errno || number >= KF_NO_GROUP)
		return kf_fail(e, KF_USAGE, "`groupadd --system NAME` creates one", "there is no group '%.64s'", name);
	*out = (gid_t)number;
	return 0;
}
