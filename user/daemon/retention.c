/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"
#include "daemon/file_name.h"
#include "daemon/mark.h"

#define MAX_HELD 256

struct kf_retention {
	struct kf_keep keep;
	int dir_fd;
	struct kf_clocks start;
	pthread_mutex_t lock; /* of held */
	char held[MAX_HELD][KF_FILE_NAME_BYTES];
	size_t n_held;
};

struct file {
	char *name;
	size_t stem_len; /* of the name, up to the dot before its kind */
	uint64_t bytes;	 /* on disk */
	uint64_t age_ns;
};

/* Files with one stem, n of them from first on. */
struct group {
	size_t first, n;
	uint64_t bytes, age_ns; /* of its oldest: the snapshot */
};

struct folder {
	struct file *files;
	size_t n_files, files_room;
	struct group *groups; /* oldest first */
	size_t n_groups, groups_room;
};

/* ---- reading the folder ---- */

/* "kflight-....kfl" and what is made of it; the length of the name without its kind, 0 if it has another form. */
static size_t stem_length(const char *name)
{
	static const char *const kinds[] = { ".kfl", ".trace", ".html", ".pftrace" };
	size_t len = strlen(name);

	if (strncmp(name, "kflight-", 8) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t kind = strlen(kinds[i]);

		if (len > 8 + kind && !strcmp(name + len - kind, kinds[i]))
			return len - kind;
	}
	return 0;
}

/* Is it ours? Its size and age then. */
static bool look_at(int dir, const char *name, const struct kf_clocks *now, struct file *out)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	bool ours;

	if (fd < 0)
		return false;
	ours = kf_mark_is_ours(fd, now, &out->age_ns) && !fstat(fd, &st);
	if (ours)
		out->bytes = (uint64_t)st.st_blocks * 512;
	close(fd);
	return ours;
}

static int add_file(struct folder *f, int dir, const char *name, const struct kf_clocks *now)
{
	struct file file = { .stem_len = stem_length(name) };

	if (!file.stem_len || !look_at(dir, name, now, &file))
		return 0;
	file.name = strdup(name);
	if (!file.name)
		return -1;
	if (KF_GROW(f->files, f->n_files, f->files_room)) {
		free(file.name);
		return -1;
	}
	f->files[f->n_files++] = file;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	size_t len = x->stem_len < y->stem_len ? x->stem_len : y->stem_len;
	int order = strncmp(x->name, y->name, len);

	if (order || x->stem_len == y->stem_len)
		return order;
	return x->stem_len < y->stem_len ? -1 : 1;
}

static bool is_same_stem(const struct file *a, const struct file *b)
{
	return a->stem_len == b->stem_len && !strncmp(a->name, b->name, a->stem_len);
}

static int by_age(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->age_ns != y->age_ns)
		return x->age_ns > y->age_ns ? -1 : 1;
	return x->first < y->first ? -1 : 1; /* names begin with their time */
}

static int group_files(struct folder *f)
{
	if (f->n_files)
		qsort(f->files, f->n_files, sizeof(*f->files), by_name);
	for (size_t i = 0; i < f->n_files; i++) {
		struct group *group;

		if (!i || !is_same_stem(&f->files[i - 1], &f->files[i])) {
			if (KF_GROW(f->groups, f->n_groups, f->groups_room))
				return -1;
			f->groups[f->n_groups++] = (struct group){ .first = i };
		}
		group = &f->groups[f->n_groups - 1];
		group->n++;
		group->bytes += f->files[i].bytes;
		if (f->files[i].age_ns > group->age_ns)
			group->age_ns = f->files[i].age_ns;
	}
	if (f->n_groups)
		qsort(f->groups, f->n_groups, sizeof(*f->groups), by_age);
	return 0;
}

static void release(struct folder *f)
{
	for (size_t i = 0; i < f->n_files; i++)
		free(f->files[i].name);
	free(f->files);
	free(f->groups);
}

static int read_folder(struct folder *f, int dir_fd, const struct kf_clocks *now, struct kf_error *e)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	int err = 0;

	if (!entries) {
		kf_fail_errno(e, errno, NULL, "cannot list the snapshots");
		if (copy >= 0)
			close(copy);
		return -1;
	}
	while (!err && (entry = readdir(entries)))
		err = add_file(f, copy, entry->d_name, now);
	closedir(entries);
	if (err || group_files(f))
		return kf_fail_memory(e, "the list of snapshots");
	return 0;
}

/* ---- deleting ---- */

static bool is_held(struct kf_retention *r, const struct file *file)
{
	bool held = false;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->n_held && !held; i++)
		held = stem_length(r->held[i]) == file->stem_len && !strncmp(r->held[i], file->name, file->stem_len);
	pthread_mutex_unlock(&r->lock);
	return held;
}

/* Deletes one file if it still is what it was when the folder was read. */
static int delete_file(struct kf_retention *r, const struct file *file, const struct kf_clocks *now, struct kf_error *e)
{
	struct file again;

	if (!look_at(r->dir_fd, file->name, now, &again) || !unlinkat(r->dir_fd, file->name, 0) || errno == ENOENT)
		return 0;
	return kf_fail_errno(e, errno, "delete old snapshots by hand, or give the folder room",
			     "cannot delete old snapshot '%s'", file->name);
}

