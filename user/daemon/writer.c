/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/now.h"
#include "base/units.h"
#include "capture/surroundings.h"
#include "daemon/file_name.h"
#include "daemon/mark.h"
#include "daemon/output_dir.h"
#include "snapshot/snapshot.h"

/* Writing can wait, the host's work cannot. */
#define WRITER_NICE 10

/* Packed slots are a third to a tenth of raw ones: what is assumed until the first one was written. */
#define FIRST_RATIO   0.3
#define NEWS_AGAIN_NS 60000000000ULL

/* What a thread leaves for the loop to tell. */
struct findings {
	struct kf_swept swept;
	bool did_sweep, folder_changed, unmarked;
	struct kf_error sweep_error; /* if swept.undeletable, or the folder could not be read */
	bool sweep_failed;
};

struct kf_writer {
	struct kf_writer_options opts;
	int done_fd;
	struct kf_writer_counts counts;

	/* One snapshot. The thread's until it is joined. */
	bool busy;
	pthread_t thread;
	struct kf_snapshot *snapshot;
	int failed;
	bool no_space;
	struct kf_error error;
	char name[KF_FILE_NAME_BYTES];
	char first_name[KF_FILE_NAME_BYTES]; /* without the number that may have kept it apart */
	int attempt;
	uint64_t raw_bytes, file_bytes;
	double ratio; /* of the last one: file to slots in memory */
	struct findings found;

	/* One sweep without a snapshot. */
	bool sweeping;
	atomic_bool sweep_done;
	pthread_t sweeper;
	struct findings sweep_found;
	pthread_mutex_t sweep_lock; /* one thread deletes at a time */

	/* Failures told. */
	char told[sizeof(((struct kf_error *)0)->message)]; /* the last reason */
	uint64_t told_at_ns, untold;
	bool is_news, told_unmarked, told_undeletable;
};

int kf_writer_new(struct kf_writer **out, const struct kf_writer_options *opts, struct kf_error *e)
{
	struct kf_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return kf_fail_memory(e, "the snapshot writer");
	w->opts = *opts;
	w->ratio = FIRST_RATIO;
	w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->done_fd < 0) {
		free(w);
		return kf_fail_errno(e, errno, NULL, "cannot start the snapshot writer");
	}
	pthread_mutex_init(&w->sweep_lock, NULL);
	*out = w;
	return 0;
}

int kf_writer_fd(const struct kf_writer *w)
{
	return w->done_fd;
}

/* ---- in the thread ---- */

static void sweep(struct kf_writer *w, struct findings *found, const char *newest, uint64_t wanted_bytes)
{
	struct kf_swept swept;

	if (!w->opts.retention)
		return;
	pthread_mutex_lock(&w->sweep_lock);
	if (kf_retention_sweep(w->opts.retention, newest, wanted_bytes, &swept, &found->sweep_error))
		found->sweep_failed = true;
	pthread_mutex_unlock(&w->sweep_lock);
	/* There may be two: for space before the file, and after it. */
	swept.snapshots += found->swept.snapshots;
	swept.bytes += found->swept.bytes;
	found->swept = swept;
	found->did_sweep = true;
}

static uint64_t slots_bytes(const struct kf_snapshot *s)
{
	uint64_t slots = 0;

	for (int class = 0; class < KF_CLASSES; class ++)
		for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++)
			slots += s->rings[class][cpu].n_slots;
	return slots * sizeof(struct kf_slot);
}

static int make_room(struct kf_writer *w)
{
	uint64_t need = (uint64_t)((double)w->raw_bytes * w->ratio), missing;
	int dir = kf_output_dir_fd(w->opts.dir);
	char size[32];

	if (kf_space_missing_in(&w->opts.space, dir, need, &missing, &w->error))
		return -1;
	if (missing && w->opts.retention) {
		sweep(w, &w->found, NULL, missing);
		if (kf_space_missing_in(&w->opts.space, dir, need, &missing, &w->error))
			return -1;
	}
	if (!missing)
		return 0;
	w->no_space = true;
	return kf_fail(&w->error, KF_HOST, "free some space there, or lower --min-free",
		       "no snapshot in '%s': %s less free than --min-free asks for", kf_output_dir_path(w->opts.dir),
		       kf_format_size(missing, size, sizeof(size)));
}

