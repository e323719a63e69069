/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "snapshot/pack.h"
#include "snapshot/slots.h"

/* Decoded at a time on the way to something else: fits in the cache of a CPU. */
#define CHUNK_BYTES (64 * 1024)

/* ---- decoding ---- */

/* Fills out with the next len decoded bytes. Returns 0, or -1 without message. */
static int inflate_into(z_stream *z, void *out, size_t len)
{
	unsigned char *p = out;

	while (len) {
		uInt chunk = len > 1u << 30 ? 1u << 30 : (uInt)len;
		int result;

		z->next_out = p;
		z->avail_out = chunk;
		result = inflate(z, Z_NO_FLUSH);
		p += chunk - z->avail_out;
		len -= chunk - z->avail_out;
		if (result == Z_STREAM_END ? len : result != Z_OK || z->avail_out)
			return -1;
		if (result == Z_STREAM_END)
			return 0;
	}
	return 0;
}

/* Nothing may be left, neither decoded nor stored; this also makes zlib compare its own checksum. */
static int inflate_end(z_stream *z)
{
	unsigned char none;

	z->next_out = &none;
	z->avail_out = 1;
	return inflate(z, Z_FINISH) == Z_STREAM_END && z->avail_out == 1 && !z->avail_in ? 0 : -1;
}

/* Next decoded bytes behind the `have` that are in buf already; returns how many are there then. */
static size_t inflate_more(z_stream *z, unsigned char *buf, size_t have, size_t room)
{
	z->next_out = buf + have;
	z->avail_out = (uInt)(room - have);
	inflate(z, Z_NO_FLUSH); /* an error gives no bytes, and is found at the end */
	return room - z->avail_out;
}

/* Decodes the slots of a ring, packed below zlib. Returns 0, or -1 without message. */
static int inflate_slots(z_stream *z, struct kf_slot *slots, size_t n)
{
	struct kf_pack pack = { 0 };
	unsigned char buf[CHUNK_BYTES];
	size_t have = 0, done = 0;

	while (done < n) {
		const unsigned char *from = buf;
		size_t before = have;

		have = inflate_more(z, buf, have, sizeof(buf));
		if (have == before)
			return -1;
		done += kf_unpack_slots(&pack, slots + done, n - done, &from, &have);
		memmove(buf, from, have);
	}
	return have ? -1 : 0;
}

/* Decodes a whole section to out, which has room for its decoded bytes. */
static int decode(struct kf_reader *r, const struct kf_reader_section *s, void *out)
{
	if (s->head.encoding == KF_ENCODING_PLAIN) {
		memcpy(out, s->stored, s->head.bytes);
		return 0;
	}
	/* One call takes at most 4 GiB; KF_FILE_MAX_BYTES of slots never need that, so more is damage. */
	if (s->head.stored_bytes > UINT32_MAX || inflateReset(&r->z) != Z_OK)
		return kf_reader_fail_damaged(r, s->at, "a section is too large");
	r->z.next_in = (Bytef *)s->stored;
	r->z.avail_in = (uInt)s->head.stored_bytes;
	if (s->head.encoding == KF_ENCODING_PACKED ? inflate_slots(&r->z, out, s->head.bytes / KF_SLOT_BYTES)
						   : inflate_into(&r->z, out, s->head.bytes))
		return kf_reader_fail_damaged(r, s->at, "a section cannot be decompressed");
	if (inflate_end(&r->z))
		return kf_reader_fail_damaged(r, s->at, "a section cannot be decompressed");
	return 0;
}

