/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes sections as a stream: memory does not grow with the window. */
#include "snapshot/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "snapshot/format.h"
#include "snapshot/pack.h"

#define OUT_BYTES   (256 * 1024)
#define PACK_SLOTS  4096 /* at a time */
#define TEMP_TRIES  16
#define HINT_FOLDER "free some space there, or choose another folder with -o"

struct writer {
	int dir_fd;
	int fd;
	char temp[40];
	const char *name; /* for messages */
	struct kf_error *e;

	uint64_t at; /* length of the file so far */
	uint32_t n_sections;

	/* The section being written. */
	struct kf_file_section section;
	uint64_t section_at;
	uLong crc;
	z_stream z;
	unsigned char *out;    /* OUT_BYTES */
	unsigned char *packed; /* PACK_SLOTS * KF_PACKED_MAX_BYTES */
};

static int fail(struct writer *w, int err, const char *doing)
{
	return kf_fail_errno(w->e, err, err == ENOSPC || err == EDQUOT ? HINT_FOLDER : NULL, "cannot %s snapshot '%s'",
			     doing, w->name);
}

/* ---- bytes ---- */

static int put_at(struct writer *w, const void *bytes, size_t len, uint64_t at)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = pwrite(w->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(w, n ? errno : EIO, "write");
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Stored bytes of the section. */
static int put_stored(struct writer *w, const void *bytes, size_t len)
{
	if (put_at(w, bytes, len, w->at))
		return -1;
	w->crc = crc32_z(w->crc, bytes, len);
	w->at += len;
	w->section.stored_bytes += len;
	return 0;
}

/* Runs the compressor until it has taken all input (Z_NO_FLUSH) or given all output (Z_FINISH). */
static int compress_step(struct writer *w, int flush)
{
	int result;

	do {
		w->z.next_out = w->out;
		w->z.avail_out = OUT_BYTES;
		result = deflate(&w->z, flush);
		if (result == Z_STREAM_ERROR)
			return kf_fail(w->e, KF_HOST, NULL, "cannot compress snapshot '%s'", w->name);
		if (put_stored(w, w->out, OUT_BYTES - w->z.avail_out))
			return -1;
	} while (w->z.avail_out == 0 || (flush == Z_FINISH && result != Z_STREAM_END));
	return 0;
}

/* ---- sections ---- */

static int begin(struct writer *w, enum kf_section type, enum kf_encoding encoding)
{
	w->section = (struct kf_file_section){ .type = type, .encoding = encoding };
	w->section_at = w->at;
	w->at += sizeof(w->section);
	w->crc = crc32(0, NULL, 0);
	if (encoding != KF_ENCODING_PLAIN && deflateReset(&w->z) != Z_OK)
		return kf_fail(w->e, KF_HOST, NULL, "cannot compress snapshot '%s'", w->name);
	return 0;
}

static int add(struct writer *w, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	w->section.bytes += len;
	if (w->section.encoding == KF_ENCODING_PLAIN)
		return put_stored(w, bytes, len);
	while (len) {
		uInt chunk = len > 1u << 30 ? 1u << 30 : (uInt)len;

		w->z.next_in = (Bytef *)p;
		w->z.avail_in = chunk;
		if (compress_step(w, Z_NO_FLUSH))
			return -1;
		p += chunk;
		len -= chunk;
	}
	return 0;
}

static int end(struct writer *w)
{
	if (w->section.encoding != KF_ENCODING_PLAIN && compress_step(w, Z_FINISH))
		return -1;
	w->section.crc = kf_file_section_crc(&w->section, (uint32_t)w->crc);
	w->n_sections++;
	return put_at(w, &w->section, sizeof(w->section), w->section_at);
}

static int write_plain(struct writer *w, enum kf_section type, const void *bytes, size_t len)
{
	return begin(w, type, KF_ENCODING_PLAIN) || add(w, bytes, len) || end(w) ? -1 : 0;
}

/* u32 bytes per entry, u32 number of entries, entries. */
static int write_array(struct writer *w, enum kf_section type, const void *items, size_t item_bytes, size_t n)
{
	uint32_t head[2] = { (uint32_t)item_bytes, (uint32_t)n };

	return begin(w, type, KF_ENCODING_ZLIB) || add(w, head, sizeof(head)) || add(w, items, item_bytes * n) || end(w)
		       ? -1
		       : 0;
}

static int write_meta(struct writer *w, const struct kf_snapshot *s)
{
	struct kf_file_meta m = {
		.mono_ns = s->mono_ns,
		.real_ns = s->real_ns,
		.boot_ns = s->boot_ns,
		.started_ns = s->started_ns,
		.floor_ns = s->floor_ns,
		.end_ns = s->end_ns,
		.window_ns = s->window_ns,
		.after_ns = s->after_ns,
		.syscall_mode = s->syscall_mode,
		.sources = s->sources,
	};

	return write_plain(w, KF_SECTION_META, &m, sizeof(m));
}

static int write_strings(struct writer *w, const struct kf_snapshot *s)
{
	if (begin(w, KF_SECTION_STRINGS, KF_ENCODING_PLAIN))
		return -1;
	for (uint32_t id = 1; id < KF_STRING_IDS; id++) {
		const char *text = *kf_snapshot_string((struct kf_snapshot *)s, id);
		uint32_t head[2] = { id, text ? (uint32_t)strlen(text) : 0 };

		if (add(w, head, sizeof(head)) || add(w, text, head[1]))
			return -1;
	}
	return end(w);
}

static int write_counts(struct writer *w, const struct kf_snapshot *s)
{
	struct kf_file_count counts[KF_TRIGGER_KINDS];

	for (int i = 0; i < KF_TRIGGER_KINDS; i++)
		counts[i] = (struct kf_file_count){ s->counts[i].hits, s->counts[i].cooling, s->counts[i].busy };
	return write_array(w, KF_SECTION_COUNTS, counts, sizeof(counts[0]), KF_TRIGGER_KINDS);
}

static int write_losses(struct writer *w, const struct kf_snapshot *s)
{
	struct kf_file_losses l = {
		.missed_runs = s->losses.missed_runs,
		.no_state = s->losses.no_state,
		.bad_waits = s->losses.bad_waits,
		.lost_triggers = s->losses.lost_triggers,
		.flooded = s->losses.flooded,
	};

	return write_plain(w, KF_SECTION_LOSSES, &l, sizeof(l));
}

static int write_rings(struct writer *w, const struct kf_snapshot *s)
{
	struct kf_file_rings head = { s->n_cpus, KF_CLASSES, sizeof(struct kf_file_ring), 0 };

	if (begin(w, KF_SECTION_RINGS, KF_ENCODING_ZLIB) || add(w, &head, sizeof(head)))
		return -1;
	for (int c = 0; c < KF_CLASSES; c++)
		for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++) {
			const struct kf_ring_copy *r = &s->rings[c][cpu];
			struct kf_file_ring f = {
				.n_slots = r->n_slots,
				.written = r->written,
				.overwritten = r->overwritten,
				.dropped = r->dropped,
				.torn = r->torn,
				.oldest_ns = r->oldest_ns,
				.drop_first_ns = r->drop_first_ns,
				.drop_last_ns = r->drop_last_ns,
			};

			if (add(w, &f, sizeof(f)))
				return -1;
		}
	return end(w);
}

