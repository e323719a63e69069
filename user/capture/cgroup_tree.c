/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/cgroup_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/cgroup.h"
#include "snapshot/snapshot.h"

/* No host has more; what is beyond stays unknown. */
#define MAX_GROUPS 65536
#define MAX_DEPTH  32

struct group {
	struct kf_cgroup cgroup;
	size_t parent; /* index */
	bool wanted;
};

struct tree {
	struct group *items;
	size_t n, room;
};

static int add_group(struct tree *tree, uint64_t id, size_t parent, char *path)
{
	if (!path || tree->n >= MAX_GROUPS || KF_GROW(tree->items, tree->n, tree->room)) {
		free(path);
		return -1;
	}
	tree->items[tree->n++] = (struct group){ .cgroup = { .id = id, .path = path }, .parent = parent };
	return 0;
}

static char *join(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", strcmp(folder, "/") ? folder : "", name) < 0 ? NULL : path;
}

/* Lists what is below the group at `index`, whose folder is open; closes it. */
static void list(struct tree *tree, size_t index, int folder, int depth)
{
	DIR *dir = fdopendir(folder);
	struct dirent *entry;

	if (!dir) {
		close(folder);
		return;
	}
	while (depth < MAX_DEPTH && (entry = readdir(dir))) {
		int below;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (add_group(tree, entry->d_ino, index, join(tree->items[index].cgroup.path, entry->d_name)))
			break;
		below = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			list(tree, tree->n - 1, below, depth + 1);
	}
	closedir(dir);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct ids {
	uint64_t *items;
	size_t n, room;
};

static int add_id(struct ids *ids, uint64_t id)
{
	if (KF_GROW(ids->items, ids->n, ids->room))
		return -1;
	ids->items[ids->n++] = id;
	return 0;
}

/* Groups of all threads, and those whose quota was used up: their threads may be gone by now. Sorted. */
static int find_wanted(const struct kf_snapshot *s, struct ids *ids)
{
	for (size_t i = 0; i < s->n_tasks; i++)
		if (add_id(ids, s->tasks[i].cgroup_id))
			return -1;
	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
		const struct kf_ring_copy *ring = &s->rings[KF_CLASS_TAKEN][cpu];

		for (size_t i = 0; i < ring->n_slots; i++)
			if (ring->slots[i].kind == KF_THROTTLE && add_id(ids, ring->slots[i].cgroup_id))
				return -1;
	}
	if (ids->n)
		qsort(ids->items, ids->n, sizeof(*ids->items), compare_ids);
	return 0;
}

/* Parents were listed before their children: marking from the end marks all above. */
static void mark_wanted(struct tree *tree, const struct ids *ids)
{
	for (size_t i = tree->n; i-- > 0;) {
		struct group *group = &tree->items[i];

		if (ids->n && bsearch(&group->cgroup.id, ids->items, ids->n, sizeof(*ids->items), compare_ids))
			group->wanted = true;
		if (group->wanted)
			tree->items[group->parent].wanted = true;
	}
}

static bool read_text(const char *point, const char *path, const char *file, char *text, size_t len)
{
	char name[4096 + 64];
	bool got;
	FILE *f;

	if (snprintf(name, sizeof(name), "%s%s/%s", point, path, file) >= (int)sizeof(name))
		return false;
	f = fopen(name, "re");
	if (!f)
		return false;
	got = fgets(text, (int)len, f) != NULL;
	fclose(f);
	return got;
}

/* cgroup v2: "max 100000" or "50000 100000", in us; v1: two files, quota -1 is none. The root has neither. */
static void read_quota(const char *point, struct kf_cgroup *group)
{
	char text[64], period[32];
	long long quota_us = 0, period_us = 0;

	if (read_text(point, group->path, "cpu.max", text, sizeof(text))) {
		if (sscanf(text, "%lld %lld", &quota_us, &period_us) != 2)
			return;
	} else if (read_text(point, group->path, "cpu.cfs_quota_us", text, sizeof(text)) &&
		   read_text(point, group->path, "cpu.cfs_period_us", period, sizeof(period))) {
		quota_us = strtoll(text, NULL, 10);
		period_us = strtoll(period, NULL, 10);
	}
	if (quota_us <= 0 || period_us <= 0)
		return;
	group->quota_ns = (uint64_t)quota_us * 1000;
	group->period_ns = (uint64_t)period_us * 1000;
}

static void keep_wanted(struct kf_snapshot *s, struct tree *tree, const char *point)
{
	s->cgroups = calloc(tree->n + 1, sizeof(*s->cgroups));
	for (size_t i = 0; s->cgroups && i < tree->n; i++) {
		struct group *group = &tree->items[i];

		if (!group->wanted)
			continue;
		group->cgroup.parent_id = i ? tree->items[group->parent].cgroup.id : 0;
		read_quota(point, &group->cgroup);
		s->cgroups[s->n_cgroups++] = group->cgroup;
		group->cgroup.path = NULL;
	}
}

void kf_cgroup_tree_add_from(struct kf_snapshot *s, const char *point)
{
	int folder = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree tree = { 0 };
	struct ids ids = { 0 };
	struct stat st;

	if (folder < 0 || find_wanted(s, &ids) || fstat(folder, &st) || add_group(&tree, st.st_ino, 0, strdup("/"))) {
		if (folder >= 0)
			close(folder);
	} else {
		list(&tree, 0, folder, 0);
		mark_wanted(&tree, &ids);
		keep_wanted(s, &tree, point);
	}
	for (size_t i = 0; i < tree.n; i++)
		free(tree.items[i].cgroup.path);
	free(tree.items);
	free(ids.items);
}

void kf_cgroup_tree_add(struct kf_snapshot *s)
{
	struct kf_cgroup_mount mount;

	if (kf_cgroup_mount_find_cpu("/proc/self/mountinfo", &mount))
		kf_cgroup_tree_add_from(s, mount.point);
}
