/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cgroup_tree.h - the cgroups of the cpu controller that a snapshot's threads are in, and all above them: paths and quotas.
 *
 * The kernel tells a thread's cgroup by its id, which is the inode number of its folder. So the whole tree is listed once
 * (no file is opened for that), and only the groups that matter are looked into.
 */
#ifndef KF_CAPTURE_CGROUP_TREE_H
#define KF_CAPTURE_CGROUP_TREE_H

#include <stddef.h>

struct kf_cgroup;
struct kf_snapshot;

/* Fills s->cgroups from the hierarchy that has the cpu controller on this host, if there is one. */
void kf_cgroup_tree_add(struct kf_snapshot *s);

/* The same from this mount point (tests). */
void kf_cgroup_tree_add_from(struct kf_snapshot *s, const char *point);

#endif