static int write_ring(struct writer *w, const struct kf_ring_copy *r, unsigned int class, uint32_t cpu)
{
	struct kf_pack pack = { 0 };

	if (begin(w, KF_SECTION_SLOTS, KF_ENCODING_PACKED))
		return -1;
	w->section.class = (uint16_t) class;
	w->section.cpu = cpu;
	for (size_t at = 0; at < r->n_slots;) {
		size_t n = r->n_slots - at < PACK_SLOTS ? r->n_slots - at : PACK_SLOTS;

		if (add(w, w->packed, kf_pack_slots(&pack, r->slots + at, n, w->packed)))
			return -1;
		at += n;
	}
	w->section.bytes = r->n_slots * sizeof(*r->slots);
	return end(w);
}

static int write_slots(struct writer *w, const struct kf_snapshot *s)
{
	for (unsigned int c = 0; c < KF_CLASSES; c++)
		for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++)
			if (s->rings[c][cpu].n_slots && write_ring(w, &s->rings[c][cpu], c, cpu))
				return -1;
	return 0;
}

static int write_cgroups(struct writer *w, const struct kf_snapshot *s)
{
	uint32_t head[2] = { sizeof(struct kf_file_cgroup), (uint32_t)s->n_cgroups };

	if (begin(w, KF_SECTION_CGROUPS, KF_ENCODING_ZLIB) || add(w, head, sizeof(head)))
		return -1;
	for (size_t i = 0; i < s->n_cgroups; i++) {
		const struct kf_cgroup *c = &s->cgroups[i];
		struct kf_file_cgroup f = {
			.id = c->id,
			.quota_ns = c->quota_ns,
			.period_ns = c->period_ns,
			.parent_id = c->parent_id,
			.path_bytes = (uint32_t)strlen(c->path),
		};

		if (add(w, &f, sizeof(f)))
			return -1;
	}
	for (size_t i = 0; i < s->n_cgroups; i++)
		if (add(w, s->cgroups[i].path, strlen(s->cgroups[i].path)))
			return -1;
	return end(w);
}

