/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/filter_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "capture/cgroup.h"
#include "capture/host.h"
#include "kflight/record.h"

#define SEPARATORS ", \t\n"

static int append_text(struct kf_filter_spec *spec, const char *kind, const char *value, struct kf_error *e)
{
	size_t used = spec->text ? strlen(spec->text) : 0;
	size_t need = used + strlen(kind) + strlen(value) + sizeof(",  ");

	if (need > spec->text_room) {
		char *grown = realloc(spec->text, 2 * need);

		if (!grown)
			return kf_fail_memory(e, "the filter");
		spec->text = grown;
		spec->text_room = 2 * need;
	}
	snprintf(spec->text + used, spec->text_room - used, "%s%s %s", used ? ", " : "", kind, value);
	return 0;
}

/* tgid and name of a thread, from its status file. */
static bool read_status(uint32_t tid, uint32_t *tgid, char comm[64])
{
	char path[64], line[256];
	FILE *file;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	comm[0] = '\0';
	while (!found && fgets(line, sizeof(line), file))
		if (sscanf(line, "Name: %63[^\n]", comm) != 1)
			found = sscanf(line, "Tgid: %u", tgid) == 1;
	fclose(file);
	return found;
}

static int parse_number(const char *text, const char *kind, uint32_t *out, struct kf_error *e)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || !number || number > INT32_MAX)
		return kf_fail(e, KF_USAGE, "for names there is --comm 'nginx*'", "bad %s '%.100s'", kind, text);
	*out = (uint32_t)number;
	return 0;
}

static int check_alive(uint32_t id, bool process, struct kf_error *e)
{
	const char *kind = process ? "process" : "thread";
	char comm[64], printable[KF_TEXT_COMM_BYTES], hint[96];
	uint32_t tgid = 0;

	if (!read_status(id, &tgid, comm))
		return kf_fail(e, KF_USAGE,
			       process ? "`pgrep NAME` finds it; --comm 'NAME*' also fits those that start later"
				       : "`ls /proc/PID/task` lists the threads of a process",
			       "no %s '%u'", kind, id);
	if (!process || tgid == id)
		return 0;
	kf_text_printable(comm, sizeof(comm), printable, sizeof(printable));
	snprintf(hint, sizeof(hint), "`-p %u` for the whole process, `--tid %u` for this thread alone", tgid, id);
	return kf_fail(e, KF_USAGE, hint, "'%u' is no process but a thread ('%s') of process %u", id, printable, tgid);
}

