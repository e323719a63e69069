/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/perfetto_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory in the hash table must not end the program: the element is then simply not found in it. */
#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->lost = 1)
#include <uthash.h>

#include "base/error.h"
#include "base/varint.h"

#define SEQUENCE 1 /* the number of our one packet sequence */

/* protos/perfetto/trace/: field numbers, by message. */
enum { TRACE_PACKET = 1 };
enum {
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_DEFAULTS = 59,
	PACKET_TRACK_DESCRIPTOR = 60,
	PACKET_FIRST_ON_SEQUENCE = 87,
};
enum { DEFAULTS_CLOCK_ID = 58 };
enum { SNAPSHOT_CLOCKS = 1, SNAPSHOT_PRIMARY = 2 };
enum { CLOCK_ID = 1, CLOCK_TIMESTAMP = 2 };
enum { INTERNED_EVENT_NAMES = 2, INTERNED_NOTE_NAMES = 3 };
enum { ENTRY_IID = 1, ENTRY_NAME = 2 };
enum {
	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_THREAD = 4,
	TRACK_PARENT = 5,
	TRACK_ORDERING = 11,
	TRACK_RANK = 12,
};
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum {
	EVENT_NOTES = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_IID = 10,
	EVENT_TRACK = 11,
	EVENT_FLOWS = 47,
	EVENT_LAST_FLOWS = 48
};
enum { NOTE_NAME_IID = 1, NOTE_UINT = 3, NOTE_TEXT = 6 };
/* And values. */
enum { CLEARED = 1, NEEDS_STATE = 2 };
enum { BUILTIN_REALTIME = 1, BUILTIN_MONOTONIC = 3, BUILTIN_BOOTTIME = 6 };
enum { ORDERING_EXPLICIT = 3 };

/* Protobuf's encoding: how the value behind a field number is stored. */
enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2 };

/* A message being built. */
struct message {
	unsigned char *bytes;
	size_t n, room;
	bool failed;
};

/* An interned text; key begins with the field of InternedData it belongs to. */
struct item {
	UT_hash_handle hh;
	uint32_t iid;
	int lost;
	char key[];
};

struct kf_perfetto_wire {
	FILE *out;
	int err; /* errno of the first failure */
	struct item *items;
	uint32_t n_items;
	struct message packet, body, part, interned, key; /* used again and again */
};

static unsigned char *more(struct message *m, size_t n)
{
	if (n > m->room - m->n) {
		size_t room = 2 * m->room + n + 64;
		unsigned char *bytes = realloc(m->bytes, room);

		if (!bytes) {
			m->failed = true;
			return NULL;
		}
		m->bytes = bytes;
		m->room = room;
	}
	m->n += n;
	return m->bytes + m->n - n;
}

static void put_bytes(struct message *m, const void *bytes, size_t n)
{
	unsigned char *to = n ? more(m, n) : NULL;

	if (to)
		memcpy(to, bytes, n);
}

static void put_varint(struct message *m, uint64_t value)
{
	unsigned char bytes[KF_VARINT_BYTES];

	put_bytes(m, bytes, kf_varint_put(bytes, value));
}

static void put_tag(struct message *m, unsigned int field, enum wire_type type)
{
	put_varint(m, (uint64_t)field << 3 | type);
}

static void put_number(struct message *m, unsigned int field, uint64_t value)
{
	put_tag(m, field, VARINT);
	put_varint(m, value);
}

/* Flow ids are fixed64, little-endian. */
static void put_fixed(struct message *m, unsigned int field, uint64_t value)
{
	unsigned char bytes[8];

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	put_tag(m, field, FIXED64);
	put_bytes(m, bytes, sizeof(bytes));
}

static void put_text(struct message *m, unsigned int field, const char *text)
{
	size_t n = strlen(text);

	put_tag(m, field, BYTES);
	put_varint(m, n);
	put_bytes(m, text, n);
}

