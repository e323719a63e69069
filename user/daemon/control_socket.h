/* SPDX-License-Identifier: BSD-2-Clause */
/* control_socket.h - the file side of control.h: who owns the socket, who may connect. */
#ifndef KF_DAEMON_CONTROL_SOCKET_H
#define KF_DAEMON_CONTROL_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

struct kf_error;

struct kf_control_socket {
	int fd; /* -1 closed */
	struct sockaddr_un address;
	dev_t device; /* of the socket file, to remove no other's */
	ino_t inode;
};

/*
 * See kf_control_new(). The mode is 0660 and the file belongs to group, or 0600 with KF_NO_GROUP. The socket is non-blocking. On
 * failure s->fd is -1.
 */
int kf_control_socket_listen(struct kf_control_socket *s, const char *path, gid_t group, struct kf_error *e);
/* Removes the file, if it is still ours. The descriptor is the caller's. */
void kf_control_socket_unlink(struct kf_control_socket *s);

/* Connects; blocking. Returns the fd, or -1 with "no recorder is running" or what else is wrong. */
int kf_control_socket_connect(const char *path, struct kf_error *e);

#endif