static void delete_group(struct kf_retention *r, const struct folder *f, const struct group *g,
			 const struct kf_clocks *now, struct kf_swept *out, struct kf_error *e)
{
	bool failed = false;

	for (size_t i = g->first; i < g->first + g->n; i++)
		if (delete_file(r, &f->files[i], now, e))
			failed = true;
	if (failed) {
		out->undeletable++;
		return;
	}
	out->snapshots++;
	out->bytes += g->bytes;
	out->kept--;
	out->kept_bytes -= g->bytes;
}

static bool is_too_much(const struct kf_keep *keep, const struct group *g, const struct kf_swept *now)
{
	return (keep->count && now->kept > keep->count) || (keep->bytes && now->kept_bytes > keep->bytes) ||
	       (keep->age_ns && g->age_ns > keep->age_ns);
}

static bool is_newest(const struct folder *f, const struct group *g, const char *newest)
{
	const struct file *file = &f->files[g->first];

	if (!newest)
		return g == &f->groups[f->n_groups - 1];
	return stem_length(newest) == file->stem_len && !strncmp(newest, file->name, file->stem_len);
}

static void delete_oldest(struct kf_retention *r, const struct folder *f, const char *newest, uint64_t wanted_bytes,
			  const struct kf_clocks *now, struct kf_swept *out, struct kf_error *e)
{
	for (size_t i = 0; i < f->n_groups; i++) {
		out->kept++;
		out->kept_bytes += f->groups[i].bytes;
	}
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct group *g = &f->groups[i];

		if (is_newest(f, g, newest) || is_held(r, &f->files[g->first]))
			continue;
		if (out->bytes < wanted_bytes || is_too_much(&r->keep, g, out))
			delete_group(r, f, g, now, out, e);
	}
}

/* The wall clock, but for what it jumped ahead since the start. */
static void read_clocks(const struct kf_retention *r, struct kf_clocks *now)
{
	uint64_t expected_ns;

	kf_clocks_read(now);
	expected_ns = r->start.real_ns + (now->boot_ns - r->start.boot_ns);
	if (now->real_ns > expected_ns)
		now->real_ns = expected_ns;
}

int kf_retention_sweep(struct kf_retention *r, const char *newest, uint64_t wanted_bytes, struct kf_swept *out,
		       struct kf_error *e)
{
	struct folder f = { 0 };
	struct kf_clocks now;
	int err;

	*out = (struct kf_swept){ 0 };
	read_clocks(r, &now);
	err = read_folder(&f, r->dir_fd, &now, e);
	if (!err) {
		delete_oldest(r, &f, newest, wanted_bytes, &now, out, e);
		err = out->undeletable ? -1 : 0;
	}
	release(&f);
	return err;
}

/* ---- the rest ---- */

static int try_mark(int dir_fd, struct kf_error *e)
{
	int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	int err;

	if (fd < 0) /* such a file system may still take the mark: then the first snapshot shows it */
		return 0;
	err = kf_mark_set(fd);
	close(fd);
	return err == EOPNOTSUPP
		       ? kf_fail_errno(e, err, "name a folder on another file system with -o, or leave --keep out",
				       "--keep deletes only files that carry kflight's mark, an extended attribute")
		       : 0;
}

int kf_retention_new(struct kf_retention **out, const struct kf_keep *keep, int dir_fd, struct kf_error *e)
{
	struct kf_retention *r;

	if (try_mark(dir_fd, e))
		return -1;
	r = calloc(1, sizeof(*r));
	if (!r)
		return kf_fail_memory(e, "the list of snapshots");
	r->keep = *keep;
	r->dir_fd = dir_fd;
	kf_clocks_read(&r->start);
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return 0;
}

void kf_retention_free(struct kf_retention **r)
{
	if (!*r)
		return;
	pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

void kf_retention_hold(struct kf_retention *r, const char *name)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	if (r->n_held < MAX_HELD)
		snprintf(r->held[r->n_held++], KF_FILE_NAME_BYTES, "%s", name);
	pthread_mutex_unlock(&r->lock);
}

void kf_retention_release(struct kf_retention *r, const char *name)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->n_held; i++)
		if (!strcmp(r->held[i], name)) {
			memmove(r->held[i], r->held[--r->n_held], KF_FILE_NAME_BYTES);
			break;
		}
	pthread_mutex_unlock(&r->lock);
}

void kf_retention_each_age(int dir_fd, uint64_t max_age_ns, void (*fn)(void *context, uint64_t age_ns), void *context)
{
	struct folder f = { 0 };
	struct kf_clocks now;

	kf_clocks_read(&now);
	if (!read_folder(&f, dir_fd, &now, NULL))
		for (size_t i = 0; i < f.n_files; i++)
			if (!f.files[i].name[f.files[i].stem_len + 4] &&
			    f.files[i].name[f.files[i].stem_len + 1] == 'k' && f.files[i].age_ns < max_age_ns)
				fn(context, f.files[i].age_ns);
	release(&f);
}