/* Appends inner as a field and empties it. */
static void put_message(struct message *m, unsigned int field, struct message *inner)
{
	put_tag(m, field, BYTES);
	put_varint(m, inner->n);
	put_bytes(m, inner->bytes, inner->n);
	m->failed |= inner->failed;
	inner->n = 0;
}

/* Writes the packet, with the texts that are new in it. */
static void write_packet(struct kf_perfetto_wire *w)
{
	unsigned char head[1 + KF_VARINT_BYTES];
	size_t n;

	if (w->interned.n)
		put_message(&w->packet, PACKET_INTERNED_DATA, &w->interned);
	put_number(&w->packet, PACKET_SEQUENCE_ID, SEQUENCE);
	if (w->packet.failed)
		w->err = w->err ? w->err : ENOMEM;
	head[0] = TRACE_PACKET << 3 | BYTES;
	n = 1 + kf_varint_put(head + 1, w->packet.n);
	if (!w->err && (fwrite_unlocked(head, 1, n, w->out) != n ||
			fwrite_unlocked(w->packet.bytes, 1, w->packet.n, w->out) != w->packet.n))
		w->err = errno ? errno : EIO;
	w->packet.n = 0;
}

static void put_clock(struct kf_perfetto_wire *w, uint64_t id, uint64_t ns)
{
	put_number(&w->part, CLOCK_ID, id);
	put_number(&w->part, CLOCK_TIMESTAMP, ns);
	put_message(&w->body, SNAPSHOT_CLOCKS, &w->part);
}

/* Says that the sequence begins, and that its timestamps are CLOCK_MONOTONIC, as the trace's own. */
static void write_start(struct kf_perfetto_wire *w, const struct kf_perfetto_clocks *clocks)
{
	put_number(&w->body, DEFAULTS_CLOCK_ID, BUILTIN_MONOTONIC);
	put_message(&w->packet, PACKET_DEFAULTS, &w->body);
	put_number(&w->packet, PACKET_SEQUENCE_FLAGS, CLEARED | NEEDS_STATE);
	put_number(&w->packet, PACKET_FIRST_ON_SEQUENCE, 1);
	write_packet(w);

	put_clock(w, BUILTIN_MONOTONIC, clocks->mono_ns);
	put_clock(w, BUILTIN_REALTIME, clocks->real_ns);
	put_clock(w, BUILTIN_BOOTTIME, clocks->boot_ns);
	put_number(&w->body, SNAPSHOT_PRIMARY, BUILTIN_MONOTONIC);
	put_message(&w->packet, PACKET_CLOCK_SNAPSHOT, &w->body);
	write_packet(w);
}

struct kf_perfetto_wire *kf_perfetto_wire_new(FILE *out, const struct kf_perfetto_clocks *clocks)
{
	struct kf_perfetto_wire *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->out = out;
	write_start(w, clocks);
	return w;
}

void kf_perfetto_wire_free(struct kf_perfetto_wire **w)
{
	struct item *item, *next;

	if (!*w)
		return;
	item = (*w)->items;
	HASH_CLEAR(hh, (*w)->items); /* frees the table, not what is in it */
	for (; item; item = next) {
		next = item->hh.next;
		free(item);
	}
	free((*w)->packet.bytes);
	free((*w)->body.bytes);
	free((*w)->part.bytes);
	free((*w)->interned.bytes);
	free((*w)->key.bytes);
	free(*w);
	*w = NULL;
}

static struct item *item_new(struct kf_perfetto_wire *w)
{
	struct item *item = calloc(1, sizeof(*item) + w->key.n);

	if (!item)
		return NULL;
	memcpy(item->key, w->key.bytes, w->key.n);
	item->iid = w->n_items + 1;
	HASH_ADD(hh, w->items, key, w->key.n, item);
	if (!item->lost)
		return item;
	free(item);
	return NULL;
}

