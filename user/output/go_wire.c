/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/go_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/varint.h"
#include "output/go_tables.h"

#define FREQUENCY_HZ 1000000000 /* ticks are nanoseconds */
#define GENERATION   1
#define MAX_EVENT    (1 + (1 + KF_GO_MAX_ARGS) * KF_VARINT_BYTES)
#define FIRST_ROOM   256

/* Payload of the batch being filled. */
struct kf_go_lane {
	struct kf_go_lane *next;
	uint64_t m;
	uint64_t base_ns;
	uint64_t last_ns;
	unsigned char *bytes;
	size_t n, room;
};

struct kf_go_wire {
	FILE *out;
	enum kf_go_version version;
	uint64_t start_ns;
	uint64_t last_ns; /* newest event of the file */
	uint64_t n_events;
	int err; /* errno of the first failure */
	struct kf_go_lane *lanes;
	struct kf_go_lane **lanes_end;
	struct kf_go_tables *tables;
};

static void write_bytes(struct kf_go_wire *w, const void *bytes, size_t n)
{
	if (!w->err && n && fwrite(bytes, 1, n, w->out) != n)
		w->err = errno ? errno : EIO;
}

static void write_batch(struct kf_go_wire *w, uint64_t m, uint64_t base_ns, const unsigned char *payload, size_t n)
{
	unsigned char head[1 + 4 * KF_VARINT_BYTES];
	size_t len = 0;

	head[len++] = KF_GO_BATCH;
	len += kf_varint_put(head + len, GENERATION);
	len += kf_varint_put(head + len, m);
	len += kf_varint_put(head + len, base_ns);
	len += kf_varint_put(head + len, n);
	write_bytes(w, head, len);
	write_bytes(w, payload, n);
}

static void write_header(struct kf_go_wire *w)
{
	char header[KF_GO_HEADER_BYTES] = { 0 };

	snprintf(header, sizeof(header), "go 1.%d trace", w->version);
	write_bytes(w, header, sizeof(header));
}

/* The batch that tells the clock: from 1.25 on together with the wall clock. */
static void write_sync(struct kf_go_wire *w, const struct kf_go_clock *clock)
{
	unsigned char payload[3 + 5 * KF_VARINT_BYTES];
	size_t n = 0;

	if (w->version >= KF_GO_1_25)
		payload[n++] = KF_GO_SYNC;
	payload[n++] = KF_GO_FREQUENCY;
	n += kf_varint_put(payload + n, FREQUENCY_HZ);
	if (w->version >= KF_GO_1_25) {
		payload[n++] = KF_GO_CLOCK_SNAPSHOT;
		/* Time of the snapshot is the base of the batch; the clocks are moved there. */
		uint64_t real_ns = clock->real_ns - (clock->mono_ns - w->start_ns);

		n += kf_varint_put(payload + n, 0);
		n += kf_varint_put(payload + n, w->start_ns);
		n += kf_varint_put(payload + n, real_ns / 1000000000);
		n += kf_varint_put(payload + n, real_ns % 1000000000);
	}
	write_batch(w, KF_GO_NO_THREAD, w->start_ns, payload, n);
}

struct kf_go_wire *kf_go_wire_new(FILE *out, enum kf_go_version version, uint64_t start_ns,
				  const struct kf_go_clock *clock)
{
	struct kf_go_wire *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->tables = kf_go_tables_new();
	if (!w->tables) {
		free(w);
		return NULL;
	}
	w->out = out;
	w->version = version;
	w->start_ns = start_ns;
	w->last_ns = start_ns ? start_ns - 1 : 0;
	w->lanes_end = &w->lanes;
	write_header(w);
	write_sync(w, clock);
	return w;
}

struct kf_go_lane *kf_go_wire_lane(struct kf_go_wire *w, uint64_t m)
{
	struct kf_go_lane *lane = calloc(1, sizeof(*lane));

	if (!lane) {
		w->err = w->err ? w->err : ENOMEM;
		return NULL;
	}
	lane->m = m;
	*w->lanes_end = lane;
	w->lanes_end = &lane->next;
	return lane;
}

uint32_t kf_go_wire_string(struct kf_go_wire *w, const char *text)
{
	uint32_t id;

	if (!text[0])
		return 0;
	id = kf_go_tables_string(w->tables, text, strnlen(text, KF_GO_STRING_BYTES));
	if (!id)
		w->err = w->err ? w->err : ENOMEM;
	return id;
}

uint32_t kf_go_wire_stack(struct kf_go_wire *w, const struct kf_go_frame *frames, size_t n)
{
	uint32_t id;

	if (!n)
		return 0;
	if (n > KF_GO_STACK_FRAMES) { /* the root names the goroutine: drop leaves */
		frames += n - KF_GO_STACK_FRAMES;
		n = KF_GO_STACK_FRAMES;
	}
	id = kf_go_tables_stack(w->tables, frames, n);
	if (!id)
		w->err = w->err ? w->err : ENOMEM;
	return id;
}

static void flush_lane(struct kf_go_wire *w, struct kf_go_lane *lane)
{
	if (lane->n)
		write_batch(w, lane->m, lane->base_ns, lane->bytes, lane->n);
	lane->n = 0;
}