static bool contains(const uint32_t *ids, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int add_id(struct kf_filter_spec *spec, uint32_t id, bool process, struct kf_error *e)
{
	uint32_t *ids = process ? spec->pids : spec->tids;
	size_t *n = process ? &spec->n_pids : &spec->n_tids;
	char number[16];

	if (contains(ids, *n, id))
		return 0;
	if (*n == KF_MAX_FILTER_PIDS)
		return kf_fail(e, KF_USAGE, "filter by --comm or --cgroup", "more than %d numbers in the filter",
			       KF_MAX_FILTER_PIDS);
	snprintf(number, sizeof(number), "%u", id);
	if (append_text(spec, process ? "pid" : "tid", number, e))
		return -1;
	ids[(*n)++] = id;
	return 0;
}

static int add_word(struct kf_filter_spec *spec, const char *text, bool process, struct kf_error *e)
{
	uint32_t id = 0;

	if (parse_number(text, process ? "process number" : "thread number", &id, e) || check_alive(id, process, e))
		return -1;
	return add_id(spec, id, process, e);
}

/* Takes back what a list added before its first bad number. */
static void cut_back(struct kf_filter_spec *spec, size_t n_pids, size_t n_tids, size_t text_len)
{
	spec->n_pids = n_pids;
	spec->n_tids = n_tids;
	if (spec->text)
		spec->text[text_len] = '\0';
}

static int check_namespace(const char *what, struct kf_error *e)
{
	if (kf_host_is_initial_namespace("pid"))
		return 0;
	return kf_fail(e, KF_HOST, "run kflight on the host, or the container with --pid=host; or use --comm",
		       "cannot filter by '%.100s' inside a pid namespace: BPF sees the numbers of the host", what);
}

int kf_filter_check_id(uint32_t id, enum kf_filter_by by, struct kf_error *e)
{
	char number[16], comm[64];
	uint32_t tgid;

	snprintf(number, sizeof(number), "%u", id);
	if (check_namespace(number, e))
		return -1;
	if (by != KF_FILTER_PID_OR_TID)
		return check_alive(id, by == KF_FILTER_PID, e);
	if (!read_status(id, &tgid, comm))
		return kf_fail(e, KF_USAGE, "`pgrep NAME` finds processes; names also fit those that start later",
			       "no process or thread '%u'", id);
	return 0;
}

static int add_list(struct kf_filter_spec *spec, const char *list, bool process, struct kf_error *e)
{
	size_t n_pids = spec->n_pids, n_tids = spec->n_tids, text_len = spec->text ? strlen(spec->text) : 0;
	char *copy, *rest, *word;
	int ret = 0, n = 0;

	if (check_namespace(list, e))
		return -1;
	copy = rest = strdup(list);
	if (!copy)
		return kf_fail_memory(e, "the filter");
	while (!ret && (word = strsep(&rest, SEPARATORS)))
		if (*word && ++n)
			ret = add_word(spec, word, process, e);
	free(copy);
	if (!ret && !n)
		ret = kf_fail(e, KF_USAGE, NULL, "the list of %s is empty", process ? "processes" : "threads");
	if (ret)
		cut_back(spec, n_pids, n_tids, text_len);
	return ret;
}

int kf_filter_spec_add_pids(struct kf_filter_spec *spec, const char *list, struct kf_error *e)
{
	return add_list(spec, list, true, e);
}

int kf_filter_spec_add_tids(struct kf_filter_spec *spec, const char *list, struct kf_error *e)
{
	return add_list(spec, list, false, e);
}

int kf_filter_spec_add_own_pid(struct kf_filter_spec *spec, uint32_t pid, struct kf_error *e)
{
	return add_id(spec, pid, true, e);
}

/* How many bytes a name must have at least to fit. */
static size_t least_length(const char *glob)
{
	size_t n = 0;

	for (; *glob; glob++)
		n += *glob != '*';
	return n;
}

int kf_filter_spec_add_comm(struct kf_filter_spec *spec, const char *glob, struct kf_error *e)
{
	if (!glob[0])
		return kf_fail(e, KF_USAGE, NULL, "the thread name to filter by is empty");
	if (least_length(glob) >= KF_COMM_BYTES)
		return kf_fail(e, KF_USAGE, "cut it and end it with '*'",
			       "nothing can fit '%.100s': the kernel keeps %d bytes of a name", glob,
			       KF_COMM_BYTES - 1);
	if (strlen(glob) >= KF_COMM_GLOB_BYTES)
		return kf_fail(e, KF_USAGE, NULL, "name pattern '%.100s' is longer than %d bytes", glob,
			       KF_COMM_GLOB_BYTES - 1);
	if (spec->n_comms == KF_MAX_FILTER_COMMS)
		return kf_fail(e, KF_USAGE, NULL, "more than %d names in the filter", KF_MAX_FILTER_COMMS);
	if (append_text(spec, "comm", glob, e))
		return -1;
	strcpy(spec->comms[spec->n_comms++].text, glob);
	return 0;
}

int kf_filter_spec_add_cgroup(struct kf_filter_spec *spec, const char *path, struct kf_error *e)
{
	struct kf_cgroup_filter found;

	if (spec->n_cgroups == KF_MAX_FILTER_CGROUPS)
		return kf_fail(e, KF_USAGE, "name a common parent", "more than %d cgroups in the filter",
			       KF_MAX_FILTER_CGROUPS);
	if (kf_cgroup_resolve(path, &found, e) || append_text(spec, "cgroup", path, e))
		return -1;
	spec->cgroups[spec->n_cgroups++] = found;
	return 0;
}

bool kf_filter_spec_is_empty(const struct kf_filter_spec *spec)
{
	return !spec->n_pids && !spec->n_tids && !spec->n_comms && !spec->n_cgroups;
}

void kf_filter_spec_release(struct kf_filter_spec *spec)
{
	free(spec->text);
	memset(spec, 0, sizeof(*spec));
}
