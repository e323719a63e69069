/* SPDX-License-Identifier: BSD-2-Clause */
/* control_peer.h - who has connected to the control socket, and may it? */
#ifndef KF_DAEMON_CONTROL_PEER_H
#define KF_DAEMON_CONTROL_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "snapshot/snapshot.h"

struct kf_error;

#define KF_NO_GROUP ((gid_t)-1)

struct kf_peer {
	struct kf_requester who; /* as the kernel says; the name as it is now. All 0 if it cannot be told. */
	bool allowed;		 /* root, our own user, or a member of the group */
};

/* As it was when the peer connected: giving up rights later changes nothing. */
void kf_control_peer(int fd, gid_t group, struct kf_peer *out);

/*
 * The group called `name` or of that number; NULL: `fallback` if there is such a group, else KF_NO_GROUP. May ask the network
 * (nsswitch.conf): only when starting.
 */
int kf_control_group(const char *name, const char *fallback, gid_t *out, struct kf_error *e);

#endif