/* The decoded section in memory of its own, plus a spare byte; NULL with *r->e on failure. */
static unsigned char *decode_new(struct kf_reader *r, const struct kf_reader_section *s)
{
	unsigned char *bytes = malloc(s->head.bytes + 1);

	if (!bytes) {
		kf_fail_memory(r->e, "a section of the snapshot");
		return NULL;
	}
	if (decode(r, s, bytes)) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* Decodes a section of one struct; a shorter one is damage, a longer one grew in a newer version. */
static int decode_struct(struct kf_reader *r, const struct kf_reader_section *s, void *out, size_t len)
{
	unsigned char *bytes;

	if (s->head.bytes < len)
		return kf_reader_fail_damaged(r, s->at, "a section is too short");
	bytes = decode_new(r, s);
	if (!bytes)
		return -1;
	memcpy(out, bytes, len);
	free(bytes);
	return 0;
}

/* A decoded length that the stored bytes cannot make, or that no recorder writes, is never allocated. */
static int check_length(struct kf_reader *r, const struct kf_reader_section *section)
{
	const struct kf_file_section *h = &section->head;
	bool fits;

	switch (h->encoding) {
	case KF_ENCODING_PLAIN:
		fits = h->bytes == h->stored_bytes;
		break;
	case KF_ENCODING_ZLIB:
		fits = h->bytes / KF_ZLIB_MAX_RATIO <= h->stored_bytes;
		break;
	case KF_ENCODING_PACKED:
		fits = h->type == KF_SECTION_SLOTS &&
		       (h->bytes <= KF_PACKED_EXTRA_BYTES ||
			(h->bytes - KF_PACKED_EXTRA_BYTES) / KF_ZLIB_MAX_RATIO <= h->stored_bytes);
		break;
	default:
		return kf_reader_fail_damaged(r, section->at, "a section has an unknown encoding");
	}
	if (!fits || h->bytes > KF_FILE_MAX_BYTES - r->decoded_bytes)
		return kf_reader_fail_damaged(r, section->at, "a section has an impossible length");
	r->decoded_bytes += h->bytes;
	return 0;
}

/* ---- sections ---- */

static int read_meta(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_snapshot *s = r->s;
	struct kf_file_meta m;

	if (decode_struct(r, section, &m, sizeof(m)))
		return -1;
	s->mono_ns = m.mono_ns;
	s->real_ns = m.real_ns;
	s->boot_ns = m.boot_ns;
	s->started_ns = m.started_ns;
	s->end_ns = m.end_ns;
	s->floor_ns = m.floor_ns < m.end_ns ? m.floor_ns : m.end_ns;
	s->window_ns = m.window_ns;
	s->after_ns = m.after_ns;
	s->syscall_mode = m.syscall_mode;
	s->sources = m.sources;
	return 0;
}

static int take_strings(struct kf_reader *r, const struct kf_reader_section *section, unsigned char *bytes)
{
	size_t len = section->head.bytes, at = 0;

	while (at < len) {
		uint32_t head[2];
		char **field;
		char *copy;

		if (len - at < sizeof(head))
			return kf_reader_fail_damaged(r, section->at, "a string is cut off");
		memcpy(head, bytes + at, sizeof(head));
		at += sizeof(head);
		if (head[1] > len - at || memchr(bytes + at, '\0', head[1]))
			return kf_reader_fail_damaged(r, section->at, "a string is no string");
		field = kf_snapshot_string(r->s, head[0]);
		if (field) {
			copy = strndup((char *)bytes + at, head[1]);
			if (!copy)
				return kf_fail_memory(r->e, "the snapshot");
			free(*field);
			*field = copy;
		}
		at += head[1];
	}
	return 0;
}

static int read_strings(struct kf_reader *r, const struct kf_reader_section *section)
{
	unsigned char *bytes = decode_new(r, section);
	int result;

	if (!bytes)
		return -1;
	result = take_strings(r, section, bytes);
	free(bytes);
	return result;
}

static int read_trigger(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_trigger *t = &r->s->trigger;

	if (decode_struct(r, section, t, sizeof(*t)))
		return -1;
	t->comm[sizeof(t->comm) - 1] = '\0';
	t->process_comm[sizeof(t->process_comm) - 1] = '\0';
	return 0;
}

static int read_losses(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_file_losses l;

	if (decode_struct(r, section, &l, sizeof(l)))
		return -1;
	r->s->losses = (struct kf_losses){
		.missed_runs = l.missed_runs,
		.no_state = l.no_state,
		.bad_waits = l.bad_waits,
		.lost_triggers = l.lost_triggers,
	};
	return 0;
}

/* An array section in memory: entries of at least item_bytes, stride apart. */
struct array {
	unsigned char *bytes; /* free() it */
	const unsigned char *items;
	size_t n, stride;
};

static int read_array(struct kf_reader *r, const struct kf_reader_section *section, size_t item_bytes, struct array *a)
{
	uint32_t head[2];

	if (section->head.bytes < sizeof(head))
		return kf_reader_fail_damaged(r, section->at, "a section is too short");
	a->bytes = decode_new(r, section);
	if (!a->bytes)
		return -1;
	memcpy(head, a->bytes, sizeof(head));
	a->stride = head[0];
	a->n = head[1];
	a->items = a->bytes + sizeof(head);
	if (a->stride >= item_bytes && (uint64_t)a->n * a->stride == section->head.bytes - sizeof(head))
		return 0;
	free(a->bytes);
	return kf_reader_fail_damaged(r, section->at, "the length of an array does not fit its section");
}

static int read_counts(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct array a;

	if (read_array(r, section, sizeof(struct kf_file_count), &a))
		return -1;
	for (size_t i = 0; i < a.n && i < KF_TRIGGER_KINDS; i++) {
		struct kf_file_count c;

		memcpy(&c, a.items + i * a.stride, sizeof(c));
		r->s->counts[i] = (struct kf_trigger_counts){ c.hits, c.cooling, c.busy };
	}
	free(a.bytes);
	return 0;
}

/* What entries of 1.0 do not tell stays 0, not known. */
static int read_tasks(struct kf_reader *r, const struct kf_reader_section *section)
{
	struct kf_snapshot *s = r->s;
	struct array a;
	size_t bytes;

	if (read_array(r, section, KF_TASK_BYTES_1_0, &a))
		return -1;
	bytes = a.stride < sizeof(*s->tasks) ? a.stride : sizeof(*s->tasks);
	s->tasks = calloc(a.n ? a.n : 1, sizeof(*s->tasks));
	if (!s->tasks) {
		free(a.bytes);
		return kf_fail_memory(r->e, "the tasks of the snapshot");
	}
	s->n_tasks = a.n;
	for (size_t i = 0; i < a.n; i++) {
		memcpy(&s->tasks[i], a.items + i * a.stride, bytes);
		s->tasks[i].comm[KF_COMM_BYTES - 1] = '\0';
	}
	free(a.bytes);
	return 0;
}

/* paths: what is left of them. */
static int take_cgroup(struct kf_reader *r, const struct kf_reader_section *section, const struct kf_file_cgroup *f,
		       const unsigned char **paths, size_t *left)
{
	char *path;

	if (f->path_bytes > *left || memchr(*paths, '\0', f->path_bytes))
		return kf_reader_fail_damaged(r, section->at, "the path of a cgroup is no string");
	path = strndup((const char *)*paths, f->path_bytes);
	if (!path)
		return kf_fail_memory(r->e, "the cgroups of the snapshot");
	r->s->cgroups[r->s->n_cgroups++] = (struct kf_cgroup){
		.id = f->id,
		.quota_ns = f->quota_ns,
		.period_ns = f->period_ns,
		.parent_id = f->parent_id,
		.path = path,
	};
	*paths += f->path_bytes;
	*left -= f->path_bytes;
	return 0;
}

static int take_cgroups(struct kf_reader *r, const struct kf_reader_section *section, const unsigned char *bytes)
{
	uint32_t head[2];
	size_t left = section->head.bytes - sizeof(head);
	const unsigned char *paths;

	memcpy(head, bytes, sizeof(head));
	bytes += sizeof(head);
	if (head[0] < sizeof(struct kf_file_cgroup) || left / head[0] < head[1])
		return kf_reader_fail_damaged(r, section->at, "the length of an array does not fit its section");
	left -= (size_t)head[0] * head[1];
	paths = bytes + (size_t)head[0] * head[1];
	r->s->cgroups = calloc(head[1] + 1ull, sizeof(*r->s->cgroups));
	if (!r->s->cgroups)
		return kf_fail_memory(r->e, "the cgroups of the snapshot");
	for (uint32_t i = 0; i < head[1]; i++) {
		struct kf_file_cgroup f;

		memcpy(&f, bytes + (size_t)i * head[0], sizeof(f));
		if (take_cgroup(r, section, &f, &paths, &left))
			return -1;
	}
	return left ? kf_reader_fail_damaged(r, section->at, "bytes that belong to no cgroup") : 0;
}

static int read_cgroups(struct kf_reader *r, const struct kf_reader_section *section)
{
	unsigned char *bytes;
	int result;

	if (section->head.bytes < 2 * sizeof(uint32_t))
		return kf_reader_fail_damaged(r, section->at, "a section is too short");
	bytes = decode_new(r, section);
	if (!bytes)
		return -1;
	result = take_cgroups(r, section, bytes);
	free(bytes);
	return result;
}

static void take_ring(struct kf_ring_copy *ring, const unsigned char *bytes)
{
	struct kf_file_ring f;

	memcpy(&f, bytes, sizeof(f));
	*ring = (struct kf_ring_copy){
		.n_slots = f.n_slots, /* until its SLOTS section comes: what that must hold */
		.written = f.written,
		.overwritten = f.overwritten,
		.dropped = f.dropped,
		.torn = f.torn,
		.oldest_ns = f.oldest_ns,
		.drop_first_ns = f.drop_first_ns,
		.drop_last_ns = f.drop_last_ns,
	};
}

/* Ring counters and the number of CPUs; the snapshot gets its rings here. */
static int take_rings(struct kf_reader *r, const struct kf_reader_section *section, const unsigned char *bytes)
{
	struct kf_snapshot *s = r->s;
	struct kf_file_rings head;
	uint64_t n;

	memcpy(&head, bytes, sizeof(head));
	n = (uint64_t)head.n_cpus * head.n_classes;
	if (!head.n_cpus || head.n_cpus > KF_FILE_MAX_CPUS || head.n_classes > UINT16_MAX ||
	    head.entry_bytes < sizeof(struct kf_file_ring) ||
	    (section->head.bytes - sizeof(head)) / head.entry_bytes != n ||
	    (section->head.bytes - sizeof(head)) % head.entry_bytes)
		return kf_reader_fail_damaged(r, section->at, "the number of rings does not fit");
	for (int c = 0; c < KF_CLASSES; c++) {
		struct kf_ring_copy *rings = calloc(head.n_cpus, sizeof(*rings));

		if (!rings)
			return kf_fail_memory(r->e, "the rings of the snapshot");
		free(s->rings[c]);
		s->rings[c] = rings;
	}
	s->n_cpus = head.n_cpus;
	for (uint64_t i = 0; i < n && i / head.n_cpus < KF_CLASSES; i++)
		take_ring(&s->rings[i / head.n_cpus][i % head.n_cpus], bytes + sizeof(head) + i * head.entry_bytes);
	return 0;
}

static int read_rings(struct kf_reader *r, const struct kf_reader_section *section)
{
	unsigned char *bytes;
	int result;

	if (section->head.bytes < sizeof(struct kf_file_rings))
		return kf_reader_fail_damaged(r, section->at, "a section is too short");
	bytes = decode_new(r, section);
	if (!bytes)
		return -1;
	result = take_rings(r, section, bytes);
	free(bytes);
	return result;
}

static int read_slots(struct kf_reader *r, const struct kf_reader_section *section)
{
	const struct kf_file_section *h = &section->head;
	struct kf_ring_copy *ring;

	if (h->class >= KF_CLASSES)
		return 0; /* a class of a newer version */
	if (!r->seen[KF_SECTION_RINGS] || h->cpu >= r->s->n_cpus)
		return kf_reader_fail_damaged(r, section->at, "slots of a ring that is not there");
	ring = &r->s->rings[h->class][h->cpu];
	if (ring->slots || !ring->n_slots || h->bytes % KF_SLOT_BYTES || h->bytes / KF_SLOT_BYTES != ring->n_slots)
		return kf_reader_fail_damaged(r, section->at, "the number of slots does not fit their ring");
	ring->slots = malloc(h->bytes);
	if (!ring->slots)
		return kf_fail_memory(r->e, "the slots of the snapshot");
	if (decode(r, section, ring->slots))
		return -1;
	ring->torn += kf_slots_drop_orphans(ring->slots, &ring->n_slots);
	return 0;
}

int kf_reader_take(struct kf_reader *r, const struct kf_reader_section *section)
{
	static int (*const read[KF_SECTION_TYPES])(struct kf_reader * r, const struct kf_reader_section *section) = {
		[KF_SECTION_META] = read_meta,	     [KF_SECTION_STRINGS] = read_strings,
		[KF_SECTION_TRIGGER] = read_trigger, [KF_SECTION_COUNTS] = read_counts,
		[KF_SECTION_LOSSES] = read_losses,   [KF_SECTION_RINGS] = read_rings,
		[KF_SECTION_SLOTS] = read_slots,     [KF_SECTION_TASKS] = read_tasks,
		[KF_SECTION_CGROUPS] = read_cgroups,
	};
	uint32_t type = section->head.type;

	if (check_length(r, section))
		return -1;
	if (type != KF_SECTION_SLOTS && r->seen[type])
		return kf_reader_fail_damaged(r, section->at, "a section appears twice");
	if (read[type](r, section))
		return -1;
	r->seen[type] = true;
	return 0;
}
