/* SPDX-License-Identifier: BSD-2-Clause */
#define KF_SNAPSHOT_READER_C
#include "snapshot/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define HINT_COPY    "copy it again from the host that recorded it"
#define HINT_FOREIGN "kflight reads the .kfl files that `kflight record` and `kflight run` write"

static int fail_cut(struct kf_reader *r, size_t at)
{
	return kf_fail(r->e, KF_USAGE, HINT_COPY,
		       "'%s' is cut off at byte %zu: the recording or a copy was interrupted", r->name, at);
}

int kf_reader_fail_damaged(struct kf_reader *r, size_t at, const char *what)
{
	return kf_fail(r->e, KF_USAGE, HINT_COPY, "'%s' is damaged at byte %zu: %s", r->name, at, what);
}

/* ---- header ---- */

static int fail_foreign(struct kf_reader *r)
{
	bool is_go = r->len > 5 && !memcmp(r->bytes, "go 1.", 5);

	return kf_fail(r->e, KF_USAGE, is_go ? "it looks like a Go trace: open it with `go tool trace`" : HINT_FOREIGN,
		       "'%s' is no kflight snapshot", r->name);
}

static int check_header(struct kf_reader *r, struct kf_file_header *h)
{
	size_t magic = r->len < KF_FILE_MAGIC_BYTES ? r->len : KF_FILE_MAGIC_BYTES;
	size_t version_end = offsetof(struct kf_file_header, header_bytes);

	if (memcmp(r->bytes, KF_FILE_MAGIC, magic))
		return fail_foreign(r);
	if (r->len < version_end)
		return fail_cut(r, r->len);
	memcpy(h, r->bytes, version_end);
	if (h->major != KF_FORMAT_MAJOR)
		return kf_fail(r->e, KF_USAGE, "read it with the kflight that wrote it, or a newer one",
			       "'%s' has format %u.%u, this kflight reads format %d", r->name, h->major, h->minor,
			       KF_FORMAT_MAJOR);
	if (r->len < sizeof(*h))
		return fail_cut(r, r->len);
	memcpy(h, r->bytes, sizeof(*h));
	if (h->header_bytes < sizeof(*h))
		return kf_reader_fail_damaged(r, offsetof(struct kf_file_header, header_bytes),
					      "its header is too short");
	if (h->header_bytes > r->len)
		return fail_cut(r, r->len);
	if (h->crc != kf_file_header_crc(h, r->bytes + sizeof(*h), h->header_bytes - sizeof(*h)))
		return kf_reader_fail_damaged(r, 0, "the checksum of its header is wrong");
	if (h->flags & KF_FILE_INCOMPLETE)
		return kf_fail(r->e, KF_USAGE, "kflight was stopped while it wrote it: nothing can be saved from it",
			       "'%s' is incomplete", r->name);
	if (h->file_bytes > r->len)
		return fail_cut(r, r->len);
	if (h->file_bytes < r->len)
		return kf_reader_fail_damaged(r, h->file_bytes, "more bytes follow where it should end");
	return 0;
}

/* ---- sections ---- */

/* Reads or skips the section at *at and moves *at behind it. */
static int next_section(struct kf_reader *r, size_t *at)
{
	struct kf_reader_section section = { .at = *at };
	struct kf_file_section *h = &section.head;
	uLong crc;

	if (r->len - *at < sizeof(*h))
		return kf_reader_fail_damaged(r, *at, "a section is missing");
	memcpy(h, r->bytes + *at, sizeof(*h));
	section.stored = r->bytes + *at + sizeof(*h);
	if (h->stored_bytes > r->len - *at - sizeof(*h))
		return kf_reader_fail_damaged(r, *at, "a section is longer than the file");
	crc = crc32_z(crc32(0, NULL, 0), section.stored, h->stored_bytes);
	if (h->crc != kf_file_section_crc(h, (uint32_t)crc))
		return kf_reader_fail_damaged(r, *at, "the checksum of a section is wrong");
	*at += sizeof(*h) + h->stored_bytes;
	if (!h->type || h->type >= KF_SECTION_TYPES)
		return 0;
	return kf_reader_take(r, &section);
}