/* Before it gets its name: so nobody sees it without its owner and its mark, not even after a kill. */
static int prepare_file(void *writer, int fd)
{
	struct kf_writer *w = writer;
	struct stat st;
	int err = kf_output_dir_own(w->opts.dir, fd);

	if (err)
		return err;
	err = kf_mark_set(fd);
	if (err == ENOSPC || err == EDQUOT || err == EIO)
		return err;
	w->found.unmarked = err != 0; /* no reason to lose it: it is only never deleted */
	w->file_bytes = fstat(fd, &st) ? 0 : (uint64_t)st.st_size;
	return 0;
}

/*
 * Two snapshots in one second: the second one gets a number, also when the first one is deleted already, because what was
 * shipped under a name is not to be replaced by something else.
 */
static void choose_name(struct kf_writer *w, int dir)
{
	char first[KF_FILE_NAME_BYTES];
	int attempt = 1, last;

	kf_file_name(w->snapshot, 1, first, sizeof(first));
	if (!strcmp(first, w->first_name))
		attempt = w->attempt + 1;
	for (last = attempt + 99; attempt <= last; attempt++) {
		kf_file_name(w->snapshot, attempt, w->name, sizeof(w->name));
		if (faccessat(dir, w->name, F_OK, AT_SYMLINK_NOFOLLOW))
			break;
	}
	snprintf(w->first_name, sizeof(w->first_name), "%s", first);
	w->attempt = attempt;
}

static int save(struct kf_writer *w)
{
	int dir = kf_output_dir_fd(w->opts.dir);

	if (kf_output_dir_refresh(w->opts.dir, &w->found.folder_changed, &w->error) || make_room(w))
		return -1;
	choose_name(w, dir);
	if (kf_snapshot_write_prepared(w->snapshot, dir, w->name, prepare_file, w, &w->error))
		return -1;
	if (w->raw_bytes && w->file_bytes)
		w->ratio = (double)w->file_bytes / (double)w->raw_bytes;
	sweep(w, &w->found, w->name, 0);
	return 0;
}

static void *write_snapshot(void *writer)
{
	struct kf_writer *w = writer;
	uint64_t one = 1;

	setpriority(PRIO_PROCESS, gettid(), WRITER_NICE);
	kf_surroundings_add(w->snapshot, w->opts.opener);
	w->raw_bytes = slots_bytes(w->snapshot);
	w->failed = save(w);
	kf_snapshot_free(&w->snapshot);
	malloc_trim(0);
	if (write(w->done_fd, &one, sizeof(one)) != sizeof(one))
		w->failed = -1; /* cannot happen: an eventfd at 0 takes a 1 */
	return NULL;
}

static void *sweep_only(void *writer)
{
	struct kf_writer *w = writer;

	setpriority(PRIO_PROCESS, gettid(), WRITER_NICE);
	sweep(w, &w->sweep_found, NULL, 0);
	atomic_store(&w->sweep_done, true);
	return NULL;
}

/* ---- in the loop ---- */

int kf_writer_start(struct kf_writer *w, struct kf_snapshot **s, struct kf_error *e)
{
	int err;

	w->snapshot = *s;
	*s = NULL;
	w->found = (struct findings){ 0 };
	w->no_space = false;
	w->file_bytes = 0;
	err = pthread_create(&w->thread, NULL, write_snapshot, w);
	if (err) {
		kf_snapshot_free(&w->snapshot);
		w->counts.failed++;
		w->is_news = true;
		return kf_fail_errno(e, err, NULL, "cannot start the snapshot writer");
	}
	w->busy = true;
	return 0;
}

