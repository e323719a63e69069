/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.h - a cgroup v2 path as the kernel knows it: its id and its depth below the root of the hierarchy. */
#ifndef KF_CAPTURE_CGROUP_H
#define KF_CAPTURE_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "kflight/control.h"

struct kf_error;

/* Where the cgroup2 hierarchy, or a part of it, is mounted. */
struct kf_cgroup_mount {
	char point[PATH_MAX]; /* "/sys/fs/cgroup" */
	uint32_t level; /* depth of the mounted part: 0 is the whole hierarchy, or the top of our cgroup namespace */
	bool whole;	/* the whole hierarchy of the host for sure */
};

/* A cgroup2 line of mountinfo (proc(5)): the first whole hierarchy, else the first one; -1 with KF_HOST if there is none. */
int kf_cgroup_mount_find(const char *mountinfo_path, struct kf_cgroup_mount *out, struct kf_error *e);

/* Where the hierarchy that has the cpu controller is mounted, of either version; false: nowhere. */
bool kf_cgroup_mount_find_cpu(const char *mountinfo_path, struct kf_cgroup_mount *out);

/*
 * path is absolute ("/sys/fs/cgroup/web.slice") or counts from the mount ("web.slice", "/web.slice"). Refused with the
 * reason: what does not exist, is no directory, lies in a cgroup v1 hierarchy or in no hierarchy at all, and every path
 * inside a cgroup namespace that hides the true depth (no whole hierarchy is mounted there).
 */
int kf_cgroup_resolve(const char *path, struct kf_cgroup_filter *out, struct kf_error *e);

#endif
