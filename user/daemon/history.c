/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/history.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/file_name.h"
#include "daemon/saving.h"

struct entry {
	char name[KF_FILE_NAME_BYTES];
	char rule[32];
	uint64_t bytes;
	time_t written;
	struct kf_ask ask;
};

struct kf_history {
	struct entry entries[KF_HISTORY];
	uint64_t n; /* ever added: the next one goes to n mod KF_HISTORY */
};

int kf_history_new(struct kf_history **out, struct kf_error *e)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : kf_fail_memory(e, "the list of snapshots");
}

void kf_history_free(struct kf_history **h)
{
	free(*h);
	*h = NULL;
}

void kf_history_add(struct kf_history *h, const struct kf_ask *ask, const char *name, const char *rule, uint64_t bytes)
{
	struct entry *entry = &h->entries[h->n++ % KF_HISTORY];

	snprintf(entry->name, sizeof(entry->name), "%s", name);
	snprintf(entry->rule, sizeof(entry->rule), "%s", rule);
	entry->bytes = bytes;
	entry->written = time(NULL);
	entry->ask = *ask;
}

/* Foreign bytes: JSON takes only UTF-8. */
static json_t *text_or_null(const char *text, size_t len)
{
	char shown[KF_REASON_BYTES * 4];

	if (!text[0])
		return json_null();
	kf_text_printable(text, strnlen(text, len), shown, sizeof(shown));
	return json_string(shown);
}

static json_t *number_or_null(uint32_t number)
{
	return number ? json_integer(number) : json_null();
}

static json_t *entry_json(const struct entry *entry, const char *dir)
{
	const struct kf_ask *ask = &entry->ask;
	char path[PATH_MAX], when[32] = "";
	struct tm utc;

	snprintf(path, sizeof(path), "%s/%s", dir, entry->name);
	if (gmtime_r(&entry->written, &utc))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_pack(
		"{s:s, s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", entry->name, "path",
		text_or_null(path, sizeof(path)), "bytes", (json_int_t)entry->bytes, "time", when, "trigger",
		entry->rule, "reason", text_or_null(ask->reason, sizeof(ask->reason)), "process",
		text_or_null(ask->trigger.process_comm, KF_COMM_BYTES), "pid", number_or_null(ask->trigger.tgid),
		"trace_id", text_or_null(ask->trace_id, sizeof(ask->trace_id)), "span_id",
		text_or_null(ask->span_id, sizeof(ask->span_id)), "uid",
		ask->by.pid ? json_integer(ask->by.uid) : json_null(), "asked_by", number_or_null(ask->by.pid));
}

json_t *kf_history_json(const struct kf_history *h, int dir_fd, const char *dir)
{
	uint64_t oldest = h->n > KF_HISTORY ? h->n - KF_HISTORY : 0;
	json_t *list = json_array();

	for (uint64_t i = h->n; list && i > oldest; i--) {
		const struct entry *entry = &h->entries[(i - 1) % KF_HISTORY];

		if (!faccessat(dir_fd, entry->name, F_OK, AT_SYMLINK_NOFOLLOW) &&
		    json_array_append_new(list, entry_json(entry, dir))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