/* Rings that announced slots which never came. */
static int check_rings(struct kf_reader *r)
{
	const struct kf_snapshot *s = r->s;

	for (int c = 0; c < KF_CLASSES; c++)
		for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++)
			if (s->rings[c][cpu].n_slots && !s->rings[c][cpu].slots)
				return kf_reader_fail_damaged(r, r->len, "the slots of a ring are missing");
	return 0;
}

static int read_all(struct kf_reader *r)
{
	struct kf_file_header h;
	size_t at;

	if (check_header(r, &h))
		return -1;
	r->s = kf_snapshot_new(0);
	if (!r->s)
		return kf_fail_memory(r->e, "the snapshot");
	at = h.header_bytes;
	for (uint32_t i = 0; i < h.n_sections; i++)
		if (next_section(r, &at))
			return -1;
	if (at != r->len)
		return kf_reader_fail_damaged(r, at, "bytes that belong to no section");
	if (!r->seen[KF_SECTION_META] || !r->seen[KF_SECTION_RINGS])
		return kf_reader_fail_damaged(r, at, "a section that must be there is missing");
	return check_rings(r);
}

int kf_snapshot_parse(struct kf_snapshot **out, const void *bytes, size_t len, const char *name, struct kf_error *e)
{
	struct kf_reader r = { .bytes = bytes, .len = len, .name = name, .e = e };
	int result;

	if (inflateInit(&r.z) != Z_OK)
		return kf_fail_memory(e, "reading a snapshot");
	result = read_all(&r);
	inflateEnd(&r.z);
	if (result) {
		kf_snapshot_free(&r.s);
		return -1;
	}
	*out = r.s;
	return 0;
}

/* ---- the file ---- */

static int fail_read(const char *path, int err, struct kf_error *e)
{
	return kf_fail_errno(e, err, err == EACCES ? "snapshots belong to root: read it as root" : NULL,
			     "cannot read snapshot '%s'", path);
}

/* Reads from fd until len bytes or the end; *len becomes what was read. */
static int read_whole(int fd, unsigned char *bytes, size_t *len)
{
	size_t at = 0;

	while (at < *len) {
		ssize_t n = read(fd, bytes + at, *len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		at += (size_t)n;
	}
	*len = at;
	return 0;
}

/* Into memory and not by mmap: a file that is cut while it is mapped kills its reader. */
static int load(int fd, const char *path, unsigned char **bytes, size_t *len, struct kf_error *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail_read(path, errno, e);
	if (!S_ISREG(st.st_mode))
		return kf_fail(e, KF_USAGE, HINT_FOREIGN, "'%s' is no file", path);
	if ((uint64_t)st.st_size > KF_FILE_MAX_BYTES)
		return kf_fail(e, KF_USAGE, HINT_FOREIGN, "'%s' is too large for a kflight snapshot", path);
	*len = (size_t)st.st_size;
	*bytes = malloc(*len + 1);
	if (!*bytes)
		return kf_fail_memory(e, "the snapshot file");
	if (!read_whole(fd, *bytes, len))
		return 0;
	free(*bytes);
	return fail_read(path, errno, e);
}

int kf_snapshot_read(struct kf_snapshot **out, const char *path, struct kf_error *e)
{
	/* O_NONBLOCK: a FIFO is refused, not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	unsigned char *bytes = NULL;
	size_t len = 0;
	int result;

	if (fd < 0)
		return fail_read(path, errno, e);
	result = load(fd, path, &bytes, &len, e);
	close(fd);
	if (result)
		return -1;
	result = kf_snapshot_parse(out, bytes, len, path, e);
	free(bytes);
	return result;
}