static void tell_found(struct kf_writer *w, const struct findings *found)
{
	const struct kf_swept *swept = &found->swept;
	char size[32];

	if (found->folder_changed)
		kf_note("folder '%s' was gone or is another one now: opened again", kf_output_dir_path(w->opts.dir));
	if (found->unmarked && w->opts.retention && !w->told_unmarked)
		kf_note("the file system of '%s' takes no marks: --keep will never delete snapshots of now",
			kf_output_dir_path(w->opts.dir));
	if (swept->snapshots)
		kf_note("deleted %" PRIu64 " old snapshot%s, %s", swept->snapshots, swept->snapshots == 1 ? "" : "s",
			kf_format_size(swept->bytes, size, sizeof(size)));
	if (found->sweep_failed && !w->told_undeletable)
		kf_error_print(&found->sweep_error);
	w->told_unmarked |= found->unmarked && w->opts.retention;
	if (found->did_sweep)
		w->told_undeletable = found->sweep_failed;
}

static void count_found(struct kf_writer *w, const struct findings *found)
{
	w->counts.folder_changes += found->folder_changed;
	if (!found->did_sweep)
		return;
	w->counts.deleted += found->swept.snapshots;
	w->counts.deleted_bytes += found->swept.bytes;
	w->counts.undeletable += found->swept.undeletable;
	w->counts.kept = found->swept.kept;
	w->counts.kept_bytes = found->swept.kept_bytes;
}

/* A message without what is another each time: the name of the file, and digits (sizes). */
static void take_reason(const struct kf_writer *w, const char *message, char *reason)
{
	size_t name = strlen(w->name);

	while (*message)
		if (name && !strncmp(message, w->name, name))
			message += name;
		else if (*message >= '0' && *message <= '9')
			message++;
		else
			*reason++ = *message++;
	*reason = 0;
}

/* The same reason again within a minute is no news. */
static void judge_failure(struct kf_writer *w, struct kf_error *e)
{
	uint64_t now_ns = kf_now_ns();
	char reason[sizeof(w->told)];
	size_t len;

	take_reason(w, e->message, reason);

	w->is_news = !w->told_at_ns || now_ns - w->told_at_ns >= NEWS_AGAIN_NS || strcmp(w->told, reason) != 0;
	if (!w->is_news) {
		w->untold++;
		return;
	}
	strcpy(w->told, reason);
	w->told_at_ns = now_ns;
	len = strlen(e->message);
	if (w->untold)
		snprintf(e->message + len, sizeof(e->message) - len,
			 " (and %" PRIu64 " more lost since the last message)", w->untold);
	w->untold = 0;
}

const char *kf_writer_finish(struct kf_writer *w, struct kf_error *e)
{
	uint64_t count;

	if (!w->busy) {
		kf_fail(e, KF_HOST, NULL, "no snapshot was being written");
		return NULL;
	}
	pthread_join(w->thread, NULL);
	w->busy = false;
	if (read(w->done_fd, &count, sizeof(count)) != sizeof(count))
		count = 0;
	count_found(w, &w->found);
	tell_found(w, &w->found);
	if (w->failed) {
		*e = w->error;
		w->counts.failed++;
		w->counts.no_space += w->no_space || strstr(e->message, strerror(ENOSPC)) != NULL;
		judge_failure(w, e);
		return NULL;
	}
	w->counts.written++;
	w->counts.written_bytes += w->file_bytes;
	return w->name;
}

bool kf_writer_failure_is_news(const struct kf_writer *w)
{
	return w->is_news;
}

/* Waits, if one is running. */
static void end_sweep(struct kf_writer *w)
{
	if (!w->sweeping)
		return;
	pthread_join(w->sweeper, NULL);
	w->sweeping = false;
	count_found(w, &w->sweep_found);
	tell_found(w, &w->sweep_found);
}

void kf_writer_sweep(struct kf_writer *w)
{
	if (!w->opts.retention || (w->sweeping && !atomic_load(&w->sweep_done)))
		return;
	end_sweep(w);
	w->sweep_found = (struct findings){ 0 };
	atomic_store(&w->sweep_done, false);
	w->sweeping = !pthread_create(&w->sweeper, NULL, sweep_only, w);
}

void kf_writer_counts(const struct kf_writer *w, struct kf_writer_counts *out)
{
	*out = w->counts;
}

void kf_writer_free(struct kf_writer **w)
{
	if (!*w)
		return;
	if ((*w)->busy)
		pthread_join((*w)->thread, NULL);
	end_sweep(*w);
	pthread_mutex_destroy(&(*w)->sweep_lock);
	close((*w)->done_fd);
	free(*w);
	*w = NULL;
}
