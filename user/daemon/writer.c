/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/file_name.h"
#include "capture/surroundings.h"
#include "snapshot/snapshot.h"

/* Writing can wait, the host's work cannot. */
#define WRITER_NICE 10

struct kf_writer {
	int dir_fd;
	int done_fd;
	bool busy;
	pthread_t thread;
	struct kf_snapshot *snapshot;
	int failed;
	struct kf_error error;
	char name[KF_FILE_NAME_BYTES];
};

int kf_writer_new(struct kf_writer **out, int dir_fd, struct kf_error *e)
{
	struct kf_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return kf_fail_memory(e, "the snapshot writer");
	w->dir_fd = dir_fd;
	w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->done_fd < 0) {
		free(w);
		return kf_fail_errno(e, errno, NULL, "cannot start the snapshot writer");
	}
	*out = w;
	return 0;
}

int kf_writer_fd(const struct kf_writer *w)
{
	return w->done_fd;
}

static void *write_snapshot(void *writer)
{
	struct kf_writer *w = writer;
	uint64_t one = 1;

	setpriority(PRIO_PROCESS, gettid(), WRITER_NICE);
	kf_surroundings_add(w->snapshot);
	/* Two snapshots in one second: the second one gets a number. */
	for (int attempt = 1; attempt <= 100; attempt++) {
		kf_file_name(w->snapshot, attempt, w->name, sizeof(w->name));
		if (faccessat(w->dir_fd, w->name, F_OK, AT_SYMLINK_NOFOLLOW))
			break;
	}
	w->failed = kf_snapshot_write(w->snapshot, w->dir_fd, w->name, &w->error);
	kf_snapshot_free(&w->snapshot);
	malloc_trim(0);
	if (write(w->done_fd, &one, sizeof(one)) != sizeof(one))
		w->failed = -1; /* cannot happen: an eventfd at 0 takes a 1 */
	return NULL;
}

int kf_writer_start(struct kf_writer *w, struct kf_snapshot **s, struct kf_error *e)
{
	int err;

	w->snapshot = *s;
	*s = NULL;
	err = pthread_create(&w->thread, NULL, write_snapshot, w);
	if (err) {
		kf_snapshot_free(&w->snapshot);
		return kf_fail_errno(e, err, NULL, "cannot start the snapshot writer");
	}
	w->busy = true;
	return 0;
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
	if (w->failed) {
		*e = w->error;
		return NULL;
	}
	return w->name;
}

void kf_writer_free(struct kf_writer **w)
{
	if (!*w)
		return;
	if ((*w)->busy)
		pthread_join((*w)->thread, NULL);
	close((*w)->done_fd);
	free(*w);
	*w = NULL;
}