static void put_counts(uint64_t out[5], const struct kf_rule_counts *c)
{
	memcpy(out, (const uint64_t[5]){ c->hits, c->cooling, c->busy, c->sampled, c->limited }, 5 * sizeof(*out));
}

static int write_rules(struct writer *w, const struct kf_snapshot *s)
{
	uint32_t head[2] = { sizeof(struct kf_file_rule), (uint32_t)s->n_rules };

	if (begin(w, KF_SECTION_RULES, KF_ENCODING_PLAIN) || add(w, head, sizeof(head)))
		return -1;
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct kf_snapshot_rule *r = &s->rules[i];
		struct kf_file_rule f = { .name_bytes = (uint32_t)strlen(r->name),
					  .text_bytes = (uint32_t)strlen(r->text) };

		put_counts(f.counts, &r->counts);
		put_counts(f.recent, &r->recent);
		if (add(w, &f, sizeof(f)))
			return -1;
	}
	for (size_t i = 0; i < s->n_rules; i++)
		if (add(w, s->rules[i].name, strlen(s->rules[i].name)) ||
		    add(w, s->rules[i].text, strlen(s->rules[i].text)))
			return -1;
	return end(w);
}

static int write_recorder(struct writer *w, const struct kf_snapshot *s)
{
	struct kf_file_recorder f = {
		.suppressed_since_ns = s->suppressed_since_ns,
		.snapshots_before = s->snapshots_before,
		.cost_ppm = s->cost_ppm,
		.budget_ppm = s->budget_ppm,
		.requester_pid = s->requester.pid,
		.requester_uid = s->requester.uid,
	};

	memcpy(f.requester_comm, s->requester.comm, sizeof(f.requester_comm));
	return write_plain(w, KF_SECTION_RECORDER, &f, sizeof(f));
}

static int write_sheds(struct writer *w, const struct kf_snapshot *s)
{
	uint32_t head[2] = { sizeof(struct kf_file_shed), (uint32_t)s->n_sheds };

	if (begin(w, KF_SECTION_SHEDS, KF_ENCODING_PLAIN) || add(w, head, sizeof(head)))
		return -1;
	for (size_t i = 0; i < s->n_sheds; i++) {
		const struct kf_shed *shed = &s->sheds[i];
		struct kf_file_shed f = { shed->ts_ns, shed->cost_ppm, shed->before, shed->after };

		if (add(w, &f, sizeof(f)))
			return -1;
	}
	return end(w);
}

static int write_header(struct writer *w, uint32_t flags)
{
	struct kf_file_header h = {
		.magic = KF_FILE_MAGIC,
		.major = KF_FORMAT_MAJOR,
		.minor = KF_FORMAT_MINOR,
		.header_bytes = sizeof(h),
		.flags = flags,
		.n_sections = w->n_sections,
		.file_bytes = w->at,
	};

	h.crc = kf_file_header_crc(&h, NULL, 0);
	return put_at(w, &h, sizeof(h), 0);
}

