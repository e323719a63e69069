/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/written.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "daemon/output_dir.h"
#include "output/clock.h"
#include "output/gap_json.h"

#define NS_PER_S 1000000000ull

struct one {
	char name[256];
	char trigger[64];
	char reason[160];
};

struct kf_written {
	const struct kf_output_dir *dir;
	uint64_t n;	  /* since the start */
	struct one *ones; /* that many modulo KF_WRITTEN_MAX is the place of the next */
};

int kf_written_new(struct kf_written **out, const struct kf_output_dir *dir, struct kf_error *e)
{
	struct kf_written *w = calloc(1, sizeof(*w));

	if (w)
		w->ones = calloc(KF_WRITTEN_MAX, sizeof(*w->ones)); /* pages are had when they are used */
	if (!w || !w->ones) {
		free(w);
		return kf_fail_memory(e, "the list of snapshots");
	}
	w->dir = dir;
	*out = w;
	return 0;
}

void kf_written_free(struct kf_written **written)
{
	struct kf_written *w = *written;

	if (!w)
		return;
	free(w->ones);
	free(w);
	*written = NULL;
}

void kf_written_add(struct kf_written *w, const char *name, const char *trigger, const char *reason)
{
	struct one *one = &w->ones[w->n++ % KF_WRITTEN_MAX];

	snprintf(one->name, sizeof(one->name), "%s", name);
	snprintf(one->trigger, sizeof(one->trigger), "%s", trigger);
	snprintf(one->reason, sizeof(one->reason), "%s", reason);
}

static json_t *text(const char *bytes)
{
	return kf_json_text(bytes, strlen(bytes));
}

/* NULL when out of memory. */
static json_t *one_json(const struct kf_written *w, const struct one *one, const struct stat *st)
{
	uint64_t ns = (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec;
	char time[40], path[4352];

	snprintf(path, sizeof(path), "%s/%s", kf_output_dir_path(w->dir), one->name);
	return json_pack("{so so sI ss so so}", "name", text(one->name), "path", text(path), "bytes",
			 (json_int_t)st->st_size, "time", kf_format_timestamp(ns, time, sizeof(time)), "trigger",
			 text(one->trigger), "reason", text(one->reason));
}

json_t *kf_written_json(const struct kf_written *w)
{
	uint64_t kept = w->n < KF_WRITTEN_MAX ? w->n : KF_WRITTEN_MAX;
	json_t *all = json_array();
	struct stat st;

	for (uint64_t i = 1; i <= kept; i++) {
		const struct one *one = &w->ones[(w->n - i) % KF_WRITTEN_MAX];

		if (fstatat(kf_output_dir_fd(w->dir), one->name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (json_array_append_new(all, one_json(w, one, &st))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}