/* Makes room for one more event: events never straddle batches. */
static int lane_reserve(struct kf_go_wire *w, struct kf_go_lane *lane)
{
	unsigned char *bytes;
	size_t room;

	if (lane->n + MAX_EVENT > KF_GO_BATCH_BYTES)
		flush_lane(w, lane);
	if (lane->n + MAX_EVENT <= lane->room)
		return 0;
	room = lane->room ? lane->room * 2 : FIRST_ROOM;
	bytes = realloc(lane->bytes, room);
	if (!bytes) {
		w->err = w->err ? w->err : ENOMEM;
		return -1;
	}
	lane->bytes = bytes;
	lane->room = room;
	return 0;
}

void kf_go_wire_event(struct kf_go_wire *w, struct kf_go_lane *lane, uint64_t ts_ns, enum kf_go_code code,
		      const uint64_t *args, size_t n_args)
{
	if (w->err || !lane || n_args > KF_GO_MAX_ARGS || lane_reserve(w, lane))
		return;
	if (ts_ns <= w->last_ns)
		ts_ns = w->last_ns + 1;
	w->last_ns = ts_ns;
	if (!lane->n)
		lane->base_ns = lane->last_ns = ts_ns;
	lane->bytes[lane->n++] = (unsigned char)code;
	lane->n += kf_varint_put(lane->bytes + lane->n, ts_ns - lane->last_ns);
	for (size_t i = 0; i < n_args; i++)
		lane->n += kf_varint_put(lane->bytes + lane->n, args[i]);
	lane->last_ns = ts_ns;
	w->n_events++;
}

enum kf_go_version kf_go_wire_version(const struct kf_go_wire *w)
{
	return w->version;
}

uint64_t kf_go_wire_events(const struct kf_go_wire *w)
{
	return w->n_events;
}

/* Collects table entries into batches of one kind. */
struct table_batch {
	struct kf_go_wire *wire;
	unsigned char kind;
	size_t n;
	unsigned char bytes[KF_GO_BATCH_BYTES];
};

static void table_flush(struct table_batch *b)
{
	if (b->n > 1)
		write_batch(b->wire, KF_GO_NO_THREAD, b->wire->start_ns, b->bytes, b->n);
	b->bytes[0] = b->kind;
	b->n = 1;
}

static unsigned char *table_reserve(struct table_batch *b, size_t bytes)
{
	if (b->n + bytes > sizeof(b->bytes))
		table_flush(b);
	return b->bytes + b->n;
}

static void put_string(void *ctx, uint32_t id, const char *text, size_t len)
{
	struct table_batch *b = ctx;
	unsigned char *to = table_reserve(b, 1 + 2 * KF_VARINT_BYTES + len);
	size_t n = 0;

	to[n++] = KF_GO_STRING;
	n += kf_varint_put(to + n, id);
	n += kf_varint_put(to + n, len);
	memcpy(to + n, text, len);
	b->n += n + len;
}

static void put_stack(void *ctx, uint32_t id, const struct kf_go_pc *pcs, size_t n_pcs)
{
	struct table_batch *b = ctx;
	unsigned char *to = table_reserve(b, 1 + 2 * KF_VARINT_BYTES + n_pcs * 4 * KF_VARINT_BYTES);
	size_t n = 0;

	to[n++] = KF_GO_STACK;
	n += kf_varint_put(to + n, id);
	n += kf_varint_put(to + n, n_pcs);
	for (size_t i = 0; i < n_pcs; i++) {
		n += kf_varint_put(to + n, pcs[i].pc);
		n += kf_varint_put(to + n, pcs[i].frame.func);
		n += kf_varint_put(to + n, pcs[i].frame.file);
		n += kf_varint_put(to + n, pcs[i].frame.line);
	}
	b->n += n;
}

static void write_tables(struct kf_go_wire *w)
{
	struct table_batch *b = calloc(1, sizeof(*b));

	if (!b) {
		w->err = w->err ? w->err : ENOMEM;
		return;
	}
	b->wire = w;
	b->kind = KF_GO_STACKS;
	table_flush(b);
	kf_go_tables_each_stack(w->tables, put_stack, b);
	table_flush(b);
	b->kind = KF_GO_STRINGS;
	table_flush(b);
	kf_go_tables_each_string(w->tables, put_string, b);
	table_flush(b);
	free(b);
}

int kf_go_wire_finish(struct kf_go_wire *w, struct kf_error *e)
{
	const unsigned char end = KF_GO_END_OF_GENERATION;

	for (struct kf_go_lane *lane = w->lanes; lane; lane = lane->next)
		flush_lane(w, lane);
	write_tables(w);
	if (w->version >= KF_GO_1_26)
		write_bytes(w, &end, 1);
	if (!w->err && fflush(w->out))
		w->err = errno;
	if (w->err == ENOMEM)
		return kf_fail_memory(e, "the Go trace");
	if (w->err)
		return kf_fail_errno(e, w->err, NULL, "cannot write the Go trace");
	return 0;
}

void kf_go_wire_free(struct kf_go_wire **w)
{
	struct kf_go_lane *lane, *next;

	if (!*w)
		return;
	for (lane = (*w)->lanes; lane; lane = next) {
		next = lane->next;
		free(lane->bytes);
		free(lane);
	}
	kf_go_tables_free(&(*w)->tables);
	free(*w);
	*w = NULL;
}