static int write_all(struct writer *w, const struct kf_snapshot *s)
{
	w->at = sizeof(struct kf_file_header);
	if (write_header(w, KF_FILE_INCOMPLETE))
		return -1;
	if (write_meta(w, s) || write_strings(w, s) || write_losses(w, s) || write_counts(w, s) ||
	    write_plain(w, KF_SECTION_TRIGGER, &s->trigger, sizeof(s->trigger)) || write_rings(w, s) ||
	    write_slots(w, s) || write_array(w, KF_SECTION_TASKS, s->tasks, sizeof(*s->tasks), s->n_tasks) ||
	    write_cgroups(w, s) || write_rules(w, s) || write_recorder(w, s) || write_sheds(w, s))
		return -1;
	return write_header(w, 0);
}

/* ---- the file ---- */

static int fail_exists(struct writer *w)
{
	return kf_fail(w->e, KF_USAGE, "kflight never replaces a snapshot: choose another name or move it away",
		       "snapshot '%s' exists already", w->name);
}

static int create_temp(struct writer *w)
{
	for (int i = 0; i < TEMP_TRIES; i++) {
		uint64_t random;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return fail(w, errno, "name");
		snprintf(w->temp, sizeof(w->temp), KF_SNAPSHOT_TEMP_PREFIX "%016llx", (unsigned long long)random);
		w->fd = openat(w->dir_fd, w->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (w->fd >= 0) {
			flock(w->fd, LOCK_EX | LOCK_NB); /* says that its writer lives */
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	w->temp[0] = '\0';
	return fail(w, errno, "create");
}

/* Gives the file its name, unless the name is taken. */
static int publish(struct writer *w)
{
	int result = renameat2(w->dir_fd, w->temp, w->dir_fd, w->name, RENAME_NOREPLACE);

	/* Some file systems (NFS, older FUSE) know no flags; a link never replaces either. */
	if (result && (errno == EINVAL || errno == ENOSYS)) {
		result = linkat(w->dir_fd, w->temp, w->dir_fd, w->name, 0);
		if (!result)
			unlinkat(w->dir_fd, w->temp, 0);
	}
	if (result)
		return errno == EEXIST ? fail_exists(w) : fail(w, errno, "name");
	w->temp[0] = '\0';
	/* The file is there and whole: that its name is not yet on the disk is no reason to disown it. */
	fsync(w->dir_fd);
	return 0;
}

static int close_synced(struct writer *w)
{
	int err = fsync(w->fd) ? errno : 0;

	if (close(w->fd) && !err)
		err = errno;
	w->fd = -1;
	return err ? fail(w, err, "save") : 0;
}

static int check_name(struct writer *w)
{
	struct stat st;

	if (!w->name[0] || w->name[0] == '.' || strchr(w->name, '/'))
		return kf_fail(w->e, KF_USAGE, "give a file name that is no path and does not begin with a dot",
			       "bad snapshot name '%s'", w->name);
	/* Found again, safely, when the file is named; here it saves writing for nothing. */
	return fstatat(w->dir_fd, w->name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : fail_exists(w);
}

static int prepare_file(struct writer *w, kf_snapshot_prepare_fn prepare, void *context)
{
	int err = prepare ? prepare(context, w->fd) : 0;

	return err ? fail(w, err, "prepare") : 0;
}

int kf_snapshot_write(const struct kf_snapshot *s, int dir_fd, const char *name, struct kf_error *e)
{
	return kf_snapshot_write_prepared(s, dir_fd, name, NULL, NULL, e);
}

int kf_snapshot_write_prepared(const struct kf_snapshot *s, int dir_fd, const char *name,
			       kf_snapshot_prepare_fn prepare, void *context, struct kf_error *e)
{
	struct writer w = { .dir_fd = dir_fd, .fd = -1, .name = name, .e = e };
	int result = -1;

	if (check_name(&w))
		return -1;
	w.out = malloc(OUT_BYTES + PACK_SLOTS * KF_PACKED_MAX_BYTES);
	if (!w.out || deflateInit(&w.z, 1) != Z_OK) {
		free(w.out);
		return kf_fail_memory(e, "writing a snapshot");
	}
	w.packed = w.out + OUT_BYTES;
	if (!create_temp(&w) && !write_all(&w, s) && !prepare_file(&w, prepare, context) && !close_synced(&w) &&
	    !publish(&w))
		result = 0;
	if (w.fd >= 0)
		close(w.fd);
	if (w.temp[0])
		unlinkat(dir_fd, w.temp, 0);
	deflateEnd(&w.z);
	free(w.out);
	return result;
}