/* The id of a text; a new one is told with the next packet. */
static uint32_t intern(struct kf_perfetto_wire *w, unsigned int field, const char *text)
{
	unsigned char first = (unsigned char)field;
	struct item *item = NULL;

	w->key.n = 0;
	put_bytes(&w->key, &first, 1);
	put_bytes(&w->key, text, strlen(text));
	if (!w->key.failed)
		HASH_FIND(hh, w->items, w->key.bytes, w->key.n, item);
	if (item)
		return item->iid;
	item = w->key.failed ? NULL : item_new(w);
	if (!item) {
		w->err = w->err ? w->err : ENOMEM;
		return 0;
	}
	w->n_items++;
	put_number(&w->part, ENTRY_IID, item->iid);
	put_text(&w->part, ENTRY_NAME, text);
	put_message(&w->interned, field, &w->part);
	return item->iid;
}

uint32_t kf_perfetto_wire_name(struct kf_perfetto_wire *w, const char *text)
{
	return intern(w, INTERNED_EVENT_NAMES, text);
}

static void begin_packet(struct kf_perfetto_wire *w, uint64_t ts_ns)
{
	put_number(&w->packet, PACKET_TIMESTAMP, ts_ns);
	put_number(&w->packet, PACKET_SEQUENCE_FLAGS, NEEDS_STATE);
}

void kf_perfetto_wire_track(struct kf_perfetto_wire *w, uint64_t ts_ns, const struct kf_perfetto_track *track)
{
	begin_packet(w, ts_ns);
	put_number(&w->body, TRACK_UUID, track->id);
	if (track->parent)
		put_number(&w->body, TRACK_PARENT, track->parent);
	if (track->tid) {
		put_number(&w->part, THREAD_PID, track->pid);
		put_number(&w->part, THREAD_TID, track->tid);
		put_text(&w->part, THREAD_NAME, track->name);
		put_message(&w->body, TRACK_THREAD, &w->part);
	} else if (track->pid) {
		put_number(&w->part, PROCESS_PID, track->pid);
		put_text(&w->part, PROCESS_NAME, track->name);
		put_message(&w->body, TRACK_PROCESS, &w->part);
	} else {
		put_text(&w->body, TRACK_NAME, track->name);
		put_number(&w->body, TRACK_RANK, (uint64_t)(int64_t)track->rank);
	}
	if (track->ordered)
		put_number(&w->body, TRACK_ORDERING, ORDERING_EXPLICIT);
	put_message(&w->packet, PACKET_TRACK_DESCRIPTOR, &w->body);
	write_packet(w);
}

void kf_perfetto_wire_event(struct kf_perfetto_wire *w, const struct kf_perfetto_event *event)
{
	begin_packet(w, event->ts_ns);
	put_number(&w->body, EVENT_TYPE, event->type);
	put_number(&w->body, EVENT_TRACK, event->track);
	if (event->name)
		put_number(&w->body, EVENT_NAME_IID, event->name);
	for (size_t i = 0; i < KF_PERFETTO_NOTES && event->notes[i].key; i++) {
		const struct kf_perfetto_note *note = &event->notes[i];
		uint32_t key = intern(w, INTERNED_NOTE_NAMES, note->key);

		put_number(&w->part, NOTE_NAME_IID, key);
		if (note->text)
			put_text(&w->part, NOTE_TEXT, note->text);
		else
			put_number(&w->part, NOTE_UINT, note->number);
		put_message(&w->body, EVENT_NOTES, &w->part);
	}
	if (event->flow)
		put_fixed(&w->body, event->flow_ends ? EVENT_LAST_FLOWS : EVENT_FLOWS, event->flow);
	put_message(&w->packet, PACKET_TRACK_EVENT, &w->body);
	write_packet(w);
}

int kf_perfetto_wire_finish(struct kf_perfetto_wire *w, struct kf_error *e)
{
	errno = 0;
	if (!w->err && fflush(w->out))
		w->err = errno ? errno : EIO;
	if (w->err == ENOMEM)
		return kf_fail_memory(e, "the trace");
	return w->err ? kf_fail_errno(e, w->err, NULL, "cannot write the trace") : 0;
}
